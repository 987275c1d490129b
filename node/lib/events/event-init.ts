import { type Infer, boolean, defaulted, dictionary } from '../webidl/index.js';

/** https://dom.spec.whatwg.org/#dictdef-eventinit */
export const EventInit = dictionary('EventInit', {
  bubbles: defaulted(boolean, false),
  cancelable: defaulted(boolean, false),
  composed: defaulted(boolean, false),
});
export type EventInit = Infer<typeof EventInit>;
