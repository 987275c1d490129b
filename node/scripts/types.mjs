// `npm run types`: makes lib/native.ts of the types of the core. The test that does it fails without
// UPDATE when the file would read otherwise; `cargo xtask test node` runs it so.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const { status } = spawnSync('cargo', ['test', '-p', 'duologue-node', '--lib', '--features', 'typescript'], {
  cwd: path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..'),
  env: { ...process.env, UPDATE: '1' },
  stdio: 'inherit',
});
process.exit(status ?? 1);
