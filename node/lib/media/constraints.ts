/** SelectSettings and the fitness distance, https://w3c.github.io/mediacapture-main/#constrainable-interface. */
import type { MediaTrackConstraints, MediaTrackConstraintSet } from '../idl/types.js';
import { type ConstraintName, SUPPORTED_CONSTRAINTS, type Settings } from './constraint-types.js';

type Value = number | string | boolean;

/** A constraint with its bare value resolved: what is required and what is ideal. */
interface Demand {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly exact?: Value | readonly string[] | undefined;
  readonly ideal?: Value | readonly string[] | undefined;
}
type Demands = Partial<Record<ConstraintName, Demand>>;

/** Longer strings are refused, so that a page's constraints cannot hold much memory. */
const MAX_STRING_LENGTH = 500;

/** A bare value is `ideal` in the basic set and `exact` in an advanced one. */
function demandsOf(set: MediaTrackConstraintSet, bare: 'ideal' | 'exact'): Demands {
  const out: Demands = {};
  for (const name of SUPPORTED_CONSTRAINTS) {
    const value = set[name];
    if (value === undefined) continue;
    const isBare = typeof value !== 'object' || Array.isArray(value);
    out[name] = isBare ? { [bare]: value } : (value as Demand);
  }
  return out;
}

const includes = (wanted: Value | readonly string[], actual: Value): boolean =>
  Array.isArray(wanted) ? wanted.includes(actual as string) : wanted === actual;

function satisfies(actual: Value | undefined, demand: Demand): boolean {
  const { min, max, exact } = demand;
  if (min === undefined && max === undefined && exact === undefined) return true;
  if (actual === undefined) return false;
  if (exact !== undefined && !includes(exact, actual)) return false;
  if (min !== undefined && !(typeof actual === 'number' && actual >= min)) return false;
  return max === undefined || (typeof actual === 'number' && actual <= max);
}

/** The distance of a value that satisfies what is required of it. */
function distance(actual: Value | undefined, { ideal }: Demand): number {
  if (ideal === undefined) return 0;
  if (actual === undefined) return 1;
  if (typeof actual === 'number' && typeof ideal === 'number') {
    if (actual === ideal) return 0;
    return Math.abs(actual - ideal) / Math.max(Math.abs(actual), Math.abs(ideal));
  }
  return includes(ideal, actual) ? 0 : 1;
}

/** What sources of one kind can be set to. */
export interface SettingsSpace {
  /** The properties that constraints of this kind of track can be about; others are ignored. */
  readonly properties: ReadonlySet<ConstraintName>;
  /** The settings worth looking at for these demands, the source's default first. */
  candidates(numbersFor: (name: ConstraintName) => number[]): Settings[];
}

export type Selection =
  | { readonly settings: Settings }
  /** No settings satisfy this constraint; empty when none is to blame alone. */
  | { readonly failedConstraint: string };

/** The constraint that nothing satisfies, else the first without which the others could be. */
function culpritOf(wanted: [ConstraintName, Demand][], all: Settings[]): string {
  const alone = wanted.find(([name, demand]) => all.every((s) => !satisfies(s[name], demand)));
  const relaxed = wanted.find((one) =>
    all.some((s) => wanted.every((other) => other === one || satisfies(s[other[0]], other[1]))),
  );
  return (alone ?? relaxed)?.[0] ?? '';
}

/** https://w3c.github.io/mediacapture-main/#dfn-selectsettings */
export function selectSettings(space: SettingsSpace, constraints: MediaTrackConstraints): Selection {
  const basic = demandsOf(constraints, 'ideal');
  const advanced = (constraints.advanced ?? []).map((set) => demandsOf(set, 'exact'));
  const relevant = (demands: Demands) =>
    (Object.entries(demands) as [ConstraintName, Demand][]).filter(([n]) => space.properties.has(n));
  const wanted = relevant(basic);

  for (const [name, { exact, ideal }] of wanted) {
    const tooLong = [exact, ideal].flat().some((s) => typeof s === 'string' && s.length > MAX_STRING_LENGTH);
    if (tooLong) return { failedConstraint: name };
  }

  const all = space.candidates((name) =>
    [basic, ...advanced].flatMap((demands) => {
      const { min, max, exact, ideal } = demands[name] ?? {};
      return [min, max, exact, ideal].filter((x): x is number => typeof x === 'number');
    }),
  );
  const fits = (demands: [ConstraintName, Demand][]) => (settings: Settings) =>
    demands.every(([name, demand]) => satisfies(settings[name], demand));

  let set = all.filter(fits(wanted));
  if (set.length === 0) {
    return { failedConstraint: culpritOf(wanted, all) };
  }
  for (const demands of advanced) {
    const narrowed = set.filter(fits(relevant(demands)));
    if (narrowed.length > 0) set = narrowed;
  }
  const total = (settings: Settings): number =>
    wanted.reduce((sum, [name, demand]) => sum + distance(settings[name], demand), 0);
  let best: { settings: Settings; sum: number } | undefined;
  for (const settings of set) {
    const sum = total(settings);
    if (!best || sum < best.sum) best = { settings, sum };
  }
  return best ? { settings: best.settings } : { failedConstraint: '' };
}
