# aiortc: WebRTC in Python.
import array
import asyncio
import json
import math
import sys
import traceback
from importlib.metadata import version
from inspect import signature

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp
from av import VideoFrame

from control import Tallies, messages, say

pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
channels = {}
tallies = Tallies()
# What is to be sent with the next offer or answer, if anything is.
playing = None


# What is not silence, of 16 bits.
LOUD = 500


class Stripes(VideoStreamTrack):
    """Pictures that move, so that they need several packets."""

    number = 0

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        self.number += 1
        frame = VideoFrame(640, 480, "yuv420p")
        for plane in frame.planes:
            line = bytes(((x * 3 + self.number * 7) ^ (x >> 2)) & 255 for x in range(plane.line_size))
            plane.update(b"".join(line[y % 200 :] + line[: y % 200] for y in range(plane.height)))
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """Sound that is not silence."""

    number = 0

    async def recv(self):
        frame = await super().recv()
        first = self.number * frame.samples
        self.number += 1
        step = 2 * math.pi * 440 / frame.sample_rate
        wave = array.array("h", (int(8_000 * math.sin(step * (first + i))) for i in range(frame.samples)))
        frame.planes[0].update(wave.tobytes())
        return frame


def add_tracks():
    global playing
    if playing["rids"]:
        words = [w for w in dir(pc) + list(signature(pc.addTransceiver).parameters) if "ncoding" in w or "imulcast" in w]
        if words:
            raise ValueError(f"it may have simulcast now: {words}")
        return say(cannot=f"its addTransceiver{signature(pc.addTransceiver)} has no sendEncodings")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    wanted = [c for c in codecs if c.mimeType in (f"video/{playing['codec']}", "video/rtx")]
    for kind in playing["kinds"]:
        sender = pc.addTrack(Tone() if kind == "audio" else Stripes())
        if kind == "video":
            [its] = [t for t in pc.getTransceivers() if t.sender == sender]
            its.setCodecPreferences(wanted)
    playing = None


async def decode(track):
    count = 0
    unit = "decoded pictures" if track.kind == "video" else "decoded frames of sound that are not silent"
    try:
        while True:
            frame = await track.recv()
            if track.kind == "audio" and max(array.array("h", bytes(frame.planes[0]))) < LOUD:
                continue
            count += 1
            if count % 10 == 0:
                say(counted={"kind": track.kind, "rid": "", "count": count, "unit": unit})
    except MediaStreamError:
        pass


pc.on("track", lambda track: asyncio.ensure_future(decode(track)))


def adopt(channel):
    label = channel.label
    channels[label] = channel
    channel.on("message", tallies[label].take)
    channel.on("close", lambda: say(closed=label))
    channel.on("open", lambda: say(open=label))
    if channel.readyState == "open":
        say(open=label)


pc.on("datachannel", adopt)
pc.on("connectionstatechange", lambda: say(state=pc.connectionState))


async def set_local(description):
    # It gathers before it returns: the candidates are in the text.
    await pc.setLocalDescription(description)
    say(description={"type": pc.localDescription.type, "sdp": pc.localDescription.sdp})


async def obey(line):
    global playing
    if description := line.get("description"):
        await pc.setRemoteDescription(RTCSessionDescription(**description))
        if description["type"] == "offer":
            if playing:
                add_tracks()
            await set_local(await pc.createAnswer())
    elif candidate := line.get("candidate"):
        if candidate["candidate"]:
            parsed = candidate_from_sdp(candidate["candidate"].removeprefix("candidate:"))
            parsed.sdpMid = candidate["sdpMid"]
            parsed.sdpMLineIndex = candidate["sdpMLineIndex"]
            await pc.addIceCandidate(parsed)
    elif line["do"] == "offer":
        if line["restart"]:
            if hasattr(pc, "restartIce") or signature(pc.createOffer).parameters:
                raise ValueError("it may have restarts now")
            return say(cannot=f"it has no restartIce, and createOffer{signature(pc.createOffer)} takes no iceRestart")
        if line["media"]:
            add_tracks()
            if not pc.getTransceivers():
                return
        if line["channel"]:
            adopt(pc.createDataChannel(line["channel"]))
        await set_local(await pc.createOffer())
    elif line["do"] == "channel":
        adopt(pc.createDataChannel(line["label"]))
    elif line["do"] == "play":
        playing = line
    elif line["do"] == "text":
        channels[line["label"]].send(line["text"])
    elif line["do"] == "bytes":
        for message in messages(line["count"], line["seed"]):
            channels[line["label"]].send(message)
    elif line["do"] == "expect":
        tallies[line["label"]].expect(line["bytes"])
    elif line["do"] == "close":
        channels[line["label"]].close()
    elif line["do"] == "end":
        await pc.close()
    else:
        raise ValueError(f"unknown line {line}")


async def main():
    say(hello={"name": "aiortc", "version": version("aiortc")})
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        try:
            await obey(json.loads(line))
        except Exception:
            say(error=traceback.format_exc())


asyncio.run(main())
