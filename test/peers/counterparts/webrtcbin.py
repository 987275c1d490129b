# GStreamer's webrtcbin, for Debian's Python: its bindings are Debian's, too.
import array
import json
import re
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


def is_loud(buffer):
    """Not silence, of 16 bits."""
    return max(array.array("h", buffer.extract_dup(0, buffer.get_size())), default=0) > 500


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


# What is to be sent with the next offer or answer, if anything is.
playing = None

SOURCES = {
    "audio": "audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt={pt} ! capsfilter caps={caps}",
    "video": "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 ! "
    "vp8enc deadline=1 keyframe-max-dist=40 ! rtpvp8pay pt={pt} picture-id-mode=2 ! capsfilter caps={caps}",
}
CAPS = "application/x-rtp,media={kind},encoding-name={name},clock-rate={clock},payload={pt}"
# RFC 7587 §4.2: Opus always says two channels.
NAMES = {"audio": ("OPUS", "48000,encoding-params=(string)2"), "video": ("VP8", "90000")}
SINKS = {
    "audio": ("rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=1 ! fakesink name=sink", is_loud),
    "video": ("rtpvp8depay ! vp8dec ! fakesink name=sink", lambda _: True),
}
UNITS = {"audio": "decoded buffers of sound that are not silent", "video": "decoded pictures"}


def play(offered=None):
    """Adds what is to be sent; `offered`: the description of the other end, whose payload types count."""
    global playing
    line, playing = playing, None
    if line is None:
        return
    if line["rids"]:
        return lacks_simulcast()
    for kind in line["kinds"]:
        name, clock = NAMES[kind]
        pt = 96 if kind == "audio" else 97
        if offered:
            pt = int(re.search(rf"a=rtpmap:(\d+) {name}/", offered, re.IGNORECASE)[1])
        caps = CAPS.format(kind=kind, name=name, clock=clock, pt=pt)
        source = Gst.parse_bin_from_description(SOURCES[kind].format(pt=pt, caps=caps), True)
        pipeline.add(source)
        sink = webrtc.request_pad_simple("sink_%u")
        # What the source makes is known only once it runs.
        sink.get_property("transceiver").set_property("codec-preferences", Gst.Caps.from_string(caps))
        source.get_static_pad("src").link(sink)
        source.sync_state_with_parent()


def lacks_simulcast():
    say(cannot=f"webrtcbin of {Gst.version_string()}: its transceivers have {[p.name for p in GstWebRTC.WebRTCRTPTransceiver.list_properties()]}, no encodings")


def on_pad(_webrtc, pad):
    """Decodes and counts what comes."""
    if pad.get_direction() != Gst.PadDirection.SRC:
        return
    kind = pad.get_current_caps().get_structure(0).get_string("media")
    description, counts = SINKS[kind]
    sink = Gst.parse_bin_from_description(description, True)
    count = 0

    def on_buffer(_pad, info):
        nonlocal count
        if counts(info.get_buffer()):
            count += 1
            if count % 10 == 0:
                say(counted={"kind": kind, "rid": "", "count": count, "unit": UNITS[kind]})
        return Gst.PadProbeReturn.OK

    sink.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    pipeline.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad("sink"))


def obey(line):
    if description := line.get("description"):
        set_remote(description)
        if description["type"] == "offer":
            play(description["sdp"])
            set_local("create-answer")
    elif candidate := line.get("candidate"):
        if candidate["candidate"]:
            webrtc.emit("add-ice-candidate", candidate["sdpMLineIndex"], candidate["candidate"])
    elif line["do"] == "offer":
        if line["restart"]:
            options = GstWebRTC.WebRTCICE.list_properties()
            if any("restart" in o.name for o in options + Gst.ElementFactory.make("webrtcbin").list_properties()):
                raise ValueError("it may have restarts now")
            return say(cannot="neither webrtcbin nor its ICE has a property or an action that restarts")
        if line["media"]:
            play()
        if line["channel"]:
            open_channel(line["channel"])
        set_local("create-offer")
    elif line["do"] == "channel":
        open_channel(line["label"])
    elif line["do"] == "play":
        global playing
        playing = line
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
webrtc.connect("pad-added", on_pad)
webrtc.connect("on-data-channel", lambda _, channel: adopt(channel))
webrtc.connect("notify::connection-state", on_state)
pipeline.add(webrtc)
pipeline.set_state(Gst.State.PLAYING)
say(hello={"name": "GStreamer webrtcbin", "version": Gst.version_string().removeprefix("GStreamer ")})
loop = GLib.MainLoop()
threading.Thread(target=read, args=(loop,), daemon=True).start()
loop.run()
