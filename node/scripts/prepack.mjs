// npm runs this for `npm pack` and `npm publish` in this folder, whose package.json names no core: what
// they would make works nowhere.
console.error(`This folder is not what is published: there is a package for each platform's core, and one that names them.
\`node scripts/pack.mjs FOLDER\` makes them; publish what it writes (npm/README.md).`);
process.exit(1);
