"""What happens at a meter and must be seen in Home Assistant: events, entities that come and go, other names."""

from house import PATIENCE, check, is_, known, unique
from meters import METERS
from outage import access

from bench.report import require
from bench.wait import wait_for_all

TEMPO = METERS["tempo"][0]
STANDARD_TEMPO = METERS["tempo-three"][0]
BLUE_DAY = "2026-09-15"


@check("short")
def tempo_evening(house):
    """At 20:00 tomorrow's colour is announced, at 22:00 the tariff changes. All six energies of the contract can
    be chosen from the first day, also those that never counted."""
    house.chain.bridge()
    announced = f"--mode standard --contract tempo --phases 3 --start {BLUE_DAY}T19:58:30"
    house.chain.meter("announcement", STANDARD_TEMPO, announced)
    house.chain.meter("change", TEMPO, f"--mode historic --contract tempo --start {BLUE_DAY}T21:58:30 --index 4000000")
    day, night = unique(TEMPO, "energy_bbrhpjb"), unique(TEMPO, "energy_bbrhcjb")
    tomorrow = unique(STANDARD_TEMPO, "tempo_tomorrow")
    tariff = unique(TEMPO, "tariff")
    house.wait("before", {day: known, tomorrow: is_("Not announced"), tariff: is_("Blue peak (HP)")}, 80)
    indexes = [key for key in house.ha.entities() if key.startswith(unique(TEMPO, "energy_bbr"))]
    require(len(indexes) == 6, f"indexes: {indexes}")
    house.wait("after", {day: known, night: known, tomorrow: is_("Blue"), tariff: is_("Blue off-peak (HC)")}, 120)
    change = house.wait_event(TEMPO, "tariff_change")
    require((change["from"], change["to"]) == ("HPJB", "HCJB"), f"tariff change {change}")
    announcement = house.wait_event(STANDARD_TEMPO, "tempo_announcement")
    require(announcement["tomorrow"] == "blue", "another colour was announced")
    house.quiet()


@check("short")
def change_of_contract(house):
    """From Tempo to BASE: what no longer applies is removed, indexes that are over keep their entities."""
    house.chain.bridge()
    house.chain.meter("old", TEMPO, "--mode historic --contract tempo")
    same = [
        unique(TEMPO, key) for key in ("apparent_power", "current", "tariff", "contract", "overload", "energy_total")
    ]
    tempo = [unique(TEMPO, key) for key in ("tempo_today", "tempo_tomorrow")]
    house.wait("Tempo", dict.fromkeys([*same, *tempo[:1]], known))
    before = house.entity_ids()
    house.chain.unplug("old")
    house.chain.meter("new", TEMPO, "--mode historic --contract base --index 4000000")
    base = {unique(TEMPO, "energy_base"): known, unique(TEMPO, "tariff"): is_("All hours")}
    house.wait("BASE", dict.fromkeys(same, known) | base)
    house.wait_gone(*tempo)
    over = [key for key in before if "energy_bbr" in key]
    require(len(over) == 6, f"indexes of Tempo: {over}")
    house.wait("indexes that are over", dict.fromkeys(over, is_("unavailable")))
    after = house.entity_ids()
    require(all(before[key] == after[key] for key in [*same, *over]), "entities changed their id")
    change = house.wait_event(TEMPO, "contract_change")
    require((change["from"], change["to"]) == ("tempo", "base"), f"contract change {change}")
    require(len(house.ha.devices()) == 1, "a second device")
    left = [state["entity_id"] for state in house.ha.get("/api/states") if state["attributes"].get("restored")]
    require(not left, f"left over: {left}")
    house.quiet()


FRENCH = {
    "apparent_power": "Puissance apparente",
    "energy_base": "Énergie BASE",
    "tariff": "Tarif en cours",
    "overload": "Dépassement de puissance",
    "last_frame": "Dernière trame",
    "power_estimated": "Puissance estimée",
}


@check("usual", language="fr")
def french(house):
    """Home Assistant is French and the machine of the bridge English: names and readable values are French, also where
    Home Assistant starts later than the bridge; unique ids as ever."""
    house.chain.language = "auto"
    house.chain.options = access(house.chain, house.ha.token)
    meter, _ = house.meter("base")
    house.chain.running["bridge"].wait_said("la langue de Home Assistant")
    house.ha.stop()
    house.chain.stop("bridge")
    house.chain.bridge()
    house.chain.running["bridge"].wait_said("la langue de Home Assistant", times=2)
    house.ha.start()
    house.wait("tariff", {unique(meter, "tariff"): is_("Toutes heures"), unique(meter, "mode"): is_("Historique")})
    found = house.ha.entities()
    for key, name in FRENCH.items():
        entity = found[unique(meter, key)]
        require(entity["name"] == name, f"{key} is named {entity['name']}")
        shown = entity["attributes"]["friendly_name"]
        require(shown == f"Linky {name}", f"{key} is shown as {shown}")
    house.quiet()


@check("usual")
def overload(house):
    """ADPS comes and goes: on, off again, and never unavailable in between; each time with its events."""
    house.chain.bridge()
    house.chain.replay("adps", "syn-hist-adps-mono.tic")
    wait_for_all("the entity", lambda: None if overloads(house) else "not there", PATIENCE)
    ((unique_id, entity),) = overloads(house).items()

    def missing():
        seen = states_since_on(house, entity)
        return None if seen.count("on") >= 2 and seen.count("off") >= 2 else f"overload went {seen}"

    wait_for_all("overload", missing, 30)
    seen = states_since_on(house, entity)
    require(not {"unavailable", "unknown"} & set(seen), f"overload went {seen}")
    meter = unique_id.split("_")[1]
    for kind in ("overload_begin", "overload_end"):
        house.wait_event(meter, kind)
    house.quiet()


def overloads(house):
    return {unique_id: entity for unique_id, entity in house.ha.entities().items() if unique_id.endswith("_overload")}


def states_since_on(house, entity):
    seen = [row["state"] for row in house.ha.history(entity["entity_id"])]
    return seen[seen.index("on") :] if "on" in seen else []
