// Runs every scenario in turn and posts each one's outcome: the Rust test waits for them.
import { scenarios } from "./scenarios.js";
import { post } from "./remote.js";

const LIMIT_MS = 45_000;

async function run(name, scenario) {
  const began = performance.now();
  const limit = new Promise((_, reject) => setTimeout(() => reject(new Error(`not done within ${LIMIT_MS} ms`)), LIMIT_MS));
  const cleanups = [];
  let error = null;
  try {
    await Promise.race([scenario({ onEnd: (f) => cleanups.push(f) }), limit]);
  } catch (e) {
    error = `${e.name}: ${e.message}\n${e.stack ?? ""}`;
  }
  for (const clean of cleanups.reverse()) await clean();
  await post("/outcome", { name, error, ms: Math.round(performance.now() - began) });
}

const only = new URLSearchParams(location.search).get("only");
for (const [name, scenario] of Object.entries(scenarios)) {
  if (!only || name.includes(only)) await run(name, scenario);
}
await post("/done", { agent: navigator.userAgent });
