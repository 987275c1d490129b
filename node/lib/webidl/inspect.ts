/** What `console.log` shows of an object: its attributes, which are accessors of its prototype. */
import { type InspectOptionsStylized, inspect } from 'node:util';

/** `show` gives what is worth a look. */
export function defineInspect(
  prototype: object,
  hasBrand: (value: object) => boolean,
  show: (value: object) => object,
): void {
  const value = function (this: object, depth: number | null, options: InspectOptionsStylized): string {
    // The prototype itself, or something that inherits from an object.
    if (!hasBrand(this)) return inspect(this, { ...options, customInspect: false });
    const { name } = this.constructor;
    if (depth !== null && depth < 0) return options.stylize(`[${name}]`, 'special');
    // As deep as is left here; `options` has the depth of the outermost object.
    return `${name} ${inspect(show(this), { ...options, depth })}`;
  };
  Object.defineProperty(prototype, inspect.custom, { value, writable: true, configurable: true });
}
