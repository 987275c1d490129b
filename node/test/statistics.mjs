// The members of statistics, as the Rust dictionaries have them: which of them a report has depends on what happened.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'core', 'peer', 'src', 'stats');

/** The IDL's names of a dictionary and its members, for each one that is declared. */
const dictionaries = readdirSync(folder).flatMap((file) => {
  const text = readFileSync(path.join(folder, file), 'utf8');
  const declared = text.matchAll(/^ +((?:#\[.*\]\n +)*)pub struct \w+ \{\n([^]*?)^ {4}\}\n\}/gm);
  return [...declared].map(([, attributes, body]) => ({
    names: [...attributes.matchAll(/alias = "(\w+)"/g)].map(([, name]) => name),
    members: [...body.matchAll(/^ +(?:#\[.*rename = "(\w+)".*\]\n +)?pub (\w+):/gm)].map(([, renamed, name]) => renamed ?? camel(name)),
  }));
});

/** Which members of a model's dictionaries of statistics are in no Rust dictionary, as keys of `missing`. */
export function absentStatistics(model, lineages) {
  return Object.values(lineages).flatMap((known) => {
    const leaves = typeof known === 'string' ? [known] : Object.values(known);
    const lineage = leaves.flatMap((name) => model.lineage(name));
    const named = (names) => dictionaries.filter((it) => it.names.some((name) => names.includes(name)));
    // One of ours may be for several of the document's, which then have a parent in common.
    const ours = named(leaves).length ? named(leaves) : named(lineage);
    const here = new Set(ours.flatMap(({ members }) => members));
    const wanted = new Set(lineage.flatMap((name) => model.dictionaries.get(name).members.map((member) => `${name}.${member.name}`)));
    return [...wanted].filter((key) => !COMMON.has(key) && !here.has(key.split('.')[1]));
  });
}

function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/** The members of all statistics. */
const COMMON = new Set(['RTCStats.timestamp', 'RTCStats.type', 'RTCStats.id']);
