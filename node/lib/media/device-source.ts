/** Media of a device: one of the core's tracks for each of ours. */
import type { NativeEvents, NativeLocalTrack } from '../binding.js';
import { type End, ends } from '../flow/ends.js';
import type { MediaTrackConstraints } from '../idl/types.js';
import { KeepAlive } from '../rtc/keep-alive.js';
import type { Capabilities, Settings } from './constraint-types.js';
import type { Sink } from './frames.js';
import { SharedReader } from './reader.js';
import type { Kind, Selection, Source } from './source.js';
import { type MediaStreamTrack, endTrack, setTrackMuted, whenTrackEnds } from './track.js';

/** Who reads a device waits for something that comes: the process does not end meanwhile. */
const keepAlive = new KeepAlive();

/** Why a device is not as it was asked for, as the core tells it. */
export interface Refusal {
  readonly name: string;
  readonly message: string;
  readonly constraint: string | null;
}

/** What no device here does: blurring what is behind a person, and leaving out all that is no voice. */
const NEVER = { video: 'backgroundBlur', audio: 'voiceIsolation' } as const;

export const capabilitiesOf = (kind: Kind, json: string): Capabilities => ({
  ...(JSON.parse(json) as Capabilities),
  [NEVER[kind]]: [false],
});

/** The constraint of a kind that asks for what is never done, if one does. */
export function askedInVain(kind: Kind, { [NEVER[kind]]: asked }: MediaTrackConstraints): string | null {
  return typeof asked === 'object' && asked.exact === true ? NEVER[kind] : null;
}

/** What Rust reads as JSON: a lone surrogate, which a DOMString may have, is no text there. */
export const jsonOf = (value: object): string =>
  JSON.stringify(value, (_, it: unknown) => (typeof it === 'string' ? it.toWellFormed() : it));

export class DeviceSource implements Source, End {
  readonly kind: Kind;
  readonly label: string;
  readonly #native: NativeLocalTrack;
  readonly #reader: SharedReader;
  #events: NativeEvents | null = null;
  #track: WeakRef<MediaStreamTrack> | null = null;

  constructor(native: NativeLocalTrack) {
    this.#native = native;
    this.kind = native.kind as Kind;
    this.label = native.label;
    this.#reader = new SharedReader((number) =>
      this.kind === 'video' ? native.readVideo(ends.hub, number) : native.readAudio(ends.hub, number),
    );
  }

  get capabilities(): Capabilities {
    return capabilitiesOf(this.kind, this.#native.capabilities());
  }
  get defaults(): Settings {
    return { ...(JSON.parse(this.#native.settings()) as Settings), [NEVER[this.kind]]: false };
  }

  select(constraints: MediaTrackConstraints): Selection {
    const inVain = askedInVain(this.kind, constraints);
    if (inVain) return { failedConstraint: inVain };
    const refused = this.#native.applyConstraints(jsonOf(constraints));
    if (refused == null) return { settings: this.defaults };
    return { failedConstraint: (JSON.parse(refused) as Refusal).constraint ?? '' };
  }

  attach(sink: Sink): () => void {
    const detach = this.#reader.attach(sink);
    // And with it this: who reads may hold neither, and waits for its end.
    const track = this.#track?.deref();
    if (track) keepAlive.add(track);
    return () => {
      detach();
      if (track && !this.#reader.isRead) keepAlive.delete(track);
    };
  }

  clone(): Source {
    return new DeviceSource(this.#native.cloneTrack());
  }

  add(track: MediaStreamTrack): void {
    this.#track = new WeakRef(track);
    this.#events = this.#native.events(ends.hub, ends.add(this));
    whenTrackEnds(track, () => {
      this.#events?.close();
      this.#native.stop();
    });
    // What happened before it was listened for.
    if (this.#native.muted) setTrackMuted(track, true);
    if (this.#native.ended) endTrack(track);
    this.changed();
  }

  changed(): void {
    for (let event; (event = this.#events?.take()); ) {
      const track = this.#track?.deref();
      if (!track) return;
      if (event === 'ended') endTrack(track);
      else setTrackMuted(track, event === 'mute');
    }
  }
}
