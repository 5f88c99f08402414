"""The frames that the meter sent, as the simulator's truth file tells them."""

import datetime
import json

# Frames after a gap of the line whose indexes the reader may hold back: three must agree (reader, plausibility).
SHAKEN = 2
# Hours from UTC, by the letter of a timestamp: winter or summer, in capitals if the meter's clock is good.
ZONES = {"H": 1, "h": 1, "E": 2, "e": 2}

# Labels of the power of the moment.
POWERS = {"SINSTS", "SINSTI", "PAPP"}


def utc(stamp):
    """H260213094501 as 2026-02-13T08:45:01Z; None for what is no time."""
    if not stamp or stamp[0] not in ZONES or not stamp[1:].strip("0"):
        return None
    try:
        local = datetime.datetime.strptime(stamp[1:], "%y%m%d%H%M%S")
    except ValueError:
        return None
    return (local - datetime.timedelta(hours=ZONES[stamp[0]])).strftime("%Y-%m-%dT%H:%M:%SZ")


class Frame:
    """One frame as the meter meant it, and what became of it on the line.

    damaged   not all of it reached the reader as it was meant
    unsent    nothing of it reached the reader: nobody listened
    joined    the reader began to listen in its middle: it counts as neither good nor bad there
    shaken    the line has just lost frames: the reader may hold an index back until it has agreed with itself
    clean     neither damaged nor shaken: it must arrive exactly as it is
    power     what it shows of the power, in VA; negative: injected
    """

    __slots__ = "seen", "damaged", "unsent", "joined", "datasets", "said", "shaken", "clean", "power"

    def __init__(self, seen, line, since_gap, begins):
        """`seen`: when its line was read; `since_gap`: how many frames ago the line was last missing some; `begins`:
        nothing of the frame before it reached the reader."""
        fields = json.loads(line)
        self.seen, self.damaged = seen, bool(fields["lost"] or fields["faults"] or not fields["complete"])
        self.unsent = fields["lost"] >= fields["bytes"]
        self.joined = 0 < fields["lost"] < fields["bytes"] and begins
        self.shaken = not self.damaged and since_gap <= SHAKEN
        self.clean = not self.damaged and not self.shaken
        self.datasets = len(fields["datasets"])
        shown = {label: int(d["raw"]) for label, d in fields["datasets"].items() if label in POWERS}
        self.power = shown.get("SINSTS") or shown.get("PAPP") or -shown.get("SINSTI", 0)
        self.said = frozenset((label, d["raw"], utc(d.get("timestamp"))) for label, d in fields["datasets"].items())
