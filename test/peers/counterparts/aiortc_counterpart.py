# aiortc: WebRTC in Python.
import asyncio
import json
import sys
import traceback
from importlib.metadata import version

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from control import Tallies, messages, say

pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
channels = {}
tallies = Tallies()


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
    if description := line.get("description"):
        await pc.setRemoteDescription(RTCSessionDescription(**description))
        if description["type"] == "offer":
            await set_local(await pc.createAnswer())
    elif candidate := line.get("candidate"):
        if candidate["candidate"]:
            parsed = candidate_from_sdp(candidate["candidate"].removeprefix("candidate:"))
            parsed.sdpMid = candidate["sdpMid"]
            parsed.sdpMLineIndex = candidate["sdpMLineIndex"]
            await pc.addIceCandidate(parsed)
    elif line["do"] == "offer":
        if line["restart"]:
            return say(cannot="restart")
        if line["media"]:
            pc.addTransceiver("audio")
            pc.addTransceiver("video")
        adopt(pc.createDataChannel(line["channel"]))
        await set_local(await pc.createOffer())
    elif line["do"] == "channel":
        adopt(pc.createDataChannel(line["label"]))
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
