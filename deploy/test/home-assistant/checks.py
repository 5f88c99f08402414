"""What must hold on an ordinary day, and after the restarts that come with it."""

from house import check, is_, known, unavailable, unique
from meters import ABOUT_READING, MAY_BE_UNKNOWN, METERS

from bench import twin
from bench.report import require, say

# Seconds in which a twin has told Home Assistant of more energy.
GOES_ON = 90


@check("short")
def contracts(house):
    """Every contract: entities, states, classes and units; the Energy dashboard. The bridge is as it is shipped."""
    house.chain.pace = None
    house.chain.bridge()
    for name, (meter, options, _) in METERS.items():
        house.chain.meter(name, meter, options)
    wanted = [unique(meter, key) for meter, _, keys in METERS.values() for key in keys if key not in MAY_BE_UNKNOWN]
    house.wait("states", dict.fromkeys(wanted, known), 120)
    found = house.ha.entities()
    for name, (meter, _, keys) in METERS.items():
        for key, kind in keys.items():
            entity = found[unique(meter, key)]
            about = (entity["attributes"].get(key) for key in ("device_class", "unit_of_measurement"))
            seen = (entity["entity_id"].split(".")[0], *about)
            require(seen == kind, f"{name}: {key} is {seen}, expected {kind}")
    shown = [key for key, entity in found.items() if not entity["disabled"]]
    # A power is told as it comes, not with the rest.
    house.wait("every state", {key: known for key in shown if key.split("_", 2)[2] not in MAY_BE_UNKNOWN}, 15)
    require(len(house.ha.devices()) == len(METERS), "one device per meter")
    energy_dashboard(house.ha, found)
    house.quiet()
    say(f"{len(found)} entities of {len(METERS)} meters")


def energy_dashboard(ha, found):
    """The dashboard takes the indexes and the estimated power."""
    ends = ("energy_base", "energy_total")
    save_sources(ha, [entity["entity_id"] for unique_id, entity in sorted(found.items()) if unique_id.endswith(ends)])
    issues = ha.ask({"type": "energy/validate"})
    # Statistics come every five minutes; until then the dashboard says that they are not there yet.
    early = {"statistics_not_defined", "recorder_untracked"}
    serious = [issue for group in issues["energy_sources"] for issue in group if issue["type"] not in early]
    require(not serious, f"Energy dashboard: {serious}")
    watts = [entity for unique_id, entity in found.items() if unique_id.endswith("_power_estimated")]
    require(watts and all(entity["attributes"].get("device_class") == "power" for entity in watts), "no power in W")


def save_sources(ha, entity_ids):
    """Makes these the grid's consumption."""
    return save_sources_with(ha, dict.fromkeys(entity_ids, {}))


def save_sources_with(ha, prices):
    """The same with what their prices are. In 2024 all were one source, now each is one."""
    if ha.is_before("2026"):
        nothing = dict.fromkeys(("stat_cost", "entity_energy_price", "number_energy_price"))
        flows = [{"stat_energy_from": entity_id, **nothing, **own} for entity_id, own in prices.items()]
        sources = [{"type": "grid", "flow_from": flows, "flow_to": [], "cost_adjustment_day": 0}]
    else:
        sources = [grid(entity_id, **own) for entity_id, own in prices.items()]
    return ha.ask({"type": "energy/save_prefs", "energy_sources": sources, "device_consumption": []})


def grid(entity_id, **other):
    """A source of the Energy dashboard as recent versions want it."""
    nothing = dict.fromkeys(
        (
            "stat_energy_to",
            "stat_cost",
            "stat_compensation",
            "entity_energy_price",
            "number_energy_price",
            "entity_energy_price_export",
            "number_energy_price_export",
        )
    )
    return {"type": "grid", "stat_energy_from": entity_id, "cost_adjustment_day": 0, **nothing, **other}


@check("short")
def restart_of_home_assistant(house):
    """All is known again soon after Home Assistant has started."""
    _, wanted = house.meter("consumer")
    before = house.entity_ids()
    house.ha.restart()
    house.wait("states after the restart", wanted, 40)
    house.require_same(before)
    house.quiet()


@check("short")
def broker_without_memory(house):
    """A broker that forgot everything is told again."""
    _, wanted = house.meter("consumer")
    house.broker.stop()
    house.broker.forget()
    house.wait("unavailable", dict.fromkeys(wanted, unavailable))
    house.broker.start()
    house.wait("states after the broker's return", wanted)
    house.ha.restart()
    house.wait("states after a restart of both", wanted)


@check("short")
def bridge_killed(house):
    """The last will makes the entities unavailable, a new bridge brings them back. A twin goes on at once."""
    meter, wanted = house.meter("base")
    energy = unique(meter, "energy_base")
    before = float(house.ha.entities()[energy]["state"])
    house.chain.kill("bridge")
    if twin.is_on():
        house.wait("the twin counts", {energy: lambda state: known(state) and float(state) > before}, GOES_ON)
    else:
        house.wait("unavailable", dict.fromkeys(wanted, unavailable))
    house.chain.bridge()
    house.wait("states", wanted)
    house.quiet()


@check("usual")
def reader_unplugged(house):
    """Without its reader a meter is unavailable; what says so, and why, is not."""
    meter, wanted = house.meter("base")
    house.chain.stop("reader-base")
    about = {unique(meter, key) for key in ABOUT_READING}
    without = {key: known if key in about else unavailable for key in wanted}
    house.wait("unavailable", without | {unique(meter, "reading"): is_("off")})
    house.wait("the cause", {unique(meter, "line"): is_("Reader not reachable")})
    house.chain.reader("base")
    house.wait("states", wanted | {unique(meter, "line"): is_("Reading")})
    house.quiet()


@check("usual")
def meter_unplugged(house):
    """A reader whose adapter is gone says so, where one looks when the meter is unavailable."""
    meter, wanted = house.meter("base")
    house.chain.kill("meter-base")
    wanted = {unique(meter, "line"): is_("No serial device"), unique(meter, "overload"): unavailable}
    wanted[unique(meter, "reception_cause")] = lambda state: "serial device is missing" in state
    house.wait("the cause", wanted)
    house.quiet()


@check("usual")
def clean_stop(house):
    """A bridge that is stopped says so at once."""
    _, wanted = house.meter("base")
    house.chain.stop("bridge")
    house.wait("unavailable", dict.fromkeys(wanted, unavailable), 5)


@check("usual")
def change_of_mode(house):
    """From historic to standard under one device: power and current stay the same entities, indexes are exchanged."""
    meter, options, _ = METERS["base"]
    house.chain.bridge()
    house.chain.meter("base", meter, options + " --switch-after 25")
    same = [unique(meter, key) for key in ("apparent_power", "current", "tariff", "overload", "subscribed_power")]
    house.wait("historic", dict.fromkeys([*same, unique(meter, "energy_base")], known), 20)
    before = house.entity_ids()
    new = dict.fromkeys([unique(meter, "energy_total"), unique(meter, "voltage")], known)
    new[unique(meter, "mode")] = is_("Standard")
    house.wait("standard", dict.fromkeys(same, known) | new)
    house.wait("the index that is over", {unique(meter, "energy_base"): is_("unavailable")})
    now = house.entity_ids()
    require(all(before[key] == now[key] for key in same), "entities changed their id")
    require(len(house.ha.devices()) == 1, "a second device")
    house.wait_event(meter, "mode_change")
    house.quiet()
