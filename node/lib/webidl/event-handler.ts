/** Event handler attributes, https://html.spec.whatwg.org/#event-handler-attributes. */
import { isObject } from './convert.js';

interface Slot {
  callback: object;
  readonly listener: (event: Event) => void;
}

const slots = new WeakMap<EventTarget, Map<string, Slot>>();

export function eventHandlerOf(target: EventTarget, type: string): object | null {
  return slots.get(target)?.get(type)?.callback ?? null;
}

/**
 * Sets `target.on<type>`. The listener is added with the first non-null value and keeps its place
 * among the others until the value becomes null. `[LegacyTreatNonObjectAsNull]`: what is no object
 * counts as null; an object that cannot be called is kept and never called.
 */
export function setEventHandler(target: EventTarget, type: string, value: unknown): void {
  let ofTarget = slots.get(target);
  const slot = ofTarget?.get(type);
  if (!isObject(value)) {
    if (slot) {
      target.removeEventListener(type, slot.listener);
      ofTarget?.delete(type);
    }
    return;
  }
  if (slot) {
    slot.callback = value;
    return;
  }
  const made: Slot = {
    callback: value,
    listener(event) {
      const { callback } = made;
      if (typeof callback !== 'function') return;
      const result: unknown = Reflect.apply(callback, event.currentTarget, [event]);
      if (result === false) event.preventDefault();
    },
  };
  if (!ofTarget) slots.set(target, (ofTarget = new Map<string, Slot>()));
  ofTarget.set(type, made);
  target.addEventListener(type, made.listener);
}

/** The value of an `EventHandler` attribute. */
export type EventHandler<T, E extends Event = Event> = ((this: T, event: E) => unknown) | null;
