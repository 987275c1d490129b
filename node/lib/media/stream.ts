/** `MediaStream`, mediacapture-streams §4.2. */
import { randomUUID } from 'node:crypto';
import { MediaStreamTrackEvent } from '../events/media-stream-track-event.js';
import * as shapes from '../idl/interfaces.js';
import { constructorArguments, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { MediaStreamTrack } from './track.js';

/**
 * A stream of the remote end: it has the id that the remote description gave it. `changed` is called
 * when the application adds or removes a track.
 */
export function createStream(id: string, changed: (tracks: MediaStreamTrack[]) => void): MediaStream {
  return new MediaStream(internal, id, changed);
}

/** The platform adds a track; the event is fired only when it was not in the stream. */
export function addTrackToStream(stream: MediaStream, track: MediaStreamTrack): void {
  if (!tracksOf(stream).add(track)) return;
  stream.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track }));
}

export function removeTrackFromStream(stream: MediaStream, track: MediaStreamTrack): void {
  if (!tracksOf(stream).remove(track)) return;
  stream.dispatchEvent(new MediaStreamTrackEvent('removetrack', { track }));
}

/** The track set of a stream, in the order of addition. */
class TrackSet {
  readonly #tracks = new Map<string, MediaStreamTrack>();

  constructor(tracks: Iterable<MediaStreamTrack>) {
    for (const track of tracks) this.add(track);
  }
  get all(): MediaStreamTrack[] {
    return [...this.#tracks.values()];
  }
  byId(id: string): MediaStreamTrack | null {
    return this.#tracks.get(id) ?? null;
  }
  add(track: MediaStreamTrack): boolean {
    if (this.#tracks.has(track.id)) return false;
    this.#tracks.set(track.id, track);
    return true;
  }
  remove(track: MediaStreamTrack): boolean {
    return this.#tracks.delete(track.id);
  }
}

let tracksOf: (stream: MediaStream) => TrackSet;

export class MediaStream extends EventTarget {
  readonly #id: string;
  readonly #tracks: TrackSet;
  readonly #changed: (tracks: MediaStreamTrack[]) => void;
  declare onaddtrack: EventHandler<MediaStream>;
  declare onremovetrack: EventHandler<MediaStream>;

  constructor(token: typeof internal, id: string, changed: (tracks: MediaStreamTrack[]) => void);
  constructor(from?: MediaStream | MediaStreamTrack[]);
  constructor(...args: unknown[]) {
    let id: string;
    let tracks: readonly MediaStreamTrack[] = [];
    let changed: (tracks: MediaStreamTrack[]) => void = () => {};
    if (args[0] === internal) {
      [, id, changed] = args as [unknown, string, typeof changed];
    } else {
      id = randomUUID();
      const [from = []] = constructorArguments(shapes.MediaStream, args);
      tracks = Array.isArray(from) ? from : from.getTracks();
    }
    super();
    this.#id = id;
    this.#tracks = new TrackSet(tracks);
    this.#changed = changed;
  }

  get id(): string {
    return this.#id;
  }
  get active(): boolean {
    return this.#tracks.all.some((t) => t.readyState === 'live');
  }

  getAudioTracks(): MediaStreamTrack[] {
    return this.#tracks.all.filter((t) => t.kind === 'audio');
  }
  getVideoTracks(): MediaStreamTrack[] {
    return this.#tracks.all.filter((t) => t.kind === 'video');
  }
  getTracks(): MediaStreamTrack[] {
    return this.#tracks.all;
  }
  getTrackById(id: string): MediaStreamTrack | null {
    return this.#tracks.byId(id);
  }
  addTrack(track: MediaStreamTrack): void {
    if (this.#tracks.add(track)) this.#changed(this.#tracks.all);
  }
  removeTrack(track: MediaStreamTrack): void {
    if (this.#tracks.remove(track)) this.#changed(this.#tracks.all);
  }
  clone(): MediaStream {
    return new MediaStream(this.#tracks.all.map((t) => t.clone()));
  }

  static {
    tracksOf = (stream) => stream.#tracks;
    defineInterface(this, (o) => #tracks in o, shapes.MediaStream);
  }
}
