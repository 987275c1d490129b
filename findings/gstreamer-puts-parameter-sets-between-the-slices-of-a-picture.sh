#!/usr/bin/env bash
# GStreamer 1.22.0, rtph264pay with config-interval=-1: SPS and PPS stand before every slice of an IDR picture, not once
# before the picture.
#
# "-1 = send with every IDR frame", says its documentation. A parameter set behind a slice begins another access unit
# (ITU-T H.264 §7.4.1.2.3), so that who cuts a stream into pictures by that clause counts one for each slice; the RTP
# timestamp alone tells that they are one (RFC 6184 §5.1).
#
# Seen on 2026-11-29, NAL unit types of one picture of four slices (5):
#   7 8 6 7 8 5 7 8 5 7 8 5 7 8 5
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y -qq --no-install-recommends ffmpeg=7:5.1.* gstreamer1.0-tools=1.22.0-* \
  gstreamer1.0-plugins-base=1.22.0-* gstreamer1.0-plugins-good=1.22.0-* gstreamer1.0-plugins-bad=1.22.0-* >/dev/null
ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=10 -frames:v 1 -c:v libx264 -x264-params slices=4:keyint=1 in.h264
gst-launch-1.0 -q filesrc location=in.h264 ! h264parse ! rtph264pay config-interval=-1 mtu=1400 \
  ! rtpstreampay ! filesink location=out.rtp
cat >read.py <<'PY'
import struct

stream = open("out.rtp", "rb").read()
types, at = [], 0
while at < len(stream):
    # RFC 4571: a length, then the packet.
    (length,) = struct.unpack_from("!H", stream, at)
    types.append(stream[at + 2 + 12] & 31)
    at += 2 + length
print(*types)
PY
seen=$(python3 read.py)
echo "$seen"
[ "$seen" = '7 8 6 7 8 5 7 8 5 7 8 5 7 8 5' ] || { echo "changed"; exit 1; }
