// The browser's fake camera and microphone.

// Adds what they make.
export async function devices(test, pc, kinds) {
  for (const kind of kinds) {
    const stream = await device(test, { [kind]: true });
    pc.addTrack(stream.getTracks()[0], stream);
  }
}

export async function device(test, constraints) {
  const stream = await navigator.mediaDevices.getUserMedia(constraints);
  test.onEnd(() => stream.getTracks().forEach((track) => track.stop()));
  return stream;
}
