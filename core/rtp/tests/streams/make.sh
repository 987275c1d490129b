#!/bin/sh
# Makes the streams beside it: four pictures of 176x144 each, the first and the fourth a key frame.
# With Debian 12's ffmpeg 5.1.9 (libvpx 1.12, libaom 3.6, x264 164, x265 3.5).
set -e
cd "$(dirname "$0")"
make() {
    file=$1
    shift
    ffmpeg -v error -y -f lavfi -i testsrc2=size=176x144:rate=15 -frames:v 4 -pix_fmt yuv420p \
        -fflags +bitexact -flags:v +bitexact "$@" "$file"
}
make vp8.ivf -c:v libvpx -b:v 60k -qmin 60 -deadline realtime -cpu-used 8 -g 3
make vp9.ivf -c:v libvpx-vp9 -crf 63 -b:v 0 -deadline realtime -cpu-used 8 -g 3 -lag-in-frames 0
make av1.ivf -c:v libaom-av1 -crf 63 -b:v 0 -usage realtime -cpu-used 8 -g 3 -lag-in-frames 0
make h264.h264 -c:v libx264 -crf 40 -preset veryfast -g 3 -bf 0 -slices 2 -profile:v high \
    -bsf:v filter_units=remove_types=6
make h265.h265 -c:v libx265 -crf 40 -preset ultrafast \
    -x265-params log-level=error:keyint=3:bframes=0:info=0
