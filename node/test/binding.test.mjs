import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import ts from 'typescript';
import { native } from '../dist/binding.js';

const file = new URL('../lib/binding.ts', import.meta.url);
const source = ts.createSourceFile('binding.ts', readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);

/** The members of each interface, those that it inherits too; `true`: it must be there. */
const interfaces = new Map();
for (const statement of source.statements.filter(ts.isInterfaceDeclaration)) {
  const inherited = (statement.heritageClauses ?? []).flatMap(({ types }) => types.map((it) => it.expression.text));
  const members = inherited.flatMap((name) => [...interfaces.get(name)]);
  for (const member of statement.members) members.push([member.name.text, member.questionToken === undefined]);
  interfaces.set(statement.name.text, new Map(members));
}
for (const statement of source.statements.filter(ts.isTypeAliasDeclaration)) {
  const named = statement.type.typeName?.text;
  if (interfaces.has(named)) interfaces.set(statement.name.text, interfaces.get(named));
}

function check(name, there) {
  const declared = interfaces.get(name);
  assert.ok(declared, `lib/binding.ts has no ${name}`);
  const unknown = there.filter((member) => !declared.has(member));
  const gone = [...declared].filter(([member, required]) => required && !there.includes(member)).map(([member]) => member);
  assert.deepEqual({ name, unknown, gone }, { name, unknown: [], gone: [] });
}

test('the functions and classes of the core are those that lib/binding.ts says', () => {
  const classes = Object.entries(native).filter(([name, value]) => /^[A-Z][a-z]/.test(name) && value.prototype);
  const made = ['MediaHub', 'Hub'];
  const hidden = classes.map(([name]) => name).filter((name) => !made.includes(name));
  check('Binding', Object.keys(native).filter((name) => !hidden.includes(name)));
  assert.ok(classes.length > 8);
  for (const [name, { prototype }] of classes) {
    const members = Object.getOwnPropertyNames(prototype).filter((member) => member !== 'constructor');
    check(name.startsWith('Native') ? name : `Native${name}`, members);
  }
});
