"""What Home Assistant must not take for news: what a meter did while nobody listened."""

import itertools
import shutil

from energy import YOUNG, come_back, require_right
from hours import BEGINS, DAY, HOUR, Hours
from house import PATIENCE, check, known, unique

from bench.clock import set_clock
from bench.report import require, say
from bench.wait import wait_for

METER = "900061000900"
NOON = 11 * HOUR + BEGINS
ALARMS = "overload_begin", "overload_end"
# As docs/home-assistant.md tells to set it.
HELPER = {
    "name": "Helper",
    "cycle": "none",
    "offset": 0,
    "tariffs": [],
    "net_consumption": False,
    "delta_values": False,
    "periodically_resetting": False,
    "always_available": False,
}


@check("usual", moving=True)
def old_news(house):
    """A bridge in a container is killed, and what it kept in memory is gone. A helper counts what was drawn meanwhile
    once, and alarms that came and went are no events of now."""
    hours, chain = Hours(house), house.chain
    # At this time of day such a small contract is exceeded every two minutes, by the water heater.
    set_clock(house.clock, hours.now() // DAY * DAY + NOON)
    # The statistics of the hours until then are made before there is a meter: Home Assistant of 2024 would take its
    # first state for all of them, and count it.
    hours.compile()
    chain.bridge()
    meter = hours.meter("alarms", METER, f"--mode historic --contract hc --power 1 {YOUNG}")
    house.wait("the total", {unique(METER, "energy_total"): known}, PATIENCE)
    hours.play()
    hours.speak()
    helper, begun = utility_meter(house.ha, total(house)["entity_id"]), wh(total(house))
    hours.pass_on()
    missed = 0
    for _ in range(3):
        hours.speak()
        chain.kill("bridge")
        shutil.rmtree(chain.directory / "bridge-run")
        heard = len(meter.frames)
        meter.thaw()
        hours.speak()
        unheard = len(meter.frames)
        missed += alarms(meter, heard, unheard)
        before = told(house)
        come_back(hours)
        meter.update()
        # The difference between what was told last and what is now is an event, and each change since.
        most = alarms(meter, unheard, len(meter.frames)) + 1
        require(told(house) - before <= most, f"{told(house) - before} alarms were told, of at most {most}")
        hours.pass_on()
    hours.play()
    hours.speak()
    say(f"{told(house)} alarms were told, {missed} came or went unheard")
    require(missed > 3, "hardly an alarm came or went unheard")
    back = [pair for pair in itertools.pairwise(shown(house)) if pair[1] < pair[0]]
    require(not back, f"the total went back: {back}")
    counted, drawn = wh(house.ha.get(f"/api/states/{helper}")), wh(total(house)) - begun
    require(abs(counted - drawn) <= 1, f"the helper counted {counted} Wh, {drawn} Wh were drawn")
    hours.pass_on()
    require_right(hours)
    house.quiet()


def alarms(meter, first, end):
    """How often an alarm came or went between two frames."""
    is_on = ["ADPS" in labels for _, labels in meter.frames[first - 1 : end]]
    return sum(one != other for one, other in itertools.pairwise(is_on))


def told(house):
    """How many alarms Home Assistant was told of."""
    return sum(event["event_type"] in ALARMS for event in house.events(METER))


def total(house):
    return house.ha.entities()[unique(METER, "energy_total")]


def shown(house):
    """All that Home Assistant was shown of the total, in Wh."""
    return [wh(row) for row in house.ha.history(total(house)["entity_id"]) if known(row["state"])]


def wh(entity):
    """What an entity in kWh shows."""
    return round(float(entity["state"]) * 1000)


def utility_meter(ha, source):
    """A helper that counts what this entity shows; its entity id."""
    flow = "/api/config/config_entries/flow"
    step = ha.post(flow, {"handler": "utility_meter", "show_advanced_options": True})
    known_to_it = {field["name"] for field in step["data_schema"]}
    form = {key: value for key, value in (HELPER | {"source": source}).items() if key in known_to_it}
    done = ha.post(f"{flow}/{step['flow_id']}", form)
    require(done["type"] == "create_entry", f"no helper: {done}")

    def found():
        registry = ha.ask({"type": "config/entity_registry/list"})
        return [entry["entity_id"] for entry in registry if entry["platform"] == "utility_meter"]

    return wait_for("the helper", found, PATIENCE)[0]
