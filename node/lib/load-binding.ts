/** Finds the compiled core: beside the sources where it was built, else in a platform's package. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** musl has no glibc version in Node's report. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? '-musl' : '-gnu';
}

/** Why there is no core, and what mends it. */
function noCore(name: string, platform: string, cause: unknown): Error {
  const error = (what: string): Error => new Error(`duologue: ${what}`, { cause });
  if ((cause as { code?: unknown }).code !== 'MODULE_NOT_FOUND') {
    return error(`the core in the package ${name} cannot be loaded: ${(cause as Error).message}`);
  }
  const load = createRequire(__filename);
  const { version, optionalDependencies } = load('../package.json') as {
    version: string;
    optionalDependencies?: Record<string, string>;
  };
  // Only the published package names its cores.
  if (!optionalDependencies) {
    return error(`there is no core for ${platform} beside the sources; 'npm run build' in node/ compiles it (it needs Rust)`);
  }
  if (!(name in optionalDependencies)) {
    const platforms = Object.keys(optionalDependencies).map((other) => other.replace('duologue-', ''));
    return error(`there is no prebuilt core for ${platform}, only for ${platforms.join(', ')}; README.md says how to build from the sources`);
  }
  return error(
    `the package ${name}, which has the core for ${platform}, is not installed: 'npm install ${name}@${version}' mends that. ` +
      'npm leaves it out with --omit=optional, and when node_modules or package-lock.json come from another platform',
  );
}

export function loadBinding(): unknown {
  const platform = `${process.platform}-${process.arch}${libc()}`;
  const load = createRequire(__filename);
  const local = join(__dirname, '..', `duologue.${platform}.node`);
  if (existsSync(local)) return load(local);
  const name = `duologue-${platform}`;
  try {
    return load(name);
  } catch (cause) {
    throw noCore(name, platform, cause);
  }
}
