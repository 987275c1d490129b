/** Sources of tracks: what devices, the remote end and the application have in common. */
import type { MediaTrackConstraints } from '../idl/types.js';
import type { Capabilities, Settings } from './constraint-types.js';
import { type Frame, type Sink, deliver } from './frames.js';
import { type MediaStreamTrack, endTrack, setTrackMuted, whenTrackEnds } from './track.js';

export type Kind = 'audio' | 'video';

/** What came of constraints. */
export type Selection =
  | { readonly settings: Settings }
  /** No settings satisfy this constraint; empty when none is to blame alone. */
  | { readonly failedConstraint: string };

/** Where a track's media comes from. */
export interface Source {
  readonly kind: Kind;
  readonly label: string;
  readonly capabilities: Capabilities;
  /** The settings where no constraint is applied. */
  readonly defaults: Settings;
  /** Applies constraints, if they can be. */
  select(constraints: MediaTrackConstraints): Selection;
  /** Gives frames until the returned function is called. */
  attach(sink: Sink): () => void;
  /** A track of it was made. */
  add?(track: MediaStreamTrack): void;
  /** For a clone of its track; without it clones share the source. */
  clone?(): Source;
}

/** Media that the application makes itself, frame by frame. It ends all of its tracks, and they end it. */
export class ApplicationSource implements Source {
  readonly capabilities: Capabilities = {};
  /** Its last track has ended. */
  whenUnused: () => void = () => {};
  muted = false;
  readonly #sinks = new Set<Sink>();
  readonly #tracks = new Set<MediaStreamTrack>();

  constructor(
    readonly kind: Kind,
    readonly label: string,
    readonly defaults: Settings,
  ) {}

  /** Gives a frame, which is closed then. */
  push(frame: Frame): void {
    deliver(frame, [...this.#sinks]);
  }

  add(track: MediaStreamTrack): void {
    this.#tracks.add(track);
    whenTrackEnds(track, () => {
      this.#tracks.delete(track);
      if (this.#tracks.size === 0) this.whenUnused();
    });
  }

  setMuted(muted: boolean): void {
    if (this.muted === muted) return;
    this.muted = muted;
    for (const track of [...this.#tracks]) setImmediate(() => setTrackMuted(track, muted));
  }

  end(): void {
    this.whenUnused = () => {};
    for (const track of [...this.#tracks]) setImmediate(() => endTrack(track));
  }

  select(): Selection {
    return { settings: this.defaults };
  }

  attach(sink: Sink): () => void {
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }
}
