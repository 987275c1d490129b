#!/usr/bin/env bash
# libdatachannel 0.24 (node-datachannel 0.33.4): an answer that comes while its peer already checks may close the connection.
#
# PeerConnection::setRemoteDescription() gives the description to ICE first, which wakes the thread of libjuice,
# and keeps it afterwards. A peer that has the offerer's candidates has sent checks by then (trickle ICE,
# RFC 8838), so that thread connects at once and begins DTLS. If the handshake gets as far as the peer's certificate
# before the caller's thread goes on, checkFingerprint() finds no description: the alert unknown_ca, state failed,
# then closed. Candidates added afterwards are refused: "Got a remote candidate without ICE transport".
# A busy machine does that at times; here the caller's thread is held for 100 ms where
# it wakes the other (a byte into a pipe), as a scheduler may. A program avoids it by telling its candidates
# only once it has the answer.
#
# Seen on 2026-11-29 (the offerer's states, where candidates are told at once and where they are told after the answer):
#   at once: connecting, failed, closed; after: connecting, connected
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node-datachannel@0.33.4
cat >hold.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

// The main thread waits after it has written one byte.
ssize_t write(int fd, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  ssize_t written = real(fd, bytes, count);
  if (count == 1 && fd > 2 && getpid() == syscall(SYS_gettid)) usleep(100000);
  return written;
}
C
cc -shared -fPIC -o hold.so hold.c -ldl
cat >answerer.mjs <<'JS'
// In a process of its own, which is not held.
import datachannel from 'node-datachannel';
const pc = new datachannel.PeerConnection('answerer', { iceServers: [] });
pc.onLocalDescription((sdp, type) => process.send({ sdp, type }));
pc.onLocalCandidate((candidate, mid) => process.send({ candidate, mid }));
process.on('message', (line) => {
  if (line.sdp) pc.setRemoteDescription(line.sdp, line.type);
  else pc.addRemoteCandidate(line.candidate, line.mid);
});
JS
cat >offerer.mjs <<'JS'
import { fork } from 'node:child_process';
import datachannel from 'node-datachannel';
const atOnce = process.argv[2] === 'at once';
const answerer = fork('answerer.mjs', { env: { ...process.env, LD_PRELOAD: '' } });
const pc = new datachannel.PeerConnection('offerer', { iceServers: [], disableAutoNegotiation: true });
const states = [];
let held = atOnce ? undefined : [];
pc.onStateChange((state) => {
  states.push(state);
  if (state !== 'connected' && state !== 'closed') return;
  console.log(`${process.argv[2]}: ${states.join(', ')}`);
  answerer.kill();
  process.exit(0);
});
pc.onLocalDescription((sdp, type) => answerer.send({ sdp, type }));
pc.onLocalCandidate((candidate, mid) => (held ? held.push({ candidate, mid }) : answerer.send({ candidate, mid })));
answerer.on('message', (line) => {
  try {
    if (line.candidate) return pc.addRemoteCandidate(line.candidate, line.mid);
    // By now the answerer has checked, if it can.
    setTimeout(() => {
      pc.setRemoteDescription(line.sdp, line.type);
      held?.forEach((candidate) => answerer.send(candidate));
      held = undefined;
    }, 500);
  } catch {
    // Of a connection that has closed, or of one that has no answer yet: the answerer is found without it.
  }
});
const channel = pc.createDataChannel('one');
channel.onOpen(() => {});
pc.setLocalDescription('offer');
JS
seen="$(LD_PRELOAD=$PWD/hold.so timeout 60 node offerer.mjs 'at once'); $(LD_PRELOAD=$PWD/hold.so timeout 60 node offerer.mjs after)"
echo "$seen"
[ "$seen" = 'at once: connecting, failed, closed; after: connecting, connected' ] || { echo "changed"; exit 1; }
