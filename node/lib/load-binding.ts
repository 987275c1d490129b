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

export function loadBinding(): unknown {
  const platform = `${process.platform}-${process.arch}${libc()}`;
  const load = createRequire(__filename);
  const local = join(__dirname, '..', `duologue.${platform}.node`);
  if (existsSync(local)) return load(local);
  try {
    return load(`duologue-${platform}`);
  } catch (cause) {
    throw new Error(`duologue has no prebuilt core for ${platform}`, { cause });
  }
}
