# GStreamer's webrtcbin, for Debian's Python: its bindings are Debian's, too.
import json
import sys
import threading
import traceback

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

from control import Tallies, messages, say

Gst.init(None)

pipeline = Gst.Pipeline.new("counterpart")
webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
channels = {}
# Candidates of a description that was not told yet wait for it.
told = threading.Event()
waiting = []
tallies = Tallies()


def on_element(_bin, _sub_bin, element):
    # An element without a factory is a part of another one.
    factory = element.get_factory()
    if factory and factory.get_name() == "dtlssrtpdec":
        element.connect("notify::connection-state", on_dtls)


def on_dtls(element, _property):
    # Its channels do not notice that the other end closed the connection.
    if element.get_property("connection-state").value_nick == "closed":
        for label in channels:
            say(closed=label)


def adopt(channel):
    label = channel.get_property("label")
    channels[label] = channel
    channel.connect("on-message-string", lambda _, text: tallies[label].take(text))
    channel.connect("on-message-data", lambda _, data: tallies[label].take(data.get_data()))
    channel.connect("on-close", lambda _: say(closed=label))
    channel.connect("on-open", lambda _: say(open=label))
    if channel.get_property("ready-state") == GstWebRTC.WebRTCDataChannelState.OPEN:
        say(open=label)


def open_channel(label):
    adopt(webrtc.emit("create-data-channel", label, None))


def apply(action, description):
    """Waits for `set-local-description` or `set-remote-description`."""
    promise = Gst.Promise.new()
    webrtc.emit(action, description, promise)
    promise.wait()
    check(promise.get_reply())


def check(reply):
    if reply is not None and reply.has_field("error"):
        raise RuntimeError(reply.get_value("error").message)


def set_local(action):
    """The outcome of `create-offer` or `create-answer` as the local description."""
    promise = Gst.Promise.new()
    webrtc.emit(action, None, promise)
    promise.wait()
    reply = promise.get_reply()
    check(reply)
    # It lives as long as the promise does.
    description = reply.get_value(action.removeprefix("create-"))
    waiting.clear()
    told.clear()
    apply("set-local-description", description)
    say(description={"type": action.replace("create-", ""), "sdp": description.sdp.as_text()})
    told.set()
    for candidate in waiting:
        say(candidate=candidate)


def set_remote(description):
    kinds = {"offer": GstWebRTC.WebRTCSDPType.OFFER, "answer": GstWebRTC.WebRTCSDPType.ANSWER}
    kind = kinds[description["type"]]
    _, text = GstSdp.SDPMessage.new_from_text(description["sdp"])
    apply("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, text))


def offer_media():
    caps = {
        "audio": "application/x-rtp,media=audio,encoding-name=OPUS,encoding-params=(string)2,clock-rate=48000,payload=96",
        "video": "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=97",
    }
    for kind in caps.values():
        webrtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(kind))


def obey(line):
    if description := line.get("description"):
        set_remote(description)
        if description["type"] == "offer":
            set_local("create-answer")
    elif candidate := line.get("candidate"):
        if candidate["candidate"]:
            webrtc.emit("add-ice-candidate", candidate["sdpMLineIndex"], candidate["candidate"])
    elif line["do"] == "offer":
        if line["restart"]:
            return say(cannot="restart")
        if line["media"]:
            offer_media()
        open_channel(line["channel"])
        set_local("create-offer")
    elif line["do"] == "channel":
        open_channel(line["label"])
    elif line["do"] == "text":
        channels[line["label"]].send_string(line["text"])
    elif line["do"] == "bytes":
        for message in messages(line["count"], line["seed"]):
            channels[line["label"]].send_data(GLib.Bytes.new(message))
    elif line["do"] == "expect":
        tallies[line["label"]].expect(line["bytes"])
    elif line["do"] == "close":
        channels[line["label"]].close()
    elif line["do"] == "end":
        pipeline.set_state(Gst.State.NULL)
    else:
        raise ValueError(f"unknown line {line}")


def read(loop):
    for line in sys.stdin:
        try:
            obey(json.loads(line))
        except Exception:
            say(error=traceback.format_exc())
    loop.quit()


def on_candidate(_webrtc, index, candidate):
    line = {"candidate": candidate, "sdpMLineIndex": index}
    if told.is_set():
        say(candidate=line)
    else:
        waiting.append(line)


def on_state(_webrtc, _property):
    say(state=webrtc.get_property("connection-state").value_nick)


pipeline.connect("deep-element-added", on_element)
webrtc.connect("on-ice-candidate", on_candidate)
webrtc.connect("on-data-channel", lambda _, channel: adopt(channel))
webrtc.connect("notify::connection-state", on_state)
pipeline.add(webrtc)
pipeline.set_state(Gst.State.PLAYING)
say(hello={"name": "GStreamer webrtcbin", "version": Gst.version_string().removeprefix("GStreamer ")})
loop = GLib.MainLoop()
threading.Thread(target=read, args=(loop,), daemon=True).start()
loop.run()
