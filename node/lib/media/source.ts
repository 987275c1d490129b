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
<<<<<<< HEAD
  /** For a clone of its track; without it clones share the source. */
  clone?(): Source;
=======
}

export interface DeviceIdentity {
  readonly deviceId: string;
  readonly groupId: string;
  readonly label: string;
}

const BOTH = [true, false] as const;

/** A device that makes its media up. */
abstract class FakeDevice implements Source {
  abstract readonly kind: Kind;
  abstract readonly capabilities: Capabilities;
  protected abstract readonly space: SettingsSpace;

  constructor(protected readonly identity: DeviceIdentity) {}

  get label(): string {
    return this.identity.label;
  }

  protected get ids(): { deviceId: string; groupId: string } {
    const { deviceId, groupId } = this.identity;
    return { deviceId, groupId };
  }

  get defaults(): Settings {
    return this.space.candidates(() => [])[0] ?? {};
  }

  select(constraints: MediaTrackConstraints): Selection {
    return selectSettings(this.space, constraints);
  }

  abstract attach(sink: Sink, settings: () => Settings): () => void;
}

const CAMERA_MODES = [
  { width: 640, height: 480 },
  { width: 320, height: 240 },
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
];
const CAMERA_MAX = { width: 1920, height: 1080, frameRate: 30 };

export class FakeCamera extends FakeDevice {
  readonly kind = 'video';
  readonly capabilities: Capabilities = {
    width: { min: 1, max: CAMERA_MAX.width },
    height: { min: 1, max: CAMERA_MAX.height },
    aspectRatio: { min: 1 / CAMERA_MAX.height, max: CAMERA_MAX.width },
    frameRate: { min: 1, max: CAMERA_MAX.frameRate },
    facingMode: ['user'],
    resizeMode: ['none', 'crop-and-scale'],
    backgroundBlur: [false],
    ...this.ids,
  };

  protected readonly space: SettingsSpace = {
    properties: new Set<ConstraintName>([
      'width',
      'height',
      'aspectRatio',
      'frameRate',
      'facingMode',
      'resizeMode',
      'backgroundBlur',
      'deviceId',
      'groupId',
    ]),
    candidates: (numbersFor) => [
      ...CAMERA_MODES.map((mode) => this.#settings({ ...mode, frameRate: CAMERA_MAX.frameRate }, 'none')),
      ...this.#scaled(numbersFor),
    ],
  };

  attach(sink: Sink, settings: () => Settings): () => void {
    let index = 0;
    return everyFrame(settings, () => {
      const { width, height } = settings();
      deliver(frameOf(native.testPicture(index++ & 0xffff, Number(width), Number(height)), now()), [sink]);
    });
  }

  #settings(mode: { width: number; height: number; frameRate: number }, resizeMode: string): Settings {
    const { width, height, frameRate } = mode;
    const aspectRatio = width / height;
    const fixed = { facingMode: 'user', backgroundBlur: false };
    return { width, height, aspectRatio, frameRate, ...fixed, resizeMode, ...this.ids };
  }

  /** Every mode cropped, scaled and decimated to the numbers that the constraints mention. */
  #scaled(numbersFor: (name: ConstraintName) => number[]): Settings[] {
    const bounded = (numbers: number[], max: number): number[] =>
      [...new Set(numbers)].filter((x) => x > 0 && x <= max);
    const rounded = (numbers: number[]): number[] => numbers.map(Math.round);
    const ratios = bounded(numbersFor('aspectRatio'), CAMERA_MAX.width);
    const rates = bounded([CAMERA_MAX.frameRate, ...numbersFor('frameRate')], CAMERA_MAX.frameRate);
    const out: Settings[] = [];
    for (const mode of CAMERA_MODES) {
      const ideal = { width: numbersFor('width'), height: numbersFor('height') };
      const widths = bounded(
        rounded([mode.width, ...ideal.width, ...[mode.height, ...ideal.height].flatMap((h) => ratios.map((r) => h * r))]),
        mode.width,
      );
      const heights = bounded(
        rounded([mode.height, ...ideal.height, ...[mode.width, ...ideal.width].flatMap((w) => ratios.map((r) => w / r))]),
        mode.height,
      );
      for (const width of widths) {
        // Scaling keeps the shape where nothing asks for another one.
        const kept = Math.max(1, Math.round((width * mode.height) / mode.width));
        for (const height of new Set([kept, ...heights])) {
          for (const frameRate of rates) out.push(this.#settings({ width, height, frameRate }, 'crop-and-scale'));
        }
      }
    }
    return out;
  }
}

export class FakeMicrophone extends FakeDevice {
  readonly kind = 'audio';
  readonly capabilities: Capabilities = {
    sampleRate: { min: 48_000, max: 48_000 },
    sampleSize: { min: 16, max: 16 },
    channelCount: { min: 1, max: 2 },
    latency: { min: 0.01, max: 0.01 },
    echoCancellation: [true, false, 'all', 'remote-only'],
    autoGainControl: BOTH,
    noiseSuppression: BOTH,
    voiceIsolation: BOTH,
    ...this.ids,
  };

  attach(sink: Sink, settings: () => Settings): () => void {
    let index = 0;
    const tenMilliseconds = (): Settings => ({ frameRate: 100 });
    const begun = now();
    return everyFrame(tenMilliseconds, () => {
      const [rate, channels] = [Number(settings().sampleRate), Number(settings().channelCount)];
      const at = begun + index * 10_000;
      deliver(soundOf(testTone(rate, channels, index++), rate, channels, at), [sink]);
    });
  }

  protected readonly space: SettingsSpace = {
    properties: new Set<ConstraintName>([
      'sampleRate',
      'sampleSize',
      'channelCount',
      'latency',
      'echoCancellation',
      'autoGainControl',
      'noiseSuppression',
      'voiceIsolation',
      'deviceId',
      'groupId',
    ]),
    candidates: () => {
      const out: Settings[] = [];
      for (const echoCancellation of [true, false, 'all', 'remote-only'])
        for (const autoGainControl of BOTH)
          for (const noiseSuppression of BOTH)
            for (const voiceIsolation of [false, true])
              for (const channelCount of [1, 2])
                out.push({
                  ...{ sampleRate: 48_000, sampleSize: 16, channelCount, latency: 0.01 },
                  ...{ echoCancellation, autoGainControl, noiseSuppression, voiceIsolation },
                  ...this.ids,
                });
      return out;
    },
  };
>>>>>>> 931bbd9 (peer, node: words of the documents for what is wanted)
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
