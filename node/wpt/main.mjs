#!/usr/bin/env node
// `cargo xtask wpt`: the web-platform-tests against this package. Tells what got better and what
// got worse than expectations.json says, and fails when something got worse.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { STATUS, compactRun, readCompact, writeCompact } from './lib/compact.mjs';
import { runTests, saveRuns } from './lib/runner.mjs';
import { printSummary } from './lib/summary.mjs';
import { listTests, readNeedsDocument } from './lib/tests.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: a } = parseArgs({
  options: {
    wpt: { type: 'string' }, filter: { type: 'string', multiple: true, default: [] }, json: { type: 'string' },
    update: { type: 'boolean', default: false }, all: { type: 'boolean', default: false },
    verbose: { type: 'boolean', short: 'v', default: false }, jobs: { type: 'string', default: String(os.availableParallelism()) },
  },
});
if (!a.wpt) {
  console.error(`node main.mjs --wpt DIR [options]
  --filter S   only test ids that contain S (may repeat)
  --json FILE  write every subtest's status and message here
  --update     keep what this run found as the new expectations, and write RESULTS.md
  --all        also the files that need a browser's documents (needs-document.txt)
  --jobs N     test files at a time
  -v           every subtest that does not pass, with its message`);
  process.exit(2);
}

const root = path.resolve(a.wpt);
const needsDocument = readNeedsDocument(path.join(here, 'needs-document.txt'));
const tests = listTests(root, { filter: a.filter }).filter(t => a.all || !needsDocument.has(t.file));
const runs = await runTests(tests, {
  root, impl: path.join(here, 'impl.mjs'), jobs: Number(a.jobs), quiet: false, verbose: a.verbose,
  timeout: 30, timeoutLong: 60, multiplier: 1, implErrors: 'report',
});
if (a.json) saveRuns(path.resolve(a.json), runs, { impl: 'duologue' });
printSummary(runs, needsDocument);

const expectationsFile = path.join(here, 'expectations.json');
const expected = readCompact(expectationsFile);
const found = Object.fromEntries(Object.entries(runs).map(([id, run]) => [id, compactRun(run)]));
const name = code => STATUS[code] ?? code ?? 'absent';
const better = [], worse = [];
for (const [id, now] of Object.entries(found)) {
  const before = expected[id] ?? {};
  for (const subtest of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (subtest === '') continue;
    const [was, is] = [before[subtest], now[subtest]];
    if (was === is || (was !== 'P' && is !== 'P')) continue;
    (is === 'P' ? better : worse).push(`${name(was)} -> ${name(is)}  ${id}  ${subtest}`);
  }
}
for (const [title, list] of [['better', better], ['worse', worse]]) {
  console.log(`\n${title}: ${list.length}`);
  for (const line of list.slice(0, title === 'better' ? 20 : Infinity)) console.log(`  ${line}`);
}

if (a.update) {
  // A whole run forgets the tests that are gone.
  writeCompact(expectationsFile, 'duologue', a.filter.length ? { ...expected, ...found } : found);
  const baseline = b => `${b}=${path.join(here, 'baseline', `${b}.json`)}`;
  const report = execFileSync(process.execPath, [
    path.join(here, 'report.mjs'), '--missing', 'duologue',
    baseline('chromium'), baseline('firefox'), `duologue=${expectationsFile}`,
  ], { encoding: 'utf8', maxBuffer: 64 << 20 });
  fs.writeFileSync(path.join(here, 'RESULTS.md'), results(report));
}
process.exit(worse.length && !a.update ? 1 : 0);

// The tables are Markdown already; the list of what is missing becomes one.
function results(report) {
  const [tables, missing] = report.split(/\n### passed by chromium and firefox, not by duologue\n/);
  const open = missing.split('\n').map(line => {
    const file = /^(\d+ of \d+) {2}(\S+)(.*)$/.exec(line);
    return file ? `\n* \`${file[2]}\`: ${file[1]}${file[3]}` : line.replace(/^ {4}(\S+) {2}(.*)$/, '  * $1: $2');
  });
  return `# Results of the web-platform-tests

Written by \`cargo xtask wpt --wpt DIR --update\`; how the browsers were run is in BASELINE.md. Cells are
subtests passed / subtests registered.
${tables}
## Open: both browsers pass, duologue does not yet
${open.join('\n').trim()}
`;
}
