// `npm test`: the type tests, then the tests proper.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const tests = readdirSync(path.join(root, 'test')).filter((name) => name.endsWith('.test.mjs'));
const commands = [
  [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'test/types'],
  ['--test', ...tests.map((name) => path.join('test', name))],
];
for (const args of commands) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
