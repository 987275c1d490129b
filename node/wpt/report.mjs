#!/usr/bin/env node
// Tables from results files: per folder, on all files and on those that need no
// document; union and intersection of the browsers; compact baselines.
//   node report.mjs [--browsers chromium,firefox] [--compact DIR] [--missing NAME] name=a.json[,retry.json] ...
// Several files for one name: a subtest's best status counts. Reads compact
// baselines too. --missing lists, per file, what every browser passes and NAME does not.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { STATUS, compactRun, writeCompact } from './lib/compact.mjs';
import { folderOf, readNeedsDocument } from './lib/tests.mjs';
import { fileOf } from './lib/summary.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: a, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'needs-document': { type: 'string', default: path.join(here, 'needs-document.txt') },
    browsers: { type: 'string', default: 'chromium,firefox' }, compact: { type: 'string' }, missing: { type: 'string' },
  },
});
const needs = readNeedsDocument(a['needs-document']);
const RANK = { PASS: 5, FAIL: 4, PRECONDITION_FAILED: 3, TIMEOUT: 2, NOTRUN: 1 };

// -> Map id -> { status, subs: Map name -> status }. Reads results files and compact files.
function load(files) {
  const out = new Map();
  for (const f of files) {
    const j = JSON.parse(fs.readFileSync(f, 'utf8'));
    const runs = j.runs ?? Object.fromEntries(Object.entries(j.files).map(([id, subs]) => [id, {
      status: subs[''] ?? 'OK', subtests: Object.entries(subs).filter(([k]) => k !== '').map(([name, c]) => ({ name, status: STATUS[c] })),
    }]));
    for (const [id, r] of Object.entries(runs)) {
      const e = out.get(id) ?? { status: r.status, subs: new Map() };
      if (out.has(id) && r.status === 'OK') e.status = 'OK';
      for (const s of r.subtests) if (!e.subs.has(s.name) || RANK[s.status] > RANK[e.subs.get(s.name)]) e.subs.set(s.name, s.status);
      out.set(id, e);
    }
  }
  return out;
}

const impls = new Map();
for (const p of positionals) { const i = p.indexOf('='); impls.set(p.slice(0, i), load(p.slice(i + 1).split(','))); }
const browsers = a.browsers.split(',').filter(b => impls.has(b));

const key = (id, name) => `${id}\u0000${name}`;
const passes = (m, keep) => { const s = new Set(); for (const [id, r] of m) if (keep(id)) for (const [n, st] of r.subs) if (st === 'PASS') s.add(key(id, n)); return s; };
const known = keep => { const s = new Set(); for (const b of browsers) for (const [id, r] of impls.get(b)) if (keep(id)) for (const n of r.subs.keys()) s.add(key(id, n)); return s; };
const scopes = [['all files', () => true], ['files that need no document', id => !needs.has(fileOf(id))]];
const ids = new Set([...impls.values()].flatMap(m => [...m.keys()]));

for (const [title, keep] of scopes) {
  const folders = [...new Set([...ids].filter(keep).map(folderOf))];
  console.log(`\n### ${title}\n`);
  console.log(`| folder | files | ${[...impls.keys()].join(' | ')} |`);
  console.log(`|---|---:|${[...impls].map(() => '---:').join('|')}|`);
  for (const f of [...folders, null]) {
    const inF = id => keep(id) && (f === null || folderOf(id) === f);
    const cells = [...impls.values()].map(m => {
      let n = 0, p = 0;
      for (const [id, r] of m) if (inF(id)) for (const st of r.subs.values()) { n++; if (st === 'PASS') p++; }
      return `${p} / ${n}`;
    });
    console.log(`| ${f ?? '**total**'} | ${[...ids].filter(inF).length} | ${cells.join(' | ')} |`);
  }
  const bad = [...impls.values()].map(m => { let ok = 0, b = 0; for (const [id, r] of m) if (keep(id)) { if (r.status === 'OK' && [...r.subs.values()].every(s => s === 'PASS')) ok++; if (r.status !== 'OK') b++; } return [ok, b]; });
  console.log(`| files with every subtest passed | | ${bad.map(x => x[0]).join(' | ')} |`);
  console.log(`| files with harness error, timeout or crash | | ${bad.map(x => x[1]).join(' | ')} |`);
  if (browsers.length >= 2) {
    const sets = browsers.map(b => passes(impls.get(b), keep));
    const union = new Set(sets.flatMap(s => [...s]));
    const inter = new Set([...sets[0]].filter(k => sets.every(s => s.has(k))));
    console.log(`\nSubtests that either browser registers: ${known(keep).size}; that ${browsers.join(' or ')} passes: ${union.size}; that both pass: ${inter.size}.\n`);
    console.log(`| | passes, of those that either browser passes (${union.size}) | of those that both pass (${inter.size}) |\n|---|---:|---:|`);
    const pct = (x, y) => `${x} (${(100 * x / y).toFixed(1)} %)`;
    for (const [name, m] of impls) {
      const p = passes(m, keep);
      console.log(`| ${name} | ${pct([...union].filter(k => p.has(k)).length, union.size)} | ${pct([...inter].filter(k => p.has(k)).length, inter.size)} |`);
    }
    const byFolder = new Map();
    for (const [set, i] of [[union, 0], [inter, 1]]) for (const k of set) { const f = folderOf(k); const c = byFolder.get(f) ?? [0, 0]; c[i]++; byFolder.set(f, c); }
    console.log(`\n| folder | either browser passes | both pass |\n|---|---:|---:|`);
    for (const f of folders) console.log(`| ${f} | ${byFolder.get(f)?.[0] ?? 0} | ${byFolder.get(f)?.[1] ?? 0} |`);
  }
}

if (a.missing && browsers.length) {
  const ours = impls.get(a.missing) ?? new Map();
  const per = new Map();
  for (const k of passes(impls.get(browsers[0]), () => true)) {
    const [id, name] = k.split('\u0000');
    if (!browsers.every(b => impls.get(b).get(id)?.subs.get(name) === 'PASS')) continue;
    const e = per.get(id) ?? { n: 0, miss: [] };
    e.n++;
    const st = ours.get(id)?.subs.get(name);
    if (st !== 'PASS') e.miss.push(`${st ?? 'absent'}  ${name}`);
    per.set(id, e);
  }
  console.log(`\n### passed by ${browsers.join(' and ')}, not by ${a.missing}\n`);
  for (const [id, e] of [...per].sort((x, y) => y[1].miss.length - x[1].miss.length)) {
    if (!e.miss.length) continue;
    console.log(`${e.miss.length} of ${e.n}  ${id}${needs.has(fileOf(id)) ? '  (needs a document)' : ''}`);
    for (const m of e.miss) console.log(`    ${m}`);
  }
}

if (a.compact) {
  fs.mkdirSync(a.compact, { recursive: true });
  for (const [name, m] of impls) {
    const files = {};
    for (const [id, { status, subs }] of m) files[id] = compactRun({ status, subtests: [...subs].map(([n, st]) => ({ name: n, status: st })) });
    writeCompact(path.join(a.compact, `${name}.json`), name, files);
  }
}
