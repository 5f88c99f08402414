"""What energy costs, as the bridge counts it, beside what Home Assistant makes of the bridge's own price."""

from checks import save_sources_with
from hours import HOUR, Hours
from house import check, known, unique

from bench.clock import set_clock
from bench.report import require, say
from bench.wait import wait_for

METER = "900061000110"
# Off-peak hours of this house begin at 12:30, legal time.
OPTIONS = "--mode historic --contract hc --seed 1 --power 9"
BEGINS = 11 * HOUR + 15 * 60
PRICES = {"kwh": {"HC": 1.589, "HP": 2.142}}
SHOWN = "price", "cost_total", "cost_today", "cost_month"
CENT = 0.01


@check("usual", moving=True)
def costs_of_the_bridge(house):
    """Through a change of tariff, a clean stop and a kill, the bridge's cost is Home Assistant's, to the cent."""
    set_clock(house.clock, noon(house))
    hours, chain = Hours(house), house.chain
    # Ten times what a kWh costs: some minutes of a house are some cents.
    chain.prices = {"2026-01-01": PRICES}
    chain.bridge()
    meter = hours.meter("priced", METER, OPTIONS)
    house.wait("prices", {unique(METER, key): known for key in SHOWN}, 120)
    found = house.entity_ids()
    energy = found[unique(METER, "energy_total")]
    save_sources_with(house.ha, {energy: {"entity_energy_price": found[unique(METER, "price")]}})
    theirs = wait_for("the cost entity", lambda: house.ha.ask({"type": "energy/info"})["cost_sensors"].get(energy), 60)
    wait_for("its state", lambda: known(state(house, theirs)), 60)
    begun = [float(state(house, entity)) for entity in (theirs, found[unique(METER, "cost_total")])]
    for act in None, chain.stop, None, chain.kill, None:
        hours.speak()
        if act:
            act("bridge")
            chain.bridge()
        hours.pass_on()
    hours.speak()
    seen = set(told(house, found[unique(METER, "price")]))
    ends = [float(told(house, entity)[-1]) for entity in (theirs, found[unique(METER, "cost_total")])]
    their_eur, our_eur = (end - begin for begin, end in zip(begun, ends, strict=True))
    say(f"{meter.update().drawn} Wh at {sorted(seen)} EUR/kWh: {our_eur:.4f} EUR, Home Assistant says {their_eur:.4f}")
    require(len(seen) == 2, f"the price was {seen}")
    require(their_eur > 10 * CENT, "hardly anything was drawn")
    require(abs(their_eur - our_eur) < CENT, f"the bridge counted {our_eur} EUR, Home Assistant {their_eur}")
    house.quiet()


def noon(house):
    """Tomorrow, some minutes before off-peak hours begin."""
    now = Hours(house).now()
    return now // (24 * HOUR) * 24 * HOUR + BEGINS


def told(house, entity):
    """What an entity has shown since the start. A meter that does not speak is unavailable after some seconds."""
    return [row["state"] for row in house.ha.history(entity) if known(row["state"])]


def state(house, entity):
    return house.ha.get(f"/api/states/{entity}")["state"]
