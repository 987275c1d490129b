/** The names of constraints, settings and capabilities (mediacapture-streams §4.3, §11). */
import { MediaTrackSupportedConstraints, type MediaTrackConstraintSet } from '../idl/types.js';

export type ConstraintName = keyof MediaTrackConstraintSet;

/** What a source does at present, `MediaTrackSettings`. */
export type Settings = Partial<Record<ConstraintName, number | string | boolean>>;

/** What a source can do, `MediaTrackCapabilities`. */
export type Capabilities = Partial<
  Record<ConstraintName, { min: number; max: number } | readonly (string | boolean)[] | string>
>;

/** What `getSupportedConstraints()` gives: what sources here know. */
export const supportedConstraints = (): MediaTrackSupportedConstraints => MediaTrackSupportedConstraints({}, 'The default');
