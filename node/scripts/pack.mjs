// `node scripts/pack.mjs FOLDER`: the packages as they are published, as .tgz files in FOLDER. A core
// that carries debug information is not packed: it is five times as large.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasDebugInformation } from './elf.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const out = path.resolve(process.argv[2] ?? '.');
const read = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const { devDependencies: _, scripts: __, ...main } = read('package.json');
const platforms = read('npm/platforms.json');
const { name, version, license } = main;

/** What both kinds of packages carry. */
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];

/** Packs a folder with these files, the licences and this package.json. */
function pack(manifest, files) {
  const folder = mkdtempSync(path.join(tmpdir(), 'duologue-pack-'));
  for (const file of files) cpSync(path.join(root, file), path.join(folder, file), { recursive: true });
  for (const file of LICENCES) cpSync(path.join(root, file), path.join(folder, file), { dereference: true });
  const packed = { ...manifest, files: [...manifest.files, ...LICENCES] };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(packed, null, 2));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', out], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  rmSync(folder, { recursive: true });
}

mkdirSync(out, { recursive: true });
const optionalDependencies = Object.fromEntries(platforms.map((platform) => [`${name}-${platform.name}`, version]));
pack({ ...main, optionalDependencies }, main.files);
for (const { name: platform, os, cpu, libc } of platforms) {
  const core = `${name}.${platform}.node`;
  if (!existsSync(path.join(root, core))) continue;
  if (hasDebugInformation(readFileSync(path.join(root, core)))) {
    console.error(`${core} carries debug information: pack one of \`npm run build:native\` without --debug, or strip it`);
    process.exit(1);
  }
  const manifest = {
    name: `${name}-${platform}`,
    version,
    description: `The compiled core of ${name} for ${platform}`,
    license,
    main: core,
    files: [core],
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
  };
  pack(manifest, [core]);
}
