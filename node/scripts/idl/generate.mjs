// `npm run idl`: makes lib/idl/ of the IDL files.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { emit } from './emit.mjs';
import { Model } from './model.mjs';

const node = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const read = (file) => readFileSync(path.join(node, file), 'utf8');

export function generated() {
  const { version } = JSON.parse(read('node_modules/@webref/idl/package.json'));
  return emit(new Model(), `@webref/idl ${version}`);
}

const FOLDER = 'lib/idl';

/** The names of the files that would read otherwise. */
export const stale = () => Object.entries(generated()).filter(([name, text]) => contentOf(`${FOLDER}/${name}`) !== text).map(([name]) => name);

function contentOf(file) {
  return existsSync(path.join(node, file)) ? read(file) : null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(path.join(node, FOLDER), { recursive: true });
  for (const [name, text] of Object.entries(generated())) writeFileSync(path.join(node, FOLDER, name), text);
}
