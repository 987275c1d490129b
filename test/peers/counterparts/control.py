# What every counterpart in Python shares: JSON lines out, and the count of what came. The lines are
# described in test/peers/src/process.rs.
import hashlib
import json
import sys
import threading

MESSAGE = 16_384


output = threading.Lock()


def say(**line):
    # Several threads speak: a line and its end are one.
    with output:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def pattern(count, seed):
    """Byte i of what is sent."""
    return bytes((31 * i + seed) % 251 for i in range(count))


def messages(count, seed):
    everything = pattern(count, seed)
    return [everything[at : at + MESSAGE] for at in range(0, count, MESSAGE)]


class Tally:
    """Bytes that came on a channel since the last report, and how many are awaited."""

    def __init__(self, label):
        self.label = label
        self.restart()

    def restart(self):
        self.count = 0
        self.hash = hashlib.sha256()
        self.expected = None

    def take(self, data):
        data = data.encode() if isinstance(data, str) else data
        self.count += len(data)
        self.hash.update(data)
        self.report()

    def expect(self, count):
        self.expected = count
        self.report()

    def report(self):
        if self.expected is not None and self.count >= self.expected:
            say(received={"label": self.label, "bytes": self.count, "sha256": self.hash.hexdigest()})
            self.restart()


class Tallies(dict):
    def __missing__(self, label):
        self[label] = Tally(label)
        return self[label]
