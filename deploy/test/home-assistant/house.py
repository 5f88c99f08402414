"""All of it together, for one check: Home Assistant, its broker, and the chain; and the questions that checks ask."""

import contextlib
import os
import pathlib
import re
import shutil
import time

from chain import Chain
from meters import MAY_BE_UNKNOWN, METERS
from server import HomeAssistant

from bench.broker import Broker
from bench.clock import set_clock, told_by
from bench.outputs import tails
from bench.report import require
from bench.wait import wait_for_all

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60
# Where a clock that is moved begins: tomorrow morning, late in an hour. One that is put back would have run for less
# than nothing.
BEGIN = int(time.time()) // 86400 * 86400 + 30 * 3600 + 3030
# What Home Assistant has besides, where the clock is moved.
MOVING = """time_passes:
input_number:
  price:
    min: 0
    max: 100
    step: 0.01
    initial: 10
    unit_of_measurement: EUR/kWh
"""
# name -> the check: a function that is given a house.
CHECKS = {}


def check(form, **house):
    """Makes a function a check. `form`: "short" (continuous integration runs these), "usual" (a run without words
    runs these too), or "long" (only when named). `house`: what its house needs besides."""

    def note(function):
        function.form, function.house = form, house
        CHECKS[function.__name__.replace("_", "-")] = function
        return function

    return note


def known(state):
    return state not in (None, "unknown", "unavailable")


def unavailable(state):
    return state == "unavailable"


def is_(expected):
    return lambda state: state == expected


def unique(meter, key):
    return f"teleinfo_{meter}_{key}"


class House:
    """`directory`: an empty one for all files. `offset`: seconds that Home Assistant's clock is off. `moving`: a test
    moves the clock of all programs (`hours.Hours`)."""

    def __init__(self, installed, directory, offset=None, language="en", moving=False):
        directory = pathlib.Path(directory)
        inside = installed.mount(directory)
        self.offset, self.clock = offset, directory / "clock"
        moved = {}
        if moving:
            shutil.copytree(HERE / "time_passes", directory / "config/custom_components/time_passes")
            set_clock(self.clock, BEGIN)
            moved = {"more": MOVING, "clock": told_by(inside / "clock", installed.faketime())}
        self.broker = Broker(directory / "broker")
        self.chain = Chain(directory / "chain")
        if moving:
            # A clock that leaps over the end of an hour leaves no frame just before it.
            self.chain.pace = 0
        self.ha = HomeAssistant(installed, directory / "config", inside / "config", language, **moved)
        self.directory = directory

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            ends.callback(self.broker.end)
            self.broker.start()
            ends.callback(self.ha.end)
            self.ha.start(self.offset)
            ends.callback(self.chain.close)
            self.ends = ends.pop_all()
        return self

    def __exit__(self, error, *_):
        if error or os.environ.get("KEEP"):
            print(self.chain.logs(), tails(self.directory / "config"), sep="\n", flush=True)
        self.ends.close()

    def meter(self, name):
        """Starts the bridge and one meter of the table. Returns its id, and what its entities should be: known."""
        meter, options, wanted = METERS[name]
        self.chain.bridge()
        self.chain.meter(name, meter, options)
        wanted = {unique(meter, key): known for key in wanted if key not in MAY_BE_UNKNOWN}
        self.wait("states", wanted)
        return meter, wanted

    def wait(self, what, wanted, patience=PATIENCE):
        """Until the states of these unique ids are right: `wanted` has a test for each."""

        def wrong():
            found = self.ha.entities()
            states = {key: found.get(key, {}).get("state") for key in wanted}
            return {key: state for key, state in states.items() if not wanted[key](state)}

        wait_for_all(what, wrong, patience)

    def wait_there(self, unique_id):
        """Until there is such an entity; returns it."""
        wait_for_all("entities", lambda: [key for key in [unique_id] if key not in self.ha.entities()], PATIENCE)
        return self.ha.entities()[unique_id]

    def wait_gone(self, *unique_ids):
        wait_for_all("entities removed", lambda: [key for key in unique_ids if key in self.ha.entities()], PATIENCE)

    def entity_ids(self):
        return {key: entity["entity_id"] for key, entity in self.ha.entities().items()}

    def require_same(self, before):
        """Each of these entities is still there under its id. A meter may have said something new since."""
        now = self.entity_ids()
        changed = {key: (entity_id, now.get(key)) for key, entity_id in before.items() if entity_id != now.get(key)}
        require(not changed, f"entities changed: {changed}")

    def events(self, meter):
        """Attributes of all events so far, oldest first."""
        entities, ours = self.ha.entities(), unique(meter, "event_")
        kinds = [entity["entity_id"] for key, entity in entities.items() if key.startswith(ours)]
        rows = [(row["last_changed"], row["attributes"]) for kind in kinds for row in self.ha.history(kind)]
        rows.sort(key=lambda row: row[0])
        return [attributes for _, attributes in rows if attributes.get("event_type")]

    def wait_event(self, meter, kind, patience=PATIENCE):
        """Until such an event has reached Home Assistant; returns its attributes."""
        found = []

        def missing():
            events = self.events(meter)
            found[:] = [event for event in events if event["event_type"] == kind]
            return None if found else f"no {kind} among {[event['event_type'] for event in events]}"

        wait_for_all("event", missing, patience)
        return found[-1]

    def quiet(self, but=None):
        """Home Assistant had nothing to complain of, but for what is expected (`but`, a pattern)."""
        complaints = [line for line in self.ha.complaints() if not (but and re.search(but, line))]
        require(not complaints, f"Home Assistant logged: {complaints[:5]}")
