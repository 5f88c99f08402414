"""Home Assistant's own integrations of a HomeWizard P1 and of a Shelly Pro 3EM, which take the bridge for one."""

import contextlib
import json
import time
import urllib.request

from house import check, known

from bench.broker import Listener
from bench.process import call
from bench.report import require, say
from bench.wait import wait_for, wait_for_all

METER = "900061000120"
# A house that always draws something: a 0 would be nobody's power.
OPTIONS = "--mode standard --contract base --power 9 --seed 3"
SERIAL = METER[2:]
# integration: where the meter answers, what its owner writes into the forms, and how the unique id of its power ends.
METERS = {
    "shelly": ("127.0.0.3", {"host": "127.0.0.3", "port": 80}, "-em:0-total_act_power"),
    "homewizard": ("127.0.0.2", {"ip_address": "127.0.0.2"}, "_active_power_w"),
}
ASKED = "http://127.0.0.3/rpc/EM.GetStatus?id=0"
# A meter has a value for five seconds. Then a Shelly says at once that there is none; a P1 is asked each 5 s, and asked
# again for some seconds before Home Assistant believes it.
NO_VALUE = {"shelly": 5 + 1, "homewizard": 5 + 5 + 8}
# What VA are in W is learnt from frame to frame: a power may be worked out just before or just after that.
NEAR = 0.01


@check("short")
def grid_meters(house):
    """They show the power that MQTT clients are told. Without a reader they show none in time, and never 0."""
    # Home Assistant looks for a Shelly by multicast before it asks for an address.
    call("ip", "route", "add", "224.0.0.0/4", "dev", "lo")
    listener = Listener(house.directory).start()
    house.ends.callback(listener.close)
    house.chain.grid_meters = [
        {"protocol": protocol, "meters": [METER], "listen": f"{address}:80"}
        for protocol, (address, _, _) in METERS.items()
    ]
    house.chain.bridge()
    house.chain.meter("grid", METER, OPTIONS)
    wait_for("a power", lambda: said(listener), 30)
    # What a reader held while it met the bridge is no value to steer by.
    wait_for("the grid meter has a power", answers, 30)
    for integration, (_, form, _) in METERS.items():
        house.ha.set_up(integration, form)
    entities = {integration: power_of(house, integration) for integration in METERS}
    wait_for_powers(house, entities, known, 20)
    time.sleep(12)
    house.chain.running["reader-grid"].freeze()
    frozen = time.monotonic()
    for integration, entity in entities.items():
        left = NO_VALUE[integration] - (time.monotonic() - frozen)
        wait_for_powers(house, {integration: entity}, lambda state: not known(state), left)
        say(f"{integration}: no value {time.monotonic() - frozen:.1f} s after the reader was frozen")
    house.chain.running["reader-grid"].thaw()
    wait_for_powers(house, entities, known, 20)
    told = said(listener)
    for integration, entity in entities.items():
        shown = [float(row["state"]) for row in house.ha.history(entity) if known(row["state"])]
        wrong = [power for power in shown if not any(abs(power - one) <= max(2, abs(one) * NEAR) for one in told)]
        say(f"{integration}: {len(shown)} powers, from {min(shown)} to {max(shown)} W")
        require(len(shown) >= 3 and not wrong, f"{integration} shows {wrong} of {shown}, told was {told}")
    house.quiet(but=r"homewizard.*(Error fetching|outdated firmware)")


def answers():
    with contextlib.suppress(OSError), urllib.request.urlopen(ASKED, timeout=5) as answer:
        return answer.status == 200
    return False


def power_of(house, integration):
    """The entity of its total power, in W, once it is there."""

    def find():
        registry = house.ha.ask({"type": "config/entity_registry/list"})
        end = METERS[integration][2]
        ours = [entry for entry in registry if entry["platform"] == integration and entry["unique_id"].endswith(end)]
        return ours[0] if ours else None

    entry = wait_for(f"{integration}'s power", find, 30)
    require(SERIAL.lower() in entry["unique_id"].lower(), f"{integration}: {entry['unique_id']}")
    return entry["entity_id"]


def wait_for_powers(house, entities, wanted, patience):
    def wrong():
        states = {integration: state(house, entity) for integration, entity in entities.items()}
        return {integration: found for integration, found in states.items() if not wanted(found)}

    wait_for_all("powers", wrong, patience)


def state(house, entity):
    return house.ha.get(f"/api/states/{entity}")["state"]


def said(listener):
    """The powers that MQTT clients were told, in W."""
    topic = f"teleinfo/{METER}/power ".encode()
    lines = [line for _, line in list(listener.messages.lines) if line.startswith(topic)]
    return [json.loads(line.removeprefix(topic))["power"] for line in lines]
