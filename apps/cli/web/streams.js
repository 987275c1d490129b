// The streams of both ends' statistics, of each kind: as sent here, as received by the Rust end, as it
// came back.
const KINDS = ["video", "audio"];

// `here` and `there` are the objects of an RTCStatsReport.
export function summary({ here, there }) {
  const { selectedCandidatePairId } = here.find((s) => s.type === "transport") ?? {};
  const pair = here.find((s) => s.type === "candidate-pair" && (s.id === selectedCandidatePairId || s.selected));
  const of = (all, type) => Object.fromEntries(KINDS.map((kind) => [kind, Stream.of(all, type, kind)]));
  return {
    sent: of(here, "outbound-rtp"),
    there: of(there, "inbound-rtp"),
    back: of(here, "inbound-rtp"),
    roundTrip: scaled(pair?.currentRoundTripTime, 1000),
    estimate: scaled(pair?.availableOutgoingBitrate, 1 / 1000),
  };
}

// Lines of a table: a name, and a text for each place.
export function rows(now, before) {
  return KINDS.filter((kind) => now.sent[kind] || now.back[kind]).flatMap((kind) => {
    const line = (name, text) => [name, ...["sent", "there", "back"].map((place) => texted(text(now[place][kind], before[place][kind])))];
    const lines = [
      [kind === "video" ? "picture" : "sound"],
      line("codec", (s) => s?.codec),
      line("kbit/s", (s, b) => s?.rate(b)?.toFixed(0)),
      line("packets", (s) => s?.packets),
      line("lost", (s) => s?.lost),
      line("jitter, ms", (s) => s?.jitter?.toFixed(1)),
    ];
    if (kind === "audio") return lines;
    return [
      ...lines,
      line("size", (s) => s?.size),
      line("frames/s", (s, b) => s?.perSecond("frames", b)?.toFixed(0)),
      line("key frames", (s) => s?.keyFrames),
      line("key frames asked for", (s) => s?.asked),
    ];
  });
}

// The streams of one kind in one direction, simulcast layers together.
class Stream {
  static of(all, type, kind) {
    const streams = all.filter((s) => s.type === type && s.kind === kind);
    return streams.length ? new Stream(all, streams) : undefined;
  }

  constructor(all, streams) {
    const sum = (...names) => {
      const values = streams.map((s) => names.map((name) => s[name]).find((v) => v !== undefined));
      return values.every((v) => v === undefined) ? undefined : values.reduce((a, v) => a + (v ?? 0), 0);
    };
    const largest = streams.reduce((a, b) => ((b.frameHeight ?? 0) > (a.frameHeight ?? 0) ? b : a));
    this.time = streams[0].timestamp;
    this.codec = all.find((s) => s.id === largest.codecId)?.mimeType.split("/")[1];
    this.bytes = sum("bytesSent", "bytesReceived");
    this.packets = sum("packetsSent", "packetsReceived");
    this.lost = sum("packetsLost");
    this.jitter = scaled(largest.jitter, 1000);
    // Of simulcast layers, the one with the most: each has the whole picture.
    const frames = streams.map((s) => s.framesSent ?? s.framesReceived).filter((n) => n !== undefined);
    this.frames = frames.length ? Math.max(...frames) : undefined;
    this.keyFrames = sum("keyFramesEncoded", "keyFramesReceived", "keyFramesDecoded");
    this.asked = sum("pliCount");
    this.size = largest.frameWidth && `${largest.frameWidth} × ${largest.frameHeight}`;
    this.layers = streams.filter((s) => s.framesSent > 0).map((s) => s.rid);
  }

  // Of kbit/s.
  rate(before) {
    return scaled(this.perSecond("bytes", before), 8 / 1000);
  }

  perSecond(name, before) {
    const [now, then] = [this[name], before?.[name]];
    const seconds = (this.time - before?.time) / 1000;
    return now === undefined || then === undefined || !(seconds > 0) ? undefined : Math.max(0, now - then) / seconds;
  }

  // How much of all, in percent.
  share(name, before) {
    const [part, all] = [this[name] - before?.[name], this.packets - before?.packets];
    return part + all > 0 ? (100 * Math.max(0, part)) / (part + all) : undefined;
  }
}

function scaled(value, by) {
  return value === undefined ? undefined : value * by;
}

function texted(value) {
  return value === undefined ? "–" : String(value);
}
