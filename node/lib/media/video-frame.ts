/** `VideoFrame` of WebCodecs: a picture whose pixels are the core's. */
import { type NativePicture, native } from '../binding.js';
import * as shapes from '../idl/interfaces.js';
import {
  type PlaneLayout,
  VideoColorSpaceInit,
  VideoFrameBufferInit,
  type VideoFrameCopyToOptions,
  VideoFrameInit,
  type VideoFrameRect,
} from '../idl/types.js';
import { allowSharedBufferSource, bytesOf, constructorArguments, defineInterface, internal, isArrayBuffer } from '../webidl/index.js';

/** Those of `VideoPixelFormat` that the core has. */
const FORMATS = ['I420', 'NV12', 'RGBA', 'RGBX', 'BGRA', 'BGRX'] as const;
type Format = (typeof FORMATS)[number];
type Rect = Required<VideoFrameRect>;

/** Bytes of a sample, and how many pixels it is of in each direction, plane by plane. */
const PLANES: Record<Format, readonly (readonly [bytes: number, pixels: number])[]> = {
  I420: [[1, 1], [1, 2], [1, 2]],
  NV12: [[1, 1], [2, 2]],
  RGBA: [[4, 1]],
  RGBX: [[4, 1]],
  BGRA: [[4, 1]],
  BGRX: [[4, 1]],
};

export class VideoColorSpace {
  readonly #init: VideoColorSpaceInit;

  constructor(init?: VideoColorSpaceInit) {
    [this.#init] = constructorArguments(shapes.VideoColorSpace, [init]) as [VideoColorSpaceInit];
  }
  get primaries(): string | null {
    return this.#init.primaries;
  }
  get transfer(): string | null {
    return this.#init.transfer;
  }
  get matrix(): string | null {
    return this.#init.matrix;
  }
  get fullRange(): boolean | null {
    return this.#init.fullRange;
  }
  toJSON(): object {
    return { ...this.#init };
  }

  static {
    defineInterface(this, (o) => #init in o, shapes.VideoColorSpace);
  }
}

/** What browsers assume of pictures that do not say it. */
const COLOURS: Record<'yuv' | 'rgb', VideoColorSpaceInit> = {
  yuv: { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m', fullRange: false },
  rgb: { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'rgb', fullRange: true },
};
const coloursOf = (format: Format): VideoColorSpaceInit => COLOURS[format === 'I420' || format === 'NV12' ? 'yuv' : 'rgb'];

interface Slots {
  /** None once it is closed. */
  picture: NativePicture | null;
  readonly format: Format;
  readonly visible: Rect;
  readonly display: { readonly width: number; readonly height: number };
  readonly rotation: number;
  readonly flip: boolean;
  readonly duration: number | null;
  readonly timestamp: number;
  readonly colours: VideoColorSpaceInit;
}

let slotsOf: (frame: VideoFrame) => Slots;

/** Shows `use` what is seen of a frame; a part, which shares the pixels of the whole, is there for as long as this takes. */
export function withPicture<T>(frame: VideoFrame, use: (picture: NativePicture) => T): T {
  const { picture, visible } = slotsOf(frame);
  if (!picture) throw closed();
  const { width, height } = picture;
  if (visible.width === width && visible.height === height) return use(picture);
  const part = picture.crop(visible);
  try {
    return use(part);
  } finally {
    part.close();
  }
}

/** A frame of a picture of the core, which is of this time, in microseconds. */
export function frameOf(picture: NativePicture, timestamp = picture.timestamp, rotation = picture.rotation): VideoFrame {
  const { width, height } = picture;
  const turned = rotation % 180 !== 0;
  return new VideoFrame(internal, {
    picture,
    format: picture.format as Format,
    visible: { x: 0, y: 0, width, height },
    display: turned ? { width: height, height: width } : { width, height },
    rotation,
    flip: false,
    duration: null,
    timestamp,
    colours: coloursOf(picture.format as Format),
  });
}

export function isVideoFrame(value: unknown): value is VideoFrame {
  return value instanceof VideoFrame;
}

const closed = (): DOMException => new DOMException('The frame is closed', 'InvalidStateError');

function formatOf(name: string): Format {
  if (!(FORMATS as readonly string[]).includes(name)) {
    throw new DOMException(`Pictures of ${name} are not supported`, 'NotSupportedError');
  }
  return name as Format;
}

/** A part of a picture, in whole pixels, or a TypeError: WebCodecs, "Parse Visible Rect". */
function rectOf(rect: VideoFrameRect | undefined, fallback: Rect, coded: { width: number; height: number }, format: Format): Rect {
  if (!rect) return fallback;
  const { x, y, width, height } = rect as Rect;
  const inside = x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= coded.width && y + height <= coded.height;
  if (!inside) throw new TypeError('The rectangle is not within the picture.');
  const step = Math.max(...PLANES[format].map(([, pixels]) => pixels));
  if (x % step !== 0 || y % step !== 0) throw new TypeError('The rectangle does not begin at a sample of each plane.');
  return { x, y, width: Math.trunc(width), height: Math.trunc(height) };
}

/** Where planes are in a buffer, and how much of it they take: "Compute Layout and Allocation Size". */
function layoutOf(format: Format, { width, height }: Rect, given: readonly PlaneLayout[] | undefined) {
  const planes = PLANES[format];
  if (given && given.length !== planes.length) throw new TypeError(`${format} has ${planes.length} planes.`);
  const layout: PlaneLayout[] = [];
  const ends: { begin: number; end: number }[] = [];
  let size = 0;
  for (const [i, [bytes, pixels]] of planes.entries()) {
    const row = Math.ceil(width / pixels) * bytes;
    const rows = Math.ceil(height / pixels);
    const { offset, stride } = given?.[i] ?? { offset: size, stride: row };
    if (stride < row) throw new TypeError('A stride is shorter than a row.');
    const end = offset + stride * rows;
    if (end > 2 ** 32) throw new TypeError('The layout is too large.');
    if (ends.some((other) => offset < other.end && other.begin < end)) throw new TypeError('Planes overlap.');
    ends.push({ begin: offset, end });
    layout.push({ offset, stride });
    size = Math.max(size, end);
  }
  return { layout, size, numbers: layout.flatMap(({ offset, stride }) => [offset, stride]) };
}

/** The size at which it is to be shown. */
function displayOf(
  init: { displayWidth?: number; displayHeight?: number; rotation: number },
  { width, height }: Rect,
): { width: number; height: number } {
  const { displayWidth, displayHeight, rotation } = init;
  if ((displayWidth === undefined) !== (displayHeight === undefined)) {
    throw new TypeError('displayWidth and displayHeight are given together.');
  }
  if (displayWidth === 0 || displayHeight === 0) throw new TypeError('A frame is not shown without pixels.');
  if (displayWidth !== undefined && displayHeight !== undefined) return { width: displayWidth, height: displayHeight };
  return rotation % 180 === 0 ? { width, height } : { width: height, height: width };
}

/** "Parse Rotation": a quarter of a turn is the least. */
const rotationOf = (degrees: number): number => (((Math.round(degrees / 90) * 90) % 360) + 360) % 360;

function ofBytes(data: ArrayBufferLike | ArrayBufferView, value: unknown): Slots {
  const init = VideoFrameBufferInit(value, 'VideoFrame: argument 2');
  const format = formatOf(init.format);
  const coded = { width: init.codedWidth, height: init.codedHeight };
  if (coded.width === 0 || coded.height === 0) throw new TypeError('A frame has pixels.');
  const whole = { x: 0, y: 0, ...coded };
  const visible = rectOf(init.visibleRect, whole, coded, format);
  const { numbers, size } = layoutOf(format, whole, init.layout);
  const bytes = bytesOf(data);
  if (bytes.length < size) throw new TypeError(`The pixels take ${size} bytes, not ${bytes.length}.`);
  // The core is shown no memory that changes while it reads it.
  const own = isArrayBuffer(bytes.buffer) ? bytes : bytes.slice(0, size);
  const picture = createPicture(format, coded.width, coded.height, own, numbers);
  detach(init.transfer);
  return {
    picture,
    format,
    visible,
    display: displayOf(init, visible),
    rotation: rotationOf(init.rotation),
    flip: init.flip,
    duration: init.duration ?? null,
    timestamp: init.timestamp,
    colours: init.colorSpace ?? coloursOf(format),
  };
}

function createPicture(format: Format, width: number, height: number, bytes: Uint8Array, layout: number[]): NativePicture {
  try {
    return native.createPicture(format, width, height, bytes, layout);
  } catch (error) {
    throw new TypeError((error as Error).message);
  }
}

/** What was given away cannot be used any more. */
export function detach(buffers: readonly ArrayBuffer[]): void {
  if (buffers.length > 0) structuredClone(null, { transfer: [...buffers] });
}

function ofFrame(frame: VideoFrame, value: unknown): Slots {
  const init = VideoFrameInit(value, 'VideoFrame: argument 2');
  const slots = slotsOf(frame);
  if (!slots.picture) throw closed();
  const { picture } = slots;
  const visible = rectOf(init.visibleRect, slots.visible, picture, slots.format);
  const rotation = rotationOf(slots.rotation + init.rotation);
  const says = init.displayWidth !== undefined || init.displayHeight !== undefined || init.visibleRect;
  return {
    ...slots,
    picture: picture.share(),
    visible,
    display: says || rotation !== slots.rotation ? displayOf({ ...init, rotation }, visible) : slots.display,
    rotation,
    flip: slots.flip !== init.flip,
    duration: init.duration ?? slots.duration,
    timestamp: init.timestamp ?? slots.timestamp,
  };
}

/** Writes the rows, and nothing between them: another thread may be at work there, and the core writes to no memory of two. */
function copyToShared(picture: NativePicture, to: Uint8Array, format: Format, rect: Rect, layout: readonly PlaneLayout[]): void {
  const tight = layoutOf(format, rect, undefined);
  const scratch = new Uint8Array(tight.size);
  picture.copy(scratch, format, rect, tight.numbers);
  for (const [i, { offset, stride }] of tight.layout.entries()) {
    const end = tight.layout[i + 1]?.offset ?? tight.size;
    const place = layout[i] as PlaneLayout;
    for (let at = offset, row = 0; at < end; at += stride, row++) to.set(scratch.subarray(at, at + stride), place.offset + row * place.stride);
  }
}

/** A `DOMRectReadOnly`, as far as one that does not change goes. */
const domRect = ({ x, y, width, height }: Rect): object =>
  Object.freeze({ x, y, width, height, top: y, right: x + width, bottom: y + height, left: x });

export class VideoFrame {
  readonly #slots: Slots;

  constructor(token: typeof internal, slots: Slots);
  constructor(image: unknown, init?: unknown);
  constructor(...args: unknown[]) {
    if (args[0] === internal) {
      this.#slots = args[1] as Slots;
      return;
    }
    const [image, init] = constructorArguments(shapes.VideoFrame, args);
    if (isVideoFrame(image)) this.#slots = ofFrame(image, init);
    else if (allowSharedBufferSource.is?.(image)) this.#slots = ofBytes(allowSharedBufferSource(image, 'VideoFrame: argument 1'), init);
    else throw new TypeError('VideoFrame: argument 1 is neither a frame nor a buffer.');
  }

  get format(): string | null {
    return this.#slots.picture ? this.#slots.format : null;
  }
  get codedWidth(): number {
    return this.#slots.picture?.width ?? 0;
  }
  get codedHeight(): number {
    return this.#slots.picture?.height ?? 0;
  }
  get codedRect(): object | null {
    const { picture } = this.#slots;
    return picture && domRect({ x: 0, y: 0, width: picture.width, height: picture.height });
  }
  get visibleRect(): object | null {
    return this.#slots.picture && domRect(this.#slots.visible);
  }
  get rotation(): number {
    return this.#slots.rotation;
  }
  get flip(): boolean {
    return this.#slots.flip;
  }
  get displayWidth(): number {
    return this.#slots.picture ? this.#slots.display.width : 0;
  }
  get displayHeight(): number {
    return this.#slots.picture ? this.#slots.display.height : 0;
  }
  get duration(): number | null {
    return this.#slots.duration;
  }
  get timestamp(): number {
    return this.#slots.timestamp;
  }
  get colorSpace(): VideoColorSpace {
    return new VideoColorSpace(this.#slots.colours);
  }

  metadata(): object {
    if (!this.#slots.picture) throw closed();
    return {};
  }

  allocationSize(options: VideoFrameCopyToOptions): number {
    return this.#copy(options).size;
  }

  async copyTo(destination: ArrayBufferLike | ArrayBufferView, options: VideoFrameCopyToOptions): Promise<PlaneLayout[]> {
    const { picture, format, rect, layout, numbers, size } = this.#copy(options);
    const bytes = bytesOf(destination);
    if (bytes.length < size) throw new TypeError(`The copy takes ${size} bytes, not ${bytes.length}.`);
    if (isArrayBuffer(bytes.buffer)) picture.copy(bytes, format, rect, numbers);
    else copyToShared(picture, bytes, format, rect, layout);
    return layout;
  }

  clone(): VideoFrame {
    if (!this.#slots.picture) throw closed();
    return new VideoFrame(internal, { ...this.#slots, picture: this.#slots.picture.share() });
  }

  close(): void {
    this.#slots.picture?.close();
    this.#slots.picture = null;
  }

  /** "Parse VideoFrameCopyToOptions" */
  #copy(options: VideoFrameCopyToOptions) {
    const { picture, format: own, visible } = this.#slots;
    if (!picture) throw closed();
    const rect = rectOf(options.rect, visible, picture, own);
    const format = options.format === undefined ? own : formatOf(options.format);
    if (format !== own && (format === 'I420' || format === 'NV12')) {
      throw new DOMException(`Pictures of ${own} are not converted to ${format}`, 'NotSupportedError');
    }
    return { picture, format, rect, ...layoutOf(format, rect, options.layout) };
  }

  static {
    slotsOf = (frame) => frame.#slots;
    defineInterface(this, (o) => #slots in o, shapes.VideoFrame);
  }
}
