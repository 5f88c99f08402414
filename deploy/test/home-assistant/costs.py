"""Costs after an outage: the cost of each hour follows the energy that was corrected in it.

The outage is that of `outage.py`, and ends shortly before a full hour: costs are corrected once the hour of the return
is over. One energy has a fixed price, another that of an entity, which is lower during the outage than at the return.
What is right is the energy of each hour, as Home Assistant shows it in the end, at the price of that hour.
"""

import time

from checks import save_sources_with
from house import check, known, unique
from outage import HOUR, HOURS, METER, OFFSET, access, clock, corrections, index_at, indexes, meanwhile, start_meter

from bench.report import require, say
from bench.wait import wait_for

FIXED = 0.2
PRICE = "sensor.price_of_the_hour"
DURING, RETURN = 0.1, 0.3
# A cent, and what the energy of an hour may be off.
RIGHT = 0.01
# The return is at this minute of its hour, and the programs need some time to start.
MINUTE = 55
SETTLED = 1500


@check("long", offset=OFFSET)
def costs_after_an_outage(house):
    """Each hour within a cent of its energy at its price; a second look finds nothing to do."""
    chain, ha = house.chain, house.ha
    hour = (int(time.time()) + OFFSET) // HOUR * HOUR + HOUR
    chain.options = access(chain, ha.token)
    state = chain.directory / "state"
    state.mkdir()
    chain.environment = clock(OFFSET) | {"STATE_DIRECTORY": str(state)}
    chain.bridge()
    start_meter(chain, "before", 100_000)
    energies = [unique(METER, key) for key in ("energy_base", "energy_total")]
    house.wait("states", dict.fromkeys(energies, known))
    fixed, priced = (house.entity_ids()[energy] for energy in energies)
    price(ha, DURING)
    save_sources_with(ha, {fixed: {"number_energy_price": FIXED}, priced: {"entity_energy_price": PRICE}})
    # The first rows of the costs are those of the hour before the outage.
    time.sleep(max(0, hour + 45 - time.time() - OFFSET))
    costs = ha.ask({"type": "energy/info"})["cost_sensors"]
    say(costs)
    chain.stop("bridge")
    chain.unplug("before")
    chain.stop("stamp")
    before = indexes(chain, "before")

    begun = int(time.time()) + OFFSET
    meanwhile(house, before[-1][1], begun, minute=MINUTE)
    truth = indexes(chain, "meanwhile")
    say(f"{truth[-1][1] - truth[0][1]} Wh in {truth[-1][0] - truth[0][0]:.0f} s")
    offset = int(truth[-1][0]) + 60 - int(time.time())
    chain.environment |= clock(offset)
    start_meter(chain, "after", truth[-1][1])
    ha.restart(offset)
    price(ha, RETURN)
    chain.bridge()
    house.wait("states", dict.fromkeys(energies, known))
    wait_for("a correction", lambda: corrections(chain), SETTLED, 1)
    wait_for("both costs", lambda: chain.said("bridge").count("follows their energy") >= 2, SETTLED, 1)
    time.sleep(5)
    back = hour + HOURS * HOUR
    for energy, price_of in (fixed, lambda _: FIXED), (priced, lambda start: DURING if start < back else None):
        require_priced(ha, energy, costs[energy], hour, back, price_of)
    index = index_at(truth, hour + HOUR)
    say(f"index at the end of the first hour: {index}")
    refused = ha.complaints(r"components\.(websocket_api|recorder|energy)")
    require(not refused, f"Home Assistant refused: {refused}")
    rows = [ha.hourly(cost, hour - HOUR) for cost in costs.values()]
    chain.stop("bridge")
    chain.bridge()
    time.sleep(140)
    again = [ha.hourly(cost, hour - HOUR) for cost in costs.values()]
    same = all(new[start] == row for old, new in zip(rows, again, strict=True) for start, row in old.items())
    require(same, "costs changed again")


def require_priced(ha, energy, cost, hour, back, price_of):
    energies, costs = ha.hourly(energy, hour - HOUR), ha.hourly(cost, hour - HOUR)
    say(f"{energy}: {energies}; {cost}: {costs}")
    for start in range(hour, back + HOUR, HOUR):
        wh = energies[start]["sum"] - energies[start - HOUR]["sum"]
        money = costs[start]["sum"] - costs[start - HOUR]["sum"]
        expected = price_of(start)
        # In the hour of the return the price changed: anything between the two is right.
        low, high = (expected, expected) if expected else (DURING, RETURN)
        right = low * wh / 1000 - RIGHT <= money <= high * wh / 1000 + RIGHT
        require(right, f"{cost}, {start}: {money} for {wh} Wh")


def price(ha, euros):
    attributes = {"unit_of_measurement": "EUR/kWh"}
    ha.post(f"/api/states/{PRICE}", {"state": str(euros), "attributes": attributes})
