"""Entities of another program keep their entity ids and statistics under our device, and there is a way back."""

import json
import time

from house import PATIENCE, check, known, unique
from meters import METERS

from bench.report import require
from bench.wait import wait_for, wait_for_all

# What the other program announces: label -> class, unit, state class.
LABELS = {
    "BASE": ("energy", "Wh", "total_increasing"),
    "PAPP": (None, "VA", None),
    "IINST": ("current", "A", None),
    "PTEC": (None, None, None),
    "ADPS": ("current", "A", None),
}
OLD_DEVICE = "Old meter"
KEPT = ("BASE", "PAPP", "IINST", "PTEC")
METER, OPTIONS, _ = METERS["base"]


@check("usual")
def migration_from_teleinfo2mqtt(house):
    """unique id = label, all under one node."""
    migrate(house, "teleinfo2mqtt", "teleinfo", lambda label: f"{METER}_{label.lower()}", lambda label: label)


@check("usual")
def migration_from_teleinfo2mqtt_rs(house):
    """unique id = linky_<adco>_<label>, a node per meter."""
    migrate(house, "teleinfo2mqtt-rs", f"linky_{METER}", str.lower, lambda label: f"linky_{METER}_{label.lower()}")


def migrate(house, program, node, object_of, unique_of):
    old = Old(house, node, object_of, unique_of)
    old.announce()
    house.wait_there(unique_of("ADPS"))
    old.wait_states()
    before = old.entity_ids()
    hour = int(time.time()) // 3600 * 3600 - 7200
    house.ha.import_rows(before["BASE"], ("Wh", "energy"), {hour: {"sum": 5, "state": 100_000}})
    house.chain.options = {"migrate": program}
    house.chain.bridge()
    house.chain.meter("base", METER, OPTIONS + " --index 100000")
    house.wait("device", {unique(METER, "overload"): known, unique_of("BASE"): known, unique_of("PAPP"): known})
    wait_for_all("old topics emptied", lambda: house.broker.retained(f"homeassistant/sensor/{node}/#"), 40)
    house.wait("states", {unique_of("BASE"): known, unique_of("PTEC"): known})
    house.wait_gone(unique_of("ADPS"))
    old.require_kept(before, "Linky")
    wait_for("statistics kept", lambda: house.ha.hourly(before["BASE"], hour).get(hour, {}).get("sum") == 5, 10)
    house.chain.stop("bridge")
    house.chain.bridge()
    house.wait("states after a restart", {unique_of("BASE"): known})
    old.require_kept(before, "Linky")
    house.quiet()
    way_back(house, old, before)


def way_back(house, old, before):
    """As the documentation says."""
    device = f"homeassistant/device/teleinfo_{METER}/config"
    house.chain.stop("bridge")
    house.broker.publish(device, '{"migrate_discovery": true}', retain=True)
    time.sleep(3)
    old.announce()
    base = old.unique_of("BASE")
    wait_for("old device", lambda: house.ha.entities().get(base, {}).get("device") == OLD_DEVICE, PATIENCE)
    house.broker.publish(device, "", retain=True)
    old.wait_states()
    require(old.entity_ids()["BASE"] == before["BASE"], "changed on the way back")


class Old:
    """What the other program publishes."""

    def __init__(self, house, node, object_of, unique_of):
        self.house, self.node, self.object_of, self.unique_of = house, node, object_of, unique_of

    def announce(self):
        for label, (device_class, unit, state_class) in LABELS.items():
            value = "{% if '" + label + "' in value_json %}{{ value_json." + label + ".value }}{% endif %}"
            config = {
                "unique_id": self.unique_of(label),
                "name": label,
                "state_topic": f"teleinfo/{METER}",
                "value_template": value,
                "device": {"identifiers": [f"old_{METER}"], "name": OLD_DEVICE},
            }
            options = {"device_class": device_class, "unit_of_measurement": unit, "state_class": state_class}
            config |= {key: value for key, value in options.items() if value}
            topic = f"homeassistant/sensor/{self.node}/{self.object_of(label)}/config"
            self.house.broker.publish(topic, json.dumps(config), retain=True)

    def wait_states(self):
        """Home Assistant subscribes some time after it has read the configuration."""
        reading = json.dumps({"BASE": {"raw": "000100000", "value": 100000}, "PAPP": {"raw": "00100", "value": 100}})

        def wrong():
            self.house.broker.publish(f"teleinfo/{METER}", reading)
            state = self.house.ha.entities()[self.unique_of("BASE")]["state"]
            return None if state == "100000" else state

        wait_for_all("old states", wrong, PATIENCE)

    def entity_ids(self):
        found = self.house.entity_ids()
        return {label: found[self.unique_of(label)] for label in LABELS if self.unique_of(label) in found}

    def require_kept(self, before, device):
        found = self.house.ha.entities()
        for label in KEPT:
            entity = found[self.unique_of(label)]
            require(entity["entity_id"] == before[label], f"{label} became {entity['entity_id']}")
            require(entity["device"] == device, f"{label} is under {entity['device']}")
