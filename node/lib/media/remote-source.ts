/** Media from the remote end. */
import type { Capabilities, Settings } from './constraint-types.js';
import type { Sink } from './frames.js';
import { type OpenReader, SharedReader } from './reader.js';
import type { Kind, Selection, Source } from './source.js';
import { type MediaStreamTrack, endTrack, setTrackIsolated, setTrackMuted, whenTrackEnds } from './track.js';

/** Nothing about it can be constrained. */
export class RemoteSource implements Source {
  readonly label: string;
  readonly capabilities: Capabilities = {};
  readonly defaults: Settings = {};
  readonly #reader: SharedReader;
  /** Its last track has ended. */
  whenUnused: () => void = () => {};
  /** That of the receiver, and its clones, which live on without it. */
  readonly #tracks = new Set<MediaStreamTrack>();

  constructor(
    readonly kind: Kind,
    open: OpenReader,
  ) {
    this.label = `remote ${kind}`;
    this.#reader = new SharedReader(open);
  }

  select(): Selection {
    return { settings: {} };
  }

  attach(sink: Sink): () => void {
    return this.#reader.attach(sink);
  }

  add(track: MediaStreamTrack): void {
    this.#tracks.add(track);
    whenTrackEnds(track, () => {
      this.#tracks.delete(track);
      if (this.#tracks.size === 0) this.whenUnused();
    });
  }

  setMuted(muted: boolean): void {
    for (const track of [...this.#tracks]) setTrackMuted(track, muted);
  }

  setIsolated(isolated: boolean): void {
    for (const track of [...this.#tracks]) setTrackIsolated(track, isolated);
  }

  end(): void {
    for (const track of [...this.#tracks]) endTrack(track);
  }

  /** Whether it is decoded while nobody looks. */
  setIdle(idle: boolean): void {
    this.#reader.setIdle(idle);
  }
}
