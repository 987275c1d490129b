// Runs every scenario in turn and posts each one's outcome: the Rust test waits for them.
import { post } from "./remote.js";

// What a scenario may take where its file says nothing.
const LIMIT_MS = 20_000;

class Skip extends Error {}

async function run(name, scenario, limitMs) {
  const began = performance.now();
  const limit = new Promise((_, reject) => setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs));
  const cleanups = [];
  const describers = [];
  let error = null;
  let skipped = null;
  let counted = null;
  const test = {
    onEnd: (f) => cleanups.push(f),
    onFailure: (f) => describers.push(f),
    skip: (reason) => {
      throw new Skip(reason);
    },
  };
  try {
    // A scenario may tell what it counted.
    counted = (await Promise.race([scenario(test), limit])) ?? null;
  } catch (e) {
    if (e instanceof Skip) skipped = e.message;
    else error = `${e.name}: ${e.message}\n${e.stack ?? ""}`;
    for (const describe of error ? describers : []) error += `\n${await describe()}`;
  }
  for (const clean of cleanups.reverse()) await clean();
  await post("/outcome", { name, error, skipped, counted, ms: Math.round(performance.now() - began) });
}

const parameters = new URLSearchParams(location.search);
const only = parameters.get("only");
const modules = await Promise.all(parameters.get("files").split(" ").map((file) => import(`./${file}.js`)));
for (const { scenarios, limit } of modules) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (!only || name.includes(only)) await run(name, scenario, limit ?? LIMIT_MS);
  }
}
await post("/done", { agent: navigator.userAgent });
