// Compiles the core (`cargo rustc -p duologue-node`) and puts it beside the package as
// duologue.<platform>.node, stripped. `--debug` for a quick build with debug information, `--checked` for an optimised one
// that checks itself and leaves out the minutes of optimising across crates: what the project's own tests run.
import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..', '..');
const debug = process.argv.includes('--debug');
const profile = process.argv.includes('--checked') ? 'swarm' : 'release';

const args = ['rustc', '--package', 'duologue-node', '--lib', '--message-format', 'json-render-diagnostics'];
// Of this crate alone: what it shares with other programs is compiled once.
if (!debug) args.push('--profile', profile, '--', '-C', 'strip=symbols');
const out = execFileSync('cargo', args, {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  maxBuffer: 64 << 20,
});

const library = out
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
  .filter((m) => m.reason === 'compiler-artifact' && m.target.name === 'duologue_node')
  .flatMap((m) => m.filenames)
  .find((file) => /\.(so|dylib|dll)$/.test(file));

const libc = () => (process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl');
const platform = `${process.platform}-${process.arch}${process.platform === 'linux' ? libc() : ''}`;
const target = path.join(here, '..', `duologue.${platform}.node`);
// Not over the old file: a process that has it open would crash.
copyFileSync(library, `${target}.new`);
renameSync(`${target}.new`, target);
console.log(path.relative(root, target));
