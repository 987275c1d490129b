/** `MediaStreamTrack`, mediacapture-streams §4.3, mst-content-hint, webrtc-identity §9. */
import { randomUUID } from 'node:crypto';
import { OverconstrainedError } from '../errors.js';
import * as shapes from '../idl/interfaces.js';
import type { MediaStreamTrackState, MediaTrackConstraints } from '../idl/types.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { Settings } from './constraint-types.js';
import type { Kind, Source } from './source.js';

/** mst-content-hint §3: what `contentHint` may be, per kind. */
const CONTENT_HINTS: Record<Kind, readonly string[]> = {
  audio: ['', 'speech', 'speech-recognition', 'music'],
  video: ['', 'motion', 'detail', 'text'],
};

/** The internal slots of a track. */
export interface TrackSlots {
  readonly id: string;
  readonly source: Source;
  enabled: boolean;
  muted: boolean;
  ended: boolean;
  contentHint: string;
  constraints: MediaTrackConstraints;
  settings: Settings;
  /** What it gives is not for this program. */
  isolated: boolean;
  /** For whom it was captured, if for one peer alone. */
  peerIdentity: string | null;
}

const listeners = new WeakMap<TrackSlots, Set<() => void>>();

/** Calls `listener` when the track ends, in whatever way, unless the returned function was called before. */
export function whenTrackEnds(track: MediaStreamTrack, listener: () => void): () => void {
  const slots = trackSlots(track);
  const known = listeners.get(slots) ?? new Set();
  listeners.set(slots, known.add(listener));
  return () => known.delete(listener);
}

function end(slots: TrackSlots): void {
  slots.ended = true;
  for (const listener of listeners.get(slots) ?? []) listener();
  listeners.delete(slots);
}

export function newTrackSlots(source: Source): TrackSlots {
  return {
    id: randomUUID(),
    source,
    enabled: true,
    muted: false,
    ended: false,
    contentHint: '',
    constraints: {},
    settings: source.defaults,
    isolated: false,
    peerIdentity: null,
  };
}

export function createTrack(source: Source, init: Partial<TrackSlots> = {}): MediaStreamTrack {
  const track = new MediaStreamTrack(internal, { ...newTrackSlots(source), ...init });
  // A clone of one that has ended has ended, too, and nothing happens to it.
  if (!init.ended) source.add?.(track);
  return track;
}

/** The track ended for a reason other than `stop()`: sets the state and fires `ended`. */
export function endTrack(track: MediaStreamTrack): void {
  const slots = trackSlots(track);
  if (slots.ended) return;
  end(slots);
  track.dispatchEvent(new Event('ended'));
}

/** https://w3c.github.io/mediacapture-main/#set-track-muted */
export function setTrackMuted(track: MediaStreamTrack, muted: boolean): void {
  const slots = trackSlots(track);
  if (slots.muted === muted || slots.ended) return;
  slots.muted = muted;
  track.dispatchEvent(new Event(muted ? 'mute' : 'unmute'));
}

/** webrtc-identity §9: it comes over a transport whose ends keep its content from programs, or no more. */
export function setTrackIsolated(track: MediaStreamTrack, isolated: boolean): void {
  const slots = trackSlots(track);
  if (slots.isolated === isolated || slots.ended) return;
  slots.isolated = isolated;
  track.dispatchEvent(new Event('isolationchange'));
}

export let trackSlots: (track: MediaStreamTrack) => TrackSlots;

export class MediaStreamTrack extends EventTarget {
  readonly #slots: TrackSlots;
  declare onmute: EventHandler<MediaStreamTrack>;
  declare onunmute: EventHandler<MediaStreamTrack>;
  declare onended: EventHandler<MediaStreamTrack>;
  declare onisolationchange: EventHandler<MediaStreamTrack>;

  constructor(token: typeof internal, slots: TrackSlots) {
    assertInternal(token);
    super();
    this.#slots = slots;
  }

  get kind(): Kind {
    return this.#slots.source.kind;
  }
  get id(): string {
    return this.#slots.id;
  }
  get label(): string {
    return this.#slots.source.label;
  }
  get enabled(): boolean {
    return this.#slots.enabled;
  }
  set enabled(value: boolean) {
    this.#slots.enabled = value;
  }
  get muted(): boolean {
    return this.#slots.muted;
  }
  get readyState(): MediaStreamTrackState {
    return this.#slots.ended ? 'ended' : 'live';
  }
  get contentHint(): string {
    return this.#slots.contentHint;
  }
  set contentHint(value: string) {
    if (CONTENT_HINTS[this.kind].includes(value)) this.#slots.contentHint = value;
  }
  get isolated(): boolean {
    return this.#slots.isolated;
  }

  clone(): MediaStreamTrack {
    const { source, constraints, settings, id: _, ...rest } = this.#slots;
    const copy = structuredClone({ constraints, settings });
    return createTrack(source.clone?.() ?? source, { ...rest, ...copy });
  }

  stop(): void {
    if (!this.#slots.ended) end(this.#slots);
  }

  getCapabilities(): object {
    return structuredClone(this.#slots.source.capabilities);
  }
  getConstraints(): MediaTrackConstraints {
    return structuredClone(this.#slots.constraints);
  }
  getSettings(): Settings {
    const { settings, ended, source } = this.#slots;
    if (!ended) return { ...settings };
    // An ended track still tells its device.
    const { deviceId, groupId } = source.defaults;
    return deviceId === undefined ? {} : { deviceId, ...(groupId === undefined ? {} : { groupId }) };
  }

  async applyConstraints(constraints: MediaTrackConstraints): Promise<void> {
    const slots = this.#slots;
    if (slots.ended) return;
    const selection = slots.source.select(constraints);
    await new Promise(setImmediate);
    if ('failedConstraint' in selection) {
      throw new OverconstrainedError(selection.failedConstraint, 'The source cannot satisfy the constraint');
    }
    slots.constraints = constraints;
    slots.settings = selection.settings;
  }

  static {
    trackSlots = (track) => track.#slots;
    defineInterface(this, (o) => #slots in o, shapes.MediaStreamTrack);
  }
}
