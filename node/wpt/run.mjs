#!/usr/bin/env node
// Runs web-platform-tests against a non-browser implementation. See README.md.
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { implSpec, runTests, saveRuns } from './lib/runner.mjs';
import { listTests, notPassed, readNeedsDocument } from './lib/tests.mjs';
import { printSummary } from './lib/summary.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: a, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    impl: { type: 'string' }, wpt: { type: 'string' }, out: { type: 'string' },
    filter: { type: 'string', multiple: true, default: [] }, exclude: { type: 'string', multiple: true, default: [] },
    folder: { type: 'string', multiple: true }, jobs: { type: 'string', default: String(Math.max(1, Math.min(4, os.availableParallelism()))) },
    timeout: { type: 'string', default: '30' }, 'timeout-long': { type: 'string' }, multiplier: { type: 'string', default: '1' },
    'impl-errors': { type: 'string', default: 'report' }, 'no-document': { type: 'boolean', default: false },
    retry: { type: 'string' }, list: { type: 'boolean', default: false }, verbose: { type: 'boolean', short: 'v', default: false },
    quiet: { type: 'boolean', short: 'q', default: false }, help: { type: 'boolean', short: 'h', default: false },
  },
});
if (a.help || !a.wpt || (!a.impl && !a.list)) {
  console.log(`node run.mjs --impl <module path or package name> --wpt <WPT root> [options]
  --filter S        only test ids that contain S (may repeat; also as plain arguments)
  --exclude S       leave out test ids that contain S
  --folder D        WPT folders instead of the default ones (may repeat)
  --jobs N          test files at a time
  --timeout S       hard limit for a file, seconds; default 30
  --timeout-long S  the same for files with timeout=long; default 3 times --timeout
  --multiplier X    testharness.js timeout multiplier; default 1
  --impl-errors M   report (default): errors nobody catches reach window, as in a browser;
                    ignore: those without a test's frame in the stack are only noted
  --no-document     leave out the files of needs-document.txt
  --retry FILE      only the files that this results file does not show as fully passed
  --out FILE        write results as JSON
  --list            list the tests and stop
  -v, -q            every subtest that does not pass; no line per file`);
  process.exit(a.help ? 0 : 2);
}

const root = path.resolve(a.wpt);
const needsDoc = readNeedsDocument(path.join(here, 'needs-document.txt'));
let tests = listTests(root, { folders: a.folder, filter: [...a.filter, ...positionals], exclude: a.exclude });
if (a['no-document']) tests = tests.filter(t => !needsDoc.has(t.file));
if (a.retry) tests = notPassed(tests, a.retry);
if (a.list) { for (const t of tests) console.log(t.id + (t.long ? '  [long]' : '') + (needsDoc.has(t.file) ? '  [needs a document]' : '')); process.exit(0); }

const runs = await runTests(tests, {
  root, impl: implSpec(a.impl), jobs: Number(a.jobs), quiet: a.quiet, verbose: a.verbose,
  timeout: Number(a.timeout), timeoutLong: Number(a['timeout-long'] ?? 3 * a.timeout), multiplier: Number(a.multiplier),
  implErrors: a['impl-errors'],
  onProgress: done => { if (a.out) saveRuns(a.out, done, { impl: a.impl, timeout: Number(a.timeout), implErrors: a['impl-errors'] }); },
});
printSummary(runs, needsDoc);
