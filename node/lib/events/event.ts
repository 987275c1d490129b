/** Event interfaces whose attributes are the members of the dictionary that they are made with. */
import type { EventInit } from '../idl/types.js';
import { constructorArguments, defineInterface, type Parameter, type Shape } from '../webidl/index.js';

type AttributesOf<Init extends EventInit> = Readonly<Required<Omit<Init, keyof EventInit>>>;

interface EventClass<Init extends EventInit> {
  new (type: string, init?: Partial<Init>): Event & AttributesOf<Init>;
}

/** `constructor(DOMString type, optional FooEventInit eventInitDict)` */
type EventShape<Init> = Shape<readonly [readonly [Parameter<string>, Parameter<Init>]]>;

/** The interface of this shape. */
export function eventInterface<Init extends EventInit>(shape: EventShape<Init>): EventClass<Init> {
  const { name, members } = shape;

  class InterfaceEvent extends Event {
    readonly #attributes: Readonly<Record<string, unknown>>;

    constructor(...args: unknown[]) {
      const [type, init] = constructorArguments(shape, args);
      super(type, init);
      // https://dom.spec.whatwg.org/#concept-event-constructor: each attribute is what the member of
      // its name is, if there is one.
      const given = init as Readonly<Record<string, unknown>>;
      this.#attributes = Object.fromEntries(
        Object.entries(members).map(([member, spec]) => {
          if (spec.member !== 'attribute') throw new Error(`${name}.${member} is no attribute`);
          const value = given[member];
          return [member, spec.isFrozen ? Object.freeze(value ?? []) : (value ?? spec.initial)];
        }),
      );
    }

    static {
      for (const member of Object.keys(members)) {
        Object.defineProperty(this.prototype, member, {
          get(this: InterfaceEvent) {
            return this.#attributes[member];
          },
          configurable: true,
        });
      }
      defineInterface(this, (o) => #attributes in o, shape);
    }
  }
  return InterfaceEvent as unknown as EventClass<Init>;
}
