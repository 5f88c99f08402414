"""Home Assistant's own integrations of a HomeWizard P1 and of a Shelly Pro 3EM, which take the bridge for one."""

import contextlib
import json
import time
import urllib.request

from house import PATIENCE, check, known
from older import lacks

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
QUESTIONS = {"shelly": "http://127.0.0.3/rpc/EM.GetStatus?id=0", "homewizard": "http://127.0.0.2/api/v1/data"}
# A meter has a value for so long; what was on its way when the reader was frozen may come a little later.
VALUE, ON_ITS_WAY = 5, 0.5
# A Shelly says at once that there is none. A P1 is asked each 5 s, and asked again before Home Assistant believes it:
# three times by now, five times in 2024, after a random time of at most 1 s, then 2 s, then 4 s and so on.
ASKED_EACH, TIMES, TIMES_IN_2024 = 5, 3, 5
# What Home Assistant takes besides, on a machine that does other things.
BUSY = 10
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
    wait_for("the grid meters have a power", lambda: all(map(answers, METERS)), 30)
    for integration, (_, form, _) in METERS.items():
        house.ha.set_up(integration, form)
    entities = {integration: power_of(house, integration) for integration in METERS}
    few = lambda: [integration for integration, entity in entities.items() if len(shown(house, entity)) < 3]  # noqa: E731
    wait_for_all("some powers of each", few, PATIENCE)

    house.chain.running["reader-grid"].freeze()
    frozen = time.monotonic()
    nothing_old_is_served(frozen)
    for integration, entity in entities.items():
        left = believed_after(house, integration) + BUSY - (time.monotonic() - frozen)
        wait_for_powers(house, {integration: entity}, lambda state: not known(state), left)
        say(f"{integration}: no value {time.monotonic() - frozen:.1f} s after the reader was frozen")
    house.chain.running["reader-grid"].thaw()
    wait_for_powers(house, entities, known, PATIENCE)

    for integration, entity in entities.items():
        powers = shown(house, entity)
        say(f"{integration}: {len(powers)} powers, from {min(powers)} to {max(powers)} W")
        wait_for_all(f"what {integration} shows was told", lambda powers=powers: not_told(listener, powers), PATIENCE)
    house.quiet(but=r"homewizard.*(Error fetching|outdated firmware)")


def nothing_old_is_served(frozen):
    """Until neither grid meter has a value. Whatever is asked for later than a value may live gets none."""
    serving = set(METERS)
    while serving:
        began = time.monotonic()
        serving = set(filter(answers, serving))
        is_late = began - frozen > VALUE + ON_ITS_WAY
        require(not (serving and is_late), f"{serving}: a value {began - frozen:.1f} s after the reader was frozen")
        time.sleep(0.1)
    say(f"the bridge serves no value {time.monotonic() - frozen:.1f} s after the reader was frozen")


def believed_after(house, integration):
    """When Home Assistant knows at the latest that there is no value, in s."""
    if integration == "shelly":
        return VALUE
    times = TIMES_IN_2024 if lacks(house.ha, "a silent P1 is soon believed") else TIMES
    return VALUE + ASKED_EACH + sum(2**again for again in range(times - 1))


def shown(house, entity):
    """All powers that Home Assistant has had, in W."""
    return [float(row["state"]) for row in house.ha.history(entity) if known(row["state"])]


def not_told(listener, powers):
    told = said(listener)
    return [power for power in powers if not any(abs(power - one) <= max(2, abs(one) * NEAR) for one in told)]


def answers(integration):
    """Whether this grid meter has a value."""
    with contextlib.suppress(OSError), urllib.request.urlopen(QUESTIONS[integration], timeout=5) as answer:
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
