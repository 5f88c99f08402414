"""What the meter said against what a subscriber heard.

Every frame of the simulator's truth file counts once. A message that says exactly what one frame said is that frame, live or late; any
other message is a merged state, after damage on the line: each of its values must have been said by the meter just then or in the
few frames before. A value that the meter never said, or said long ago, is wrong.
"""

import bisect
import collections
import datetime
import json

# Frames after a gap of the line whose indexes the reader may hold back (reader/src/plausibility.rs: three must agree).
SHAKEN = 2
# What may be said again after a reconnection, or by a bridge that was killed and knows how far it was a second ago: merged states, frames.
REPEATED = 400
# What the bridge may carry over from earlier frames when one was damaged.
CARRIED = 6
# The truth about a frame is seen at most this long after a message about it.
BEHIND = 0.1
# A message later than this after its frame was not sent live.
LIVE = 1.5
ZONES = {"H": 1, "h": 1, "E": 2, "e": 2}


def utc(stamp):
    """H260213094501 as 2026-02-13T08:45:01Z."""
    if not stamp or stamp[0] not in ZONES or not stamp[1:].strip("0"):
        return None
    try:
        local = datetime.datetime.strptime(stamp[1:], "%y%m%d%H%M%S")
    except ValueError:
        return None
    return (local - datetime.timedelta(hours=ZONES[stamp[0]])).strftime("%Y-%m-%dT%H:%M:%SZ")


class Frame:
    """One frame as the meter meant it."""

    __slots__ = "seen", "damaged", "unsent", "datasets", "said", "shaken", "clean"

    def __init__(self, seen, line, since_gap):
        """`since_gap`: how many frames ago the line was last missing some."""
        fields = json.loads(line)
        self.seen, self.damaged = seen, bool(fields["lost"] or fields["faults"] or not fields["complete"])
        self.unsent = fields["lost"] >= fields["bytes"]
        # After a gap an index may have run further than the reader believes, until it has agreed with itself.
        self.shaken = not self.damaged and since_gap <= SHAKEN
        self.clean = not self.damaged and not self.shaken
        self.datasets = len(fields["datasets"])
        self.said = frozenset((label, d["raw"], utc(d.get("timestamp"))) for label, d in fields["datasets"].items())


class Ledger:
    """All frames and all messages of a run."""

    def __init__(self, truth, messages):
        self.truth, self.messages = truth, messages
        self.frames, self.heard = [], {}
        self.by_content = collections.defaultdict(list)
        self.by_value = collections.defaultdict(list)
        self.read_frames = self.read_messages = 0
        self.place = self.newest = -1
        self.forgotten, self.sums, self.lost = 0, collections.Counter(), []
        self.since_gap = SHAKEN + 1
        self.indexes = []
        self.wrong, self.merged, self.repeated, self.disorder = [], [], 0, 0
        self.merges = collections.deque(maxlen=REPEATED)
        self.quality = {}

    def update(self, final=False):
        """Reads on. A message may be seen before its frame, since both are looked for now and then: it waits here for a later frame."""
        while self.read_frames < len(self.truth.lines):
            self._frame(*self.truth.take(self.read_frames))
            self.read_frames += 1
        while self.read_messages < len(self.messages.lines):
            at, line = self.messages.lines[self.read_messages]
            if not final and not (self.frames and self.frames[-1].seen > at + BEHIND):
                break
            self.messages.take(self.read_messages)
            self._message(at, line)
            self.read_messages += 1
        return self

    def forget(self, before):
        """Frames before this number go into the sums, and out of memory; for long runs."""
        for number in range(self.forgotten, before):
            frame, self.frames[number] = self.frames[number], None
            self._sum(number, frame)
            self._drop(self.by_content, frame.said, before)
            for value in frame.said:
                self._drop(self.by_value, value, before)
        self.forgotten = max(self.forgotten, before)
        self.merged = [number for number in self.merged if number >= before]
        self.indexes = [number for number in self.indexes if number >= before]

    def _sum(self, number, frame):
        heard = self.heard.pop(number, None)
        hit = frame.damaged and not frame.unsent
        fate = "lost" if heard is None else "late" if heard - frame.seen > LIVE else "live"
        self.sums.update({"sent": not frame.unsent, "hit": hit, "shaken": frame.shaken, "clean": frame.clean, "datasets": frame.datasets * (not frame.unsent)})
        if frame.clean:
            self.sums[fate] += 1
            self.lost += [number] * (fate == "lost")

    @staticmethod
    def _drop(index, key, before):
        numbers = index.get(key, ())
        if numbers and numbers[0] < before:
            del numbers[: bisect.bisect_left(numbers, before)]
            if not numbers:
                del index[key]

    def _frame(self, seen, line):
        number, frame = len(self.frames), Frame(seen, line, self.since_gap)
        self.since_gap = 1 if frame.unsent else self.since_gap + 1
        self.frames.append(frame)
        self.by_content[frame.said].append(number)
        for said in frame.said:
            self.by_value[said].append(number)

    def _message(self, at, line):
        topic, _, payload = line.decode().partition(" ")
        kind = topic.split("/")[2:]
        if topic == "teleinfo/bridge/state" and payload == "online":
            self.place -= REPEATED
        if topic == "teleinfo/bridge/state" or kind and kind[0] in ("availability", "event", "derived"):
            return
        fields = json.loads(payload)
        if kind == ["quality"]:
            self.quality = fields
            return
        fields.pop("time", None)
        said = frozenset((label, d["raw"], d.get("timestamp")) for label, d in fields.items())
        if kind == ["history"]:
            self._past(at, said)
        else:
            self._state(at, said)

    def _state(self, at, said):
        """Says which frame a message is.

        Messages come in order: of frames that say the same it is the next one, as long as it leaves out no other. A damaged frame comes last:
        what was published of it is a merged state, if by chance the same as this. And a merged state may by chance be the same as a later
        frame.
        """
        numbers = self.by_content.get(said, ())
        unheard = [n for n in numbers if n not in self.heard]
        fitting = [n for n in unheard if n > self.newest and not self._leaves_out(n)]
        if fitting:
            self._hear(fitting, at)
        elif len(unheard) < len(numbers) or said in self.merges:
            self.repeated += 1
        elif not numbers or self._merge_is_due():
            self._merge(at, said)
        else:
            self._hear(unheard, at)

    def _hear(self, candidates, at):
        number = min(candidates, key=lambda n: (not self.frames[n].clean, n))
        self.heard[number] = at
        self.disorder += number < self.newest and self.frames[number].clean
        self.place = number
        self.newest = max(self.newest, number)
        self.indexes.append(number)

    def _leaves_out(self, number):
        """Whether there is a frame between the newest one heard of and this one that should be heard of before."""
        return any(self.frames[n].clean for n in range(max(self.newest + 1, self.forgotten), number))

    def _merge_is_due(self):
        """Whether the frame after the newest one may be published as a merged state."""
        number = max(self.newest + 1, self.forgotten)
        return number < len(self.frames) and not self.frames[number].clean

    def _merge(self, at, said):
        """A merged state: what it says was said since shortly before the last frame that was heard of."""
        first = {value: self._first(value, self.place - CARRIED) for value in said}
        old = sorted(str(value) for value, number in first.items() if number is None)
        if old:
            self.wrong.append((at, "never said, or long ago", old))
            return
        self.place = max(first.values())
        self.merged.append(self.place)
        self.merges.append(said)
        self.sums["merged"] += 1

    def _past(self, at, said):
        """A snapshot: indexes of one frame."""
        common = set.intersection(*(set(self.by_value[value]) for value in said)) if said else set()
        if common:
            self.indexes.append(max(common))
        else:
            self.wrong.append((at, "snapshot of no frame", sorted(map(str, said))))

    def _first(self, value, after):
        numbers = self.by_value.get(value, ())
        index = bisect.bisect_left(numbers, after)
        return numbers[index] if index < len(numbers) else None

    def missing(self, first, last):
        """Frames that nobody heard of, neither whole nor in a merged state."""
        merged = set(self.merged)
        return [n for n in range(first, last) if n not in self.heard and n not in merged]

    def tally(self, first, last):
        """How many frames of a range came live, late, and in part, and which are missing."""
        heard = [n for n in range(first, last) if n in self.heard]
        late = sum(self.heard[n] - self.frames[n].seen > LIVE for n in heard)
        part = sum(n not in self.heard for n in set(self.merged) if first <= n < last)
        return len(heard) - late, late, part, self.missing(first, last)

    def back(self, moment):
        """Seconds from a moment until a frame that ended after it is heard live."""
        times = [at for n, at in self.heard.items() if self.frames[n].seen > moment and at - self.frames[n].seen < LIVE]
        return min(times) - moment if times else None

    def resolution(self, first, last):
        """The longest time of the meter between two indexes that arrived, in frames."""
        numbers = sorted({n for n in self.indexes if first <= n < last} | {first, last})
        return max(b - a for a, b in zip(numbers, numbers[1:]))
