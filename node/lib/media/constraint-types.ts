/** The dictionaries of constraints, settings and capabilities (mediacapture-streams §4.3, §11). */
import {
  DOMString,
  type Infer,
  boolean,
  clamp,
  defaulted,
  dictionary,
  double,
  optional,
  sequence,
  union,
} from '../webidl/index.js';

const range = <const N extends string>(name: N, type: typeof double) =>
  dictionary(name, {
    max: optional(type),
    min: optional(type),
    exact: optional(type),
    ideal: optional(type),
  });

const ConstrainULong = union(clamp.unsignedLong, range('ConstrainULongRange', clamp.unsignedLong));
const ConstrainDouble = union(double, range('ConstrainDoubleRange', double));
const ConstrainBoolean = union(
  boolean,
  dictionary('ConstrainBooleanParameters', { exact: optional(boolean), ideal: optional(boolean) }),
);
const strings = union(DOMString, sequence(DOMString));
const ConstrainDOMString = union(
  DOMString,
  sequence(DOMString),
  dictionary('ConstrainDOMStringParameters', { exact: optional(strings), ideal: optional(strings) }),
);
const booleanOrString = union(boolean, DOMString);
const ConstrainBooleanOrDOMString = union(
  boolean,
  DOMString,
  dictionary('ConstrainBooleanOrDOMStringParameters', {
    exact: optional(booleanOrString),
    ideal: optional(booleanOrString),
  }),
);

export const MediaTrackConstraintSet = dictionary('MediaTrackConstraintSet', {
  width: optional(ConstrainULong),
  height: optional(ConstrainULong),
  aspectRatio: optional(ConstrainDouble),
  frameRate: optional(ConstrainDouble),
  facingMode: optional(ConstrainDOMString),
  resizeMode: optional(ConstrainDOMString),
  sampleRate: optional(ConstrainULong),
  sampleSize: optional(ConstrainULong),
  echoCancellation: optional(ConstrainBooleanOrDOMString),
  autoGainControl: optional(ConstrainBoolean),
  noiseSuppression: optional(ConstrainBoolean),
  latency: optional(ConstrainDouble),
  channelCount: optional(ConstrainULong),
  deviceId: optional(ConstrainDOMString),
  groupId: optional(ConstrainDOMString),
  backgroundBlur: optional(ConstrainBoolean),
  // mediacapture-extensions §5
  voiceIsolation: optional(ConstrainBoolean),
});
export type MediaTrackConstraintSet = Infer<typeof MediaTrackConstraintSet>;
export type ConstraintName = keyof MediaTrackConstraintSet;

export const MediaTrackConstraints = dictionary(
  'MediaTrackConstraints',
  { advanced: optional(sequence(MediaTrackConstraintSet)) },
  MediaTrackConstraintSet,
);
export type MediaTrackConstraints = Infer<typeof MediaTrackConstraints>;

const trackRequest = union(boolean, MediaTrackConstraints);

export const MediaStreamConstraints = dictionary('MediaStreamConstraints', {
  video: defaulted(trackRequest, false),
  audio: defaulted(trackRequest, false),
  // webrtc-identity §9
  peerIdentity: optional(DOMString),
});

/** What a source does at present, `MediaTrackSettings`. */
export type Settings = Partial<Record<ConstraintName, number | string | boolean>>;

/** What a source can do, `MediaTrackCapabilities`. */
export type Capabilities = Partial<
  Record<ConstraintName, { min: number; max: number } | readonly (string | boolean)[] | string>
>;

/** The names that `getSupportedConstraints()` gives: those that sources here know. */
export const SUPPORTED_CONSTRAINTS: readonly ConstraintName[] = [
  'width',
  'height',
  'aspectRatio',
  'frameRate',
  'facingMode',
  'resizeMode',
  'sampleRate',
  'sampleSize',
  'echoCancellation',
  'autoGainControl',
  'noiseSuppression',
  'latency',
  'channelCount',
  'deviceId',
  'groupId',
  'backgroundBlur',
  'voiceIsolation',
];
