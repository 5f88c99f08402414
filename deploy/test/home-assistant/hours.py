"""Hours that pass in seconds, and what Home Assistant must have counted in each.

All programs but the meters take their clock from one file. In each hour the meters speak for some seconds. Then they
are stopped, until Home Assistant has heard all, the clock moves on to the next hour, and Home Assistant makes the
statistics of the time between, as it does at its start (`time_passes/`). So the energy of an hour is what the meters
have counted before they were stopped, to the Wh.
"""

import contextlib
import json
import time

from house import known

from bench.clock import MONOTONIC_ALONE, library, set_clock, told_by
from bench.report import Failure
from bench.wait import wait_for_all

HOUR = 3600
DAY = 24 * HOUR
# So many days of five-minute rows are kept by Home Assistant, unless somebody says otherwise.
KEPT = 10
# So long it may take to make the statistics of as many days, and to delete them.
LONG = 900
# The part of an hour in which meters speak begins so many seconds after its begin, before the last five minutes.
BEGINS = 50 * 60 + 30
# Of a meter's own time, in each hour.
SPOKEN = 160
# What did not change for so many seconds of this machine has arrived.
QUIET = 2
# The last frame of a meter has arrived by then, if it is to arrive: a bridge may be cut off from it, or not believe it.
ARRIVED = 10
# Home Assistant knows a new meter by then, if it is to know it: on a busy machine that takes longer than an hour here.
KNOWN = 60
SPEED = 20
# Of each unit in which Home Assistant shows an index.
WH = {"Wh": 1, "kWh": 1000}


class Meter:
    """A simulated meter, and what it has counted at the end of each hour.

    `changes`: what changes in the middle of its n-th hour, as the simulator's `--change` says it.
    """

    def __init__(self, hours, name, address, options, changes):
        self.hours, self.name, self.address, self.changes = hours, name, address, changes
        self.options = [*options.split(), "--speed", SPEED]
        for hour, change in changes.items():
            self.options += [
                word for what in change.split() for word in ("--change", f"{(hour + 0.5) * SPOKEN}={what}")
            ]
        self.read, self.drawn, self.last, self.frames = 0, 0, None, []
        # hour -> what was drawn at its end since the beginning.
        self.marks = {}
        # Hours of which the total cannot know all.
        self.lost = set()
        self.is_still, self.is_known = False, False

    def start(self):
        chain = self.hours.house.chain
        self.begin, self.first = self.hours.now(), self.hours.hour()
        chain.start(
            f"meter-{self.name}", chain.new_meter(self.name, self.address, *self.options, "--start", f"@{self.begin}")
        )
        chain.reader(self.name)

    @property
    def process(self):
        return self.hours.house.chain.running[f"meter-{self.name}"]

    def freeze(self):
        self.process.freeze()
        self.is_still = True

    def thaw(self):
        self.process.thaw()
        self.is_still = False

    def update(self):
        """Reads on in what the meter has sent; the drawn energy goes on through an exchange of the meter."""
        with open(self.hours.house.chain.truth(self.name), "rb") as file:
            file.seek(self.read)
            lines = file.read().split(b"\n")[:-1]
        self.read += sum(len(line) + 1 for line in lines)
        for frame in map(json.loads, lines):
            if frame["complete"] and not frame["lost"]:
                before = self.last["drawn"] if self.last else frame["drawn"]
                step = frame["drawn"] - before
                self.drawn += step if step >= 0 else frame["drawn"]
                self.last = frame
                self.frames.append(
                    (self.drawn, {label: dataset["raw"] for label, dataset in frame["datasets"].items()})
                )
        return self

    def is_shown(self, entities):
        """Whether Home Assistant shows the indexes of its last frame, as far as it has entities for them."""
        datasets = self.update().frames[-1][1] if self.frames else {}
        address = datasets.get("ADCO") or datasets.get("ADSC")
        for label, raw in datasets.items():
            entity = entities.get(f"teleinfo_{address}_energy_{label.lower()}")
            if entity and known(entity["state"]) and round(float(entity["state"]) * WH[unit(entity)]) != int(raw):
                return False
        return True

    def age(self):
        """Its own time since its start, in s."""
        self.update()
        return self.last["time"] - self.begin if self.last else 0


def unit(entity):
    return entity["attributes"]["unit_of_measurement"]


class Hours:
    """The clock of a house, and its meters."""

    def __init__(self, house):
        self.house, self.meters = house, []
        self.first = self.hour()
        house.chain.environment = told_by(house.clock, library())
        # A reader dates what it holds by the clock that nobody sets.
        house.chain.of_readers = dict.fromkeys(MONOTONIC_ALONE, "0")
        house.chain.publish = 1

    def now(self):
        return int(time.time() + float(self.house.clock.read_text()))

    def hour(self):
        return self.now() // HOUR * HOUR

    def meter(self, name, address, options, changes=None):
        meter = Meter(self, name, address, options, changes or {})
        self.meters.append(meter)
        meter.start()
        return meter

    def speak(self):
        """The meters speak for their part of an hour, and are stopped. A new one speaks at least until Home Assistant
        knows its total: it counts nothing of what comes before."""
        until = {meter: meter.age() + SPOKEN for meter in self.running()}
        patience = time.monotonic() + KNOWN

        def waiting():
            is_late = time.monotonic() > patience
            ended = [meter for meter, end in until.items() if meter.age() >= end]
            for meter in filter(lambda meter: self._is_known(meter, is_late), ended):
                meter.freeze()
                del until[meter]
            return [meter.name for meter in until]

        wait_for_all("meters speak", waiting, 20 * SPOKEN / SPEED, 0.1)
        self.settle()

    def _is_known(self, meter, is_late):
        """Whether nobody waits for this meter any more."""
        if not meter.is_known and not is_late and self._is_heard(meter):
            total = self.house.ha.entities().get(f"teleinfo_{meter.address}_energy_total", {})
            meter.is_known = known(total.get("state"))
            return meter.is_known
        return True

    def _is_heard(self, meter):
        """Whether all runs that lies between it and Home Assistant."""
        chain = self.house.chain.running
        return "bridge" in chain and f"reader-{meter.name}" in chain and self.house.ha.process.alive()

    def settle(self):
        """What is on its way arrives: the bridge holds a state back for a second, and Home Assistant may be behind.
        That nothing moves is not enough: it may also be that this machine stood still."""
        with contextlib.suppress(Failure):
            wait_for_all("last frames shown", self._not_shown, ARRIVED, 0.3)
        looks = [{}]

        def moving():
            looks.append(self._energies())
            return [name for name, wh in looks[-1].items() if looks[-2].get(name) != wh]

        time.sleep(QUIET)
        wait_for_all("Home Assistant has heard all", moving, LONG, QUIET)

    def _not_shown(self):
        heard = [meter for meter in self.running() if self._is_heard(meter)]
        entities = self.house.ha.entities() if heard else {}
        return [meter.name for meter in heard if not meter.is_shown(entities)]

    def _energies(self):
        """What Home Assistant shows of each energy now."""
        states = self.house.ha.get("/api/states") or []
        energies = [state for state in states if state["attributes"].get("device_class") == "energy"]
        return {state["entity_id"]: state["state"] for state in energies}

    def pass_on(self):
        """On to the next hour."""
        self._go_on(HOUR)
        self._thaw()

    def pass_days(self):
        """On to an hour of so many days later that Home Assistant has deleted its five-minute rows of before."""
        # The hour that is over has its statistics before anything is deleted.
        self._go_on(HOUR)
        self._go_on((KEPT + 1) * DAY)
        self.house.ha.post("/api/services/recorder/purge", {"keep_days": KEPT})
        wait_for_all("five-minute rows deleted", self._not_deleted, LONG, 1)
        self._thaw()

    def _go_on(self, seconds):
        """What the meters have drawn by now belongs to the hour that is over."""
        hour = self.hour()
        for meter in self.meters:
            meter.marks[hour] = meter.update().drawn
        set_clock(self.house.clock, hour + seconds + BEGINS)
        self.compile()

    def _not_deleted(self):
        """The energies that still have five-minute rows which are too old."""
        old = self.now() - KEPT * DAY
        energies = [
            entity["entity_id"]
            for entity in self.house.ha.entities().values()
            if entity["attributes"].get("device_class") == "energy"
        ]
        return [name for name in energies if any(row < old for row in self.house.ha.rows(name, "5minute", self.first))]

    def _thaw(self):
        for meter in self.running():
            meter.thaw()

    def play(self, hours=1):
        for _ in range(hours):
            self.speak()
            self.pass_on()

    def compile(self):
        """Home Assistant makes the statistics of what has passed."""
        if self.house.ha.process.alive():
            self.house.ha.post("/api/services/time_passes/compile", {}, LONG)

    def running(self):
        return [meter for meter in self.meters if f"meter-{meter.name}" in self.house.chain.running]

    def changes(self, entity_id):
        """What the statistics have for each hour."""
        rows = self.house.ha.hourly(entity_id, self.first - HOUR)
        return {hour: row["change"] for hour, row in rows.items()}
