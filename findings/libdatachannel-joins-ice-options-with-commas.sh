#!/usr/bin/env bash
# node-datachannel 0.33.4 (libdatachannel): the tags of a=ice-options are joined by a comma.
#
# RFC 8839 §5.6 puts a space between them (ice-options = ice-option-tag *(SP ice-option-tag)), and a comma is
# no ice-char, so that a reader by the letter finds no legal tag in the line. Browsers take the whole
# as one tag that they do not know; whoever looks for "trickle" there does not find it.
#
# Seen on 2026-11-28:
#   a=ice-options:ice2,trickle
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node-datachannel@0.33.4
cat >offer.mjs <<'JS'
import { PeerConnection, cleanup } from 'node-datachannel';
const peer = new PeerConnection('finding', { iceServers: [] });
peer.onLocalDescription((sdp) => {
  console.log(sdp.split(/\r?\n/).find((line) => line.startsWith('a=ice-options:')));
  peer.close();
  cleanup();
});
peer.createDataChannel('data');
JS
seen=$(node offer.mjs)
echo "$seen"
[ "$seen" = 'a=ice-options:ice2,trickle' ] || { echo "changed"; exit 1; }
