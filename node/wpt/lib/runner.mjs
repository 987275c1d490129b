// Runs tests, one Node process a file, several at a time.
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const child = path.join(path.dirname(fileURLToPath(import.meta.url)), 'child.mjs');

// A test's run: { status, message, ms, subtests: [{ name, status, message }], log?, implErrors? }.
function runOne(test, { root, impl, timeout, timeoutLong, multiplier, implErrors }, live) {
  return new Promise(resolve => {
    const t0 = Date.now();
    const limit = 1000 * (test.long ? timeoutLong : timeout) * Math.max(1, multiplier);
    const arg = JSON.stringify({ root, test, implSpec: impl, multiplier, implErrors });
    const proc = spawn(process.execPath, ['--no-warnings', '--expose-gc', child, arg], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    live.add(proc);
    const names = new Map();
    const run = { status: null, message: null, ms: 0, subtests: [] };
    let out = '', buf = '';
    const note = d => { if (out.length < 4000) out += d; };
    proc.stdout.on('data', note); proc.stderr.on('data', note);
    const kill = () => { try { proc.kill('SIGKILL'); } catch { /* gone */ } };
    const timer = setTimeout(() => { run.status ??= 'EXTERNAL-TIMEOUT'; kill(); }, limit);
    const handle = m => {
      if (m.type === 'test') { if (!names.has(m.name)) names.set(m.name, { name: m.name, status: 'NOTRUN', message: null }); }
      else if (m.type === 'result') names.set(m.name, { name: m.name, status: m.status, message: m.message });
      else if (m.type === 'done') { run.status = m.status; run.message = m.message; for (const r of m.results) names.set(r.name, r); kill(); }
      else if (m.type === 'implError') { if ((run.implErrors ??= []).length < 5) run.implErrors.push(m.message); }
      else if (m.type === 'log') { if ((run.log ??= []).length < 5) run.log.push(m.message); }
      else if (m.type === 'fatal') { run.status = 'CRASH'; run.message = m.message; }
    };
    proc.stdio[3].setEncoding('utf8').on('data', d => {
      buf += d;
      for (let i; (i = buf.indexOf('\n')) >= 0; buf = buf.slice(i + 1)) {
        try { handle(JSON.parse(buf.slice(0, i))); } catch { /* cut off by the end of the process */ }
      }
    });
    proc.on('close', (code, signal) => {
      clearTimeout(timer); live.delete(proc);
      if (run.status === null) { run.status = 'CRASH'; run.message = `process ended: ${signal ?? `code ${code}`}; ${out.slice(-600)}`; }
      run.ms = Date.now() - t0;
      run.subtests = [...names.values()];
      resolve(run);
    });
  });
}

function printRun(test, r, n, total, verbose) {
  const pass = r.subtests.filter(s => s.status === 'PASS').length;
  console.log(`[${n}/${total}] ${test.id}  ${pass}/${r.subtests.length}  ${r.status === 'OK' ? '' : r.status}  ${r.ms} ms`);
  if (!verbose) return;
  if (r.message) console.log(`    harness: ${r.message}`);
  for (const s of r.subtests) if (s.status !== 'PASS') console.log(`    ${s.status}  ${s.name}\n        ${s.message ?? ''}`);
  for (const l of [...(r.log ?? []), ...(r.implErrors ?? []).map(s => `impl: ${s}`)]) console.log(`    log: ${l}`);
}

// -> { id: run }. `options.onProgress(runs)` is called now and then, and when the process is stopped.
export async function runTests(tests, options) {
  const runs = {};
  const live = new Set();
  const { jobs, quiet, verbose, onProgress } = options;
  const stop = () => { for (const c of live) c.kill('SIGKILL'); onProgress?.(runs); process.exit(130); };
  process.once('SIGINT', stop); process.once('SIGTERM', stop);
  const queue = [...tests];
  let n = 0;
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let t; (t = queue.shift());) {
      const r = runs[t.id] = await runOne(t, options, live);
      n++;
      if (!quiet) printRun(t, r, n, tests.length, verbose);
      if (n % 20 === 0) onProgress?.(runs);
    }
  }));
  process.off('SIGINT', stop); process.off('SIGTERM', stop);
  onProgress?.(runs);
  return runs;
}

// A path stays a path, anything else is a package's name.
export const implSpec = s => (/^\.{0,2}\//.test(s) || fs.existsSync(s) ? path.resolve(s) : s);

export function saveRuns(file, runs, about) {
  const sorted = Object.fromEntries(Object.keys(runs).sort().map(k => [k, runs[k]]));
  fs.writeFileSync(file, JSON.stringify({ ...about, node: process.version, runs: sorted }, null, 1));
}
