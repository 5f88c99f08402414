"""What an owner leaves behind, and what is still said of what is gone: other names of topics, an old meter, a reader
that died while nobody looked."""

import subprocess

from house import PATIENCE, check, is_, known, unavailable, unique
from meters import METERS
from older import lacks

from bench.process import environment
from bench.report import require, say
from bench.wait import wait_for_all

# Home Assistant cleans up once more when it has emptied the topic of a device itself.
TWICE = "No device components to cleanup"
OLD, STAYS = METERS["base"][0], METERS["consumer"][0]
ALL = "#"


def device_names(house):
    """The devices of ours, meters and bridges, by their identifiers."""
    found = house.ha.ask({"type": "config/device_registry/list"})
    names = {name for device in found for kind, name in device["identifiers"] if kind == "mqtt"}
    return {name for name in names if name.startswith("teleinfo_")}


def wait_devices(house, *wanted):
    wait_for_all("devices", lambda: sorted(device_names(house) ^ set(wanted)), PATIENCE)


def forget(house, what):
    """As an owner does it, with the bridge stopped."""
    bridge = house.chain.running["bridge"]
    house.chain.stop("bridge")
    command = [*bridge.command, "forget", what, "--language", "fr"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(STATE_DIRECTORY=bridge.state))
    require(done.returncode == 0, f"forget {what}: {done.stdout} {done.stderr}")
    require("topics retenus ont disparu" in done.stdout, f"forget {what} said {done.stdout}")
    say(done.stdout.strip().replace("\n", "; "))


def restarted(house, **options):
    """The bridge with other settings."""
    house.chain.stop("bridge")
    house.chain.options = options
    house.chain.bridge()


@check("usual")
def leaving(house):
    """The old device of a meter that was exchanged goes with one command, and everything with another. What other
    settings leave behind goes by itself; entities that come back are the same ones."""
    meters = {OLD: "base", STAYS: "consumer"}
    house.chain.bridge()
    for meter, name in meters.items():
        house.chain.meter(name, meter, METERS[name][1])
    totals = {unique(meter, "energy_total"): known for meter in meters}
    house.wait("states", totals)
    bridge = "teleinfo_bridge_teleinfo"
    wait_devices(house, f"teleinfo_{OLD}", f"teleinfo_{STAYS}", bridge)
    before = house.entity_ids()

    house.chain.unplug("base")
    forget(house, OLD)
    left = [topic for topic in house.broker.retained(ALL) if OLD in topic]
    require(not left, f"retained of the old meter: {left}")
    wait_devices(house, f"teleinfo_{STAYS}", bridge)
    house.chain.bridge()
    mine = {unique(STAYS, "energy_total"): known}
    house.wait("the meter that stays", mine)

    restarted(house, discovery=False)
    wait_devices(house)
    restarted(house)
    house.wait("announced again", mine)
    restarted(house, prefix="elsewhere")
    wait_devices(house)
    restarted(house)
    house.wait("announced under the old prefix again", mine)
    house.chain.base = "maison"
    restarted(house)
    wait_devices(house, f"teleinfo_{STAYS}", "teleinfo_bridge_maison")
    house.wait("told under another base topic", mine)
    wait_for_all("nothing is retained under the old base topic", lambda: house.broker.retained("teleinfo/#"), PATIENCE)
    wanted = {key: entity_id for key, entity_id in before.items() if STAYS in key}
    if lacks(house.ha, "entity ids come back"):
        # Since it is the only meter, its name has no digits any more.
        wanted = {key: entity_id.replace(f".linky_{STAYS[-6:]}_", ".linky_") for key, entity_id in wanted.items()}
    house.require_same(wanted)

    forget(house, "all")
    left = [topic for topic in house.broker.retained(ALL) if "teleinfo" in topic or topic.startswith("maison")]
    require(not left, f"retained after everything was forgotten: {left}")
    wait_devices(house)
    house.quiet(but=TWICE)


@check("usual")
def reader_dead_at_a_restart(house):
    """A power cut ends reader and bridge, and only the bridge comes back: nothing says that the meter is read. Its
    event entities stay, whatever is away."""
    meter, wanted = house.meter("base")
    events = {key for key in house.ha.entities() if key.startswith(unique(meter, "event_"))}
    require(events, "no event entities")
    house.chain.kill("reader-base")
    house.chain.kill("bridge")
    house.wait("unavailable", {unique(meter, "overload"): unavailable, unique(meter, "tariff"): unavailable})
    house.chain.bridge()
    dead = {
        unique(meter, "reading"): is_("off"),
        unique(meter, "line"): is_("Reader not reachable"),
        unique(meter, "reception_cause"): lambda state: known(state) and "no trouble" not in state.lower(),
        unique(meter, "reception"): lambda state: state != "100" and state != "100.0",
        unique(meter, "overload"): unavailable,
    }
    house.wait("what is said of a dead reader", dead)
    found = house.ha.entities()
    seen = {key: found[key]["state"] for key in dead}
    say(f"{seen}")
    gone = {key for key in events for row in house.ha.history(found[key]["entity_id"]) if row["state"] == "unavailable"}
    require(not gone, f"event entities were unavailable: {gone}")
    house.chain.reader("base")
    house.wait("states", wanted | {unique(meter, "line"): is_("Reading")})
    house.quiet()
