#!/usr/bin/env bash
# aiortc 1.16.0: an offer that restarts ICE is answered with the credentials of before.
#
# A restart changes ufrag and password at both ends (RFC 8445 §9). aiortc stays "stable", raises nothing, and its answer shows what it showed before, so that the
# offerer has new credentials for an agent that goes on with the old ones.
#
# Seen on 2026-11-28:
#   first answer and answer to the restart show the same ufrag and pwd: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aiortc==1.16.0
cat >"$work/restart.py" <<'PY'
import asyncio
import re
from aiortc import RTCPeerConnection, RTCSessionDescription

def credentials(sdp):
    return re.findall(r"a=ice-(?:ufrag|pwd):(\S+)", sdp)

async def answer(peer, sdp):
    await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    return credentials(peer.localDescription.sdp)

async def main():
    offerer, answerer = RTCPeerConnection(), RTCPeerConnection()
    offerer.createDataChannel("data")
    await offerer.setLocalDescription(await offerer.createOffer())
    offer = offerer.localDescription.sdp
    first = await answer(answerer, offer)
    # The same offer with another ufrag and another password: an ICE restart.
    restart = re.sub(r"a=ice-ufrag:\S+", "a=ice-ufrag:Rst1", offer)
    restart = re.sub(r"a=ice-pwd:\S+", "a=ice-pwd:RestartRestartRestart12", restart)
    second = await answer(answerer, restart)
    print("first answer and answer to the restart show the same ufrag and pwd:", first == second)
    await offerer.close()
    await answerer.close()

asyncio.run(main())
PY
seen=$("$work/venv/bin/python" "$work/restart.py")
echo "$seen"
[ "$seen" = 'first answer and answer to the restart show the same ufrag and pwd: True' ] || { echo "changed"; exit 1; }
