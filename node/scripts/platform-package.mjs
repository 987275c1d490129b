// Puts the compiled core into the package of this machine's platform, npm/<platform>/.
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const [core] = readdirSync(root).filter((name) => /^duologue\..*\.node$/.test(name));
if (!core) throw new Error('there is no compiled core: npm run build:native');
const platform = core.split('.')[1];
const target = path.join(root, 'npm', platform);
if (!existsSync(path.join(target, 'package.json'))) throw new Error(`there is no package for ${platform}`);
copyFileSync(path.join(root, core), path.join(target, core));
console.log(path.relative(process.cwd(), path.join(target, core)));
