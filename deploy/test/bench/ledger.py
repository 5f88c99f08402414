"""The account of a run: what the meter said against what a subscriber heard.

Every frame of the meter counts once. A message that says exactly what one frame said is that frame, live or late;
any other message is a merged state, after damage on the line: each of its values must have been said by the meter
just then or in the few frames before. From this follows what may never be:

    wrong    a value that the meter never said, or said long ago; or a topic that nobody knows
    lost     a frame that the reader heard whole, and that never arrived
    twice    a message that is said again without a reason
    disorder a frame after a later one
    back     an index of the present that is lower than it was
"""

import bisect
import collections
import itertools
import json
import re

from bench.again import Repetitions
from bench.truth import SHAKEN, Frame

# How many frames a bridge that begins again may go back.
REPEATED = 400
# How many frames back the bridge may take a value from when a frame was damaged.
CARRIED = 6
# The truth about a frame is seen at most this long after a message about it.
BEHIND = 0.1
# A message later than this after its frame was not sent live.
LIVE = 1.5

# Power is told before its frame has ended: the meter showed it in a frame that ends within so many seconds of that.
POWER_WITHIN = 5

# Labels that only rise.
INDEX = re.compile("EAST|EAIT|EASF[0-9]+|EASD[0-9]+|ERQ[0-9]|BASE|HCH[CP]|EJPH(N|PM)|BBRH[CP]J[BWR]")

# What a moment of the account was like, for what has come since.
Mark = collections.namedtuple("Mark", "frames wrong twice disorder back")
NOTHING = Mark(0, 0, 0, 0, 0)


class Ledger:
    """All frames and all messages of a run with one meter."""

    def __init__(self, truth, messages, other=None):
        """`truth`, `messages`: growing files (`outputs.Lines`): the simulator's truth, and a line `topic payload` a
        message. `other`: a meter that is none of this run; of its messages only the last of each topic is kept."""
        self.truth, self.messages, self.other = truth, messages, other
        self.frames, self.heard = [], {}
        self.by_content = collections.defaultdict(list)
        self.by_value = collections.defaultdict(list)
        self.read_frames = self.read_messages = 0
        self.place = self.newest = -1
        self.forgotten, self.sums, self.never_heard = 0, collections.Counter(), []
        self.since_gap = SHAKEN + 1
        self.indexes = []
        self.wrong, self.twice, self.merged, self.disorder = [], [], [], 0
        self.back, self.last_indexes = [], {}
        self.merges = collections.deque(maxlen=REPEATED)
        self.present, self.again = None, Repetitions()
        self.deaf_times = []
        self.member = None
        self.last = {}

    # Reading on.

    def update(self, final=False):
        """Reads on. A message may be seen before its frame, since both are looked for now and then: it waits for a
        later one."""
        while self.read_frames < len(self.truth.lines):
            self._take_frame(*self.truth.take(self.read_frames))
            self.read_frames += 1
        while self.read_messages < len(self.messages.lines):
            at, line = self.messages.lines[self.read_messages]
            if not final and not (self.frames and self.frames[-1].seen > at + BEHIND):
                break
            self.messages.take(self.read_messages)
            self._take_message(at, line)
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

    # What the account says.

    def mark(self):
        return Mark(len(self.frames), len(self.wrong), len(self.twice), self.disorder, len(self.back))

    def complaints(self, since=NOTHING, most=10):
        """What may never be, since a moment; not what is lost: `lost` wants to know of which frames."""
        wrong, twice, disorder = self.wrong[since.wrong :], self.twice[since.twice :], self.disorder - since.disorder
        said = [f"wrong: {text}: {values}" for _, text, values in wrong[:most]]
        said += [f"{len(wrong)} wrong values in all"] * (len(wrong) > most)
        said += [f"said twice: {' '.join(sorted(map(str, content)))[:200]}" for content in twice[:most]]
        said += [f"{len(twice)} messages said twice in all"] * (len(twice) > most)
        said += [f"steps back: {text}" for text in self.back[since.back :][:most]]
        return said + [f"{disorder} frames out of order"] * bool(disorder)

    def missing(self, first, last):
        """Frames that nobody heard of, neither whole nor in a merged state."""
        merged = set(self.merged)
        return [n for n in self._unheard(first, last) if n not in merged]

    def lost(self, first, last):
        """Frames that the reader heard whole and that did not arrive whole: only after a gap a merged state will do."""
        merged, frames = set(self.merged), self.frames
        whole = [n for n in self._unheard(first, last) if not (frames[n].damaged or self._is_deaf(frames[n]))]
        return [n for n in whole if frames[n].clean or n not in merged]

    def _unheard(self, first, last):
        return [n for n in range(max(first, self.forgotten), last) if n not in self.heard]

    def lost_between(self, begin, end):
        """The same for frames whose end was seen between two moments."""
        return [n for n in self.lost(0, len(self.frames)) if begin < self.frames[n].seen <= end]

    def tally(self, first, last):
        """How many frames of a range came live, late, and in part, and which are missing."""
        heard = [n for n in range(first, last) if n in self.heard]
        late = sum(self.heard[n] - self.frames[n].seen > LIVE for n in heard)
        part = sum(n not in self.heard for n in set(self.merged) if first <= n < last)
        return len(heard) - late, late, part, self.missing(first, last)

    def back_after(self, moment):
        """Seconds from a moment until a frame that ended after it is heard live."""
        times = [at for n, at in self.heard.items() if self.frames[n].seen > moment and at - self.frames[n].seen < LIVE]
        return min(times) - moment if times else None

    def resolution(self, first, last):
        """The longest time of the meter between two indexes that arrived, in frames."""
        numbers = sorted({n for n in self.indexes if first <= n < last} | {first, last})
        return max(b - a for a, b in zip(numbers, numbers[1:], strict=False))

    def frame_time(self):
        """Seconds that a frame takes, by the last ones."""
        frames = self.frames[-10:]
        return (frames[-1].seen - frames[0].seen) / (len(frames) - 1) if len(frames) > 1 else 1

    def excuse(self, began, ended=float("inf")):
        """Between these moments the reader cannot hear all of the meter. Returns what takes a later end."""
        time = [began, ended]
        self.deaf_times.append(time)

        def end(moment):
            time[1] = moment

        return end

    def _is_deaf(self, frame):
        return any(began <= frame.seen <= ended for began, ended in self.deaf_times)

    # Frames.

    def _take_frame(self, seen, line):
        number = len(self.frames)
        frame = Frame(seen, line, self.since_gap, begins=number == 0 or self.since_gap == 1)
        self.since_gap = 1 if frame.unsent else self.since_gap + 1
        self.frames.append(frame)
        self.by_content[frame.said].append(number)
        for said in frame.said:
            self.by_value[said].append(number)

    def _sum(self, number, frame):
        heard = self.heard.pop(number, None)
        hit = frame.damaged and not frame.unsent
        fate = "lost" if heard is None else "late" if heard - frame.seen > LIVE else "live"
        sent, datasets = not frame.unsent, frame.datasets * (not frame.unsent)
        self.sums.update({"sent": sent, "hit": hit, "joined": frame.joined, "datasets": datasets})
        self.sums.update({"shaken": frame.shaken, "clean": frame.clean})
        if frame.clean:
            self.sums[fate] += 1
            self.never_heard += [number] * (fate == "lost")

    @staticmethod
    def _drop(index, key, before):
        numbers = index.get(key, ())
        if numbers and numbers[0] < before:
            del numbers[: bisect.bisect_left(numbers, before)]
            if not numbers:
                del index[key]

    # Messages.

    def _take_message(self, at, line):
        topic, _, payload = line.decode().partition(" ")
        self.last[topic] = payload
        if self.other and self.other in topic:
            return
        levels = topic.split("/")
        kind = "/".join(levels[1:] if levels[1:2] == ["bridge"] else levels[2:])
        if levels[:2] == ["homeassistant", "device"]:
            self.again.handle_announcement(at)
        elif kind in TOPICS:
            TOPICS[kind](self, at, payload)
        else:
            self.wrong.append((at, "a topic that nobody knows", topic))

    def _take_bridge_state(self, at, payload):
        if payload == "online":
            self.place -= REPEATED
            self.again.handle_online(at)

    def _take_bridge_quality(self, _at, payload):
        member = json.loads(payload).get("member")
        if self.member not in (None, member):
            self.again.handle_member()
        self.member = member

    def _take_state(self, at, payload):
        """Says which frame a message is.

        Messages come in order: of frames that say the same it is the next one, as long as it leaves out no other. A
        damaged frame comes last: what was published of it is a merged state, if by chance the same as this. And a
        merged state may by chance be the same as a later frame.
        """
        said = self._content(payload)
        self._look_back(said)
        numbers = self.by_content.get(said, ())
        unheard = [n for n in numbers if n not in self.heard]
        fitting = [n for n in unheard if n > self.newest and not self._leaves_out(n)]
        if fitting:
            self._hear(fitting, at)
        elif len(unheard) < len(numbers) or said in self.merges:
            self._repeat(at, said)
        elif not numbers or self._merge_is_due():
            self._merge(at, said)
        else:
            self._hear(unheard, at)
        self.present = said

    def _take_power(self, at, payload):
        """The power of the present is one that the meter has just shown, with its sign, or is worked out from a
        current that it has shown."""
        told = json.loads(payload)
        shown = any(frame.power == told["apparent"] for frame in self._seen_about(at, POWER_WITHIN))
        if told["method"] != "current" and not shown:
            self.wrong.append((at, "a power that the meter did not show", told))

    def _seen_about(self, at, within):
        """The frames whose end was seen at most so long before or after: many of a meter in a hurry."""
        first = bisect.bisect_left(self.frames, at - within, lo=self.forgotten, key=lambda frame: frame.seen)
        frames = itertools.islice(self.frames, first, None)
        return itertools.takewhile(lambda frame: frame.seen <= at + within, frames)

    def _look_back(self, said):
        """The indexes of the present rise, whatever happens: what was missed is said as the past."""
        indexes = {label: int(raw) for label, raw, _ in said if INDEX.fullmatch(label) and raw.isdigit()}
        lower = [label for label, index in indexes.items() if index < self.last_indexes.get(label, 0)]
        self.back += [f"{label} {indexes[label]} after {self.last_indexes[label]}" for label in sorted(lower)]
        self.last_indexes |= indexes

    def _take_history(self, at, payload):
        """The past: a whole frame, what was left of a damaged one, or a snapshot, which is indexes alone. It comes
        before the present that follows it. Of a damaged frame and a clean one that meant the same, the clean one is
        the whole one."""
        said = self._content(payload)
        numbers = self.by_content.get(said, ())
        unheard = [n for n in numbers if n not in self.heard]
        later = [n for n in unheard if n > self.newest]
        clean = [n for n in later if self.frames[n].clean and not self._leaves_out(n)]
        if unheard:
            self._hear(clean[:1] or later[:1] or unheard, at)
        elif numbers:
            self._repeat(at, said)
        else:
            self._take_part(at, said)

    def _take_part(self, at, said):
        common = set.intersection(*(set(self.by_value[value]) for value in said)) if said else set()
        common = common or self._joined(said)
        if not common:
            self.wrong.append((at, "a past that no frame said", sorted(map(str, said))))
        elif all(INDEX.fullmatch(label) for label, _, _ in said):
            self.indexes.append(max(common))
        else:
            self.merged.append(max(common))
            self.sums["merged"] += 1

    def _joined(self, said):
        """The frames whose rest a hole in the line joined to the beginning of an earlier one: both were hit, and of
        those between them nothing arrived. Each value is still one that the meter said."""
        beginnings = {n for value in said for n in self.by_value.get(value, ()) if self.frames[n].damaged}
        ends = set()
        for first in beginnings:
            after = range(first + 1, len(self.frames))
            second = next((n for n in after if not self.frames[n].unsent), None)
            if second and self.frames[second].damaged and said <= self.frames[first].said | self.frames[second].said:
                ends.add(second)
        return ends

    @staticmethod
    def _content(payload):
        fields = json.loads(payload)
        fields.pop("time", None)
        return frozenset((label, d["raw"], d.get("timestamp")) for label, d in fields.items())

    def _hear(self, candidates, at):
        number = min(candidates, key=lambda n: (not self.frames[n].clean, n))
        self.heard[number] = at
        self.again.handle_news()
        self.disorder += number < self.newest and self.frames[number].clean
        self.place = number
        self.newest = max(self.newest, number)
        self.indexes.append(number)

    def _repeat(self, at, said):
        """It was heard before. A damaged frame may say nothing new, or by chance what the one after it says, and comes
        in pieces where noise looks like its end; all else needs a reason."""
        if self._merge_is_due() or self._comes_in_pieces():
            return
        near = (n for n in self.by_content.get(said, ()) if self.newest - CARRIED < n < self.newest)
        damaged = [n for n in near if n not in self.heard and self.frames[n].damaged]
        if damaged:
            self._hear(damaged, at)
        elif not self.again.take_reason(said == self.present, at):
            self.twice.append(said)

    def _leaves_out(self, number):
        """Whether a frame between the newest one heard of and this one should be heard of before; the first one
        leaves out none."""
        first = max(self.newest + 1, self.forgotten)
        return self.newest >= 0 and any(self._must_arrive(n) for n in range(first, number))

    def _merge_is_due(self):
        """Whether the frame after the newest one may be published as a merged state."""
        number = max(self.newest + 1, self.forgotten)
        return number < len(self.frames) and not self._must_arrive(number)

    def _comes_in_pieces(self):
        """Whether the newest frame that was heard of was damaged; the frame after it may not be over yet."""
        return self.newest >= max(0, self.forgotten) and not self._must_arrive(self.newest)

    def _must_arrive(self, number):
        """Whether this frame must arrive exactly as it is."""
        return self.frames[number].clean and not self._is_deaf(self.frames[number])

    def _merge(self, at, said):
        """A merged state: what it says was said since shortly before the last frame that was heard of."""
        first = {value: self._first(value, self.place - CARRIED) for value in said}
        old = sorted(str(value) for value, number in first.items() if number is None)
        if old or not said:
            self.wrong.append((at, "never said, or long ago", old))
            return
        self.place = max(first.values())
        self.merged.append(self.place)
        self.merges.append(said)
        self.sums["merged"] += 1

    def _first(self, value, after):
        numbers = self.by_value.get(value, ())
        index = bisect.bisect_left(numbers, after)
        return numbers[index] if index < len(numbers) else None


def _ignore(_ledger, _at, _payload):
    pass


# Every topic that a bridge may publish, below its base topic (and below the meter): how it is taken.
TOPICS = {
    "": Ledger._take_state,
    "history": Ledger._take_history,
    "home": _ignore,
    "home/power": _ignore,
    "availability": _ignore,
    "derived": _ignore,
    "event": _ignore,
    "ledger": _ignore,
    "power": Ledger._take_power,
    "prices": _ignore,
    "quality": _ignore,
    "bridge/doctor": _ignore,
    "bridge/marker": _ignore,
    "bridge/quality": Ledger._take_bridge_quality,
    "bridge/state": Ledger._take_bridge_state,
}
