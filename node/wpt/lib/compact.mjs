// Results in few bytes: { "files": { test: { subtest: code } } }; the key "" is the harness status
// when it is not OK.
import fs from 'node:fs';

export const CODE = { PASS: 'P', FAIL: 'F', PRECONDITION_FAILED: 'O', TIMEOUT: 'T', NOTRUN: 'N' };
export const STATUS = Object.fromEntries(Object.entries(CODE).map(([k, v]) => [v, k]));

export function compactRun(run) {
  const o = {};
  if (run.status !== 'OK') o[''] = run.status;
  for (const s of [...run.subtests].sort((x, y) => (x.name < y.name ? -1 : 1))) o[s.name] = CODE[s.status];
  return o;
}

export function readCompact(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).files : {};
}

export function writeCompact(file, implementation, files) {
  const lines = Object.keys(files).sort().map(id => `${JSON.stringify(id)}:${JSON.stringify(files[id])}`);
  const head = `"implementation":${JSON.stringify(implementation)},"codes":${JSON.stringify(STATUS)}`;
  const note = '"note":"key \\"\\" is the harness status when it is not OK"';
  fs.writeFileSync(file, `{${head},${note},"files":{\n${lines.join(',\n')}\n}}\n`);
}
