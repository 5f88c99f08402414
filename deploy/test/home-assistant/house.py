"""All of it together, for one check: Home Assistant, its broker, and the chain; and the questions that checks ask."""

import shutil
import tempfile
import time

from broker import Broker
from chain import Chain
from meters import MAY_BE_UNKNOWN, METERS
from server import HomeAssistant

PATIENCE = 60


class Failure(Exception):
    """Something is not as it should be."""


def require(condition, message):
    if not condition:
        raise Failure(message)


def say(*words):
    print(">>", *words, flush=True)


def known(state):
    return state not in (None, "unknown", "unavailable")


def unavailable(state):
    return state == "unavailable"


def is_(expected):
    return lambda state: state == expected


def unique(meter, key):
    return f"teleinfo_{meter}_{key}"


def until(what, missing, patience=PATIENCE):
    """Waits until `missing` returns nothing; else it returns what is still missing."""
    end = time.monotonic() + patience
    while (still := missing()) and time.monotonic() < end:
        time.sleep(1)
    if still:
        raise Failure(f"{what}: after {patience} s still {still}")


class House:
    """`offset`: seconds that Home Assistant's clock is off."""

    def __init__(self, installed, offset=None, language="en"):
        self.directory = tempfile.mkdtemp(prefix="teleinfo-ha-", dir="/tmp")
        inside = installed.mount(self.directory)
        self.offset = offset
        self.broker = Broker(f"{self.directory}/broker")
        self.chain = Chain(f"{self.directory}/chain")
        self.ha = HomeAssistant(installed, f"{self.directory}/config", inside / "config", language)

    def __enter__(self):
        self.broker.start()
        self.ha.start(self.offset)
        return self

    def __exit__(self, *_):
        for name in list(self.chain.running):
            self.chain.kill(name)
        self.ha.stop()
        self.broker.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

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
        until(what, wrong, patience)

    def wait_gone(self, *unique_ids):
        until("entities removed", lambda: [key for key in unique_ids if key in self.ha.entities()])

    def entity_ids(self):
        return {key: entity["entity_id"] for key, entity in self.ha.entities().items()}

    def events(self, meter):
        """Attributes of all events so far, oldest first."""
        entity = self.ha.entities()[unique(meter, "event")]["entity_id"]
        return [row["attributes"] for row in self.ha.history(entity) if row["attributes"].get("event_type")]

    def wait_event(self, meter, kind, patience=PATIENCE):
        """Until such an event has reached Home Assistant; returns its attributes."""
        found = []
        def missing():
            found[:] = [event for event in self.events(meter) if event["event_type"] == kind]
            return None if found else f"no {kind} among {[event['event_type'] for event in self.events(meter)]}"
        until("event", missing, patience)
        return found[-1]

    def quiet(self):
        """Home Assistant had nothing to complain of."""
        complaints = self.ha.complaints()
        require(not complaints, f"Home Assistant logged: {complaints[:5]}")
