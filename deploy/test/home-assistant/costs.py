"""The costs of hours whose energy was corrected, in Home Assistant's own statistics.

Nothing has to pass here: the hours are put into the statistics as they stand after the energy of a gap was corrected,
and the bridge finds the note of a repair that an earlier bridge has left. Three energies have a cost each: of a fixed
price, of a price that an entity told, and one that is a statistic of its own.
"""

import json
import time
import zlib

from checks import save_sources_with
from house import check
from outage import access
from server import at

from bench.report import require, say
from bench.wait import wait_for

HOUR = 3600
FIXED, PRICED, OWN = "sensor.fixed", "sensor.priced", "sensor.own"
PRICE, OWN_COST = "sensor.price", "sensor.money"
# In each hour of the gap the same was drawn. The fourth is that of the return, which has the cost of all.
KWH, EUR = 0.3, 0.2
PRICES = [0.1, 0.1, 0.3, 0.5]
FOUND = 180
NEAR = 0.005


@check("usual")
def costs_of_corrected_hours(house):
    """Each hour at its price, in the unit of its statistic; a second bridge with the same note changes nothing."""
    ha, chain = house.ha, house.chain
    chain.options = access(chain, ha.token)
    first = int(time.time()) // HOUR * HOUR - 8 * HOUR
    for energy in FIXED, PRICED, OWN:
        attributes = {"device_class": "energy", "state_class": "total_increasing", "unit_of_measurement": "kWh"}
        ha.post(f"/api/states/{energy}", {"state": "100", "attributes": attributes})
    ha.post(f"/api/states/{PRICE}", {"state": "9", "attributes": {"unit_of_measurement": "EUR/kWh"}})
    prices = {FIXED: {"number_energy_price": EUR}, PRICED: {"entity_energy_price": PRICE}, OWN: {"stat_cost": OWN_COST}}
    save_sources_with(ha, prices)
    wait_for("cost entities", lambda: len(ha.ask({"type": "energy/info"})["cost_sensors"]) >= 2, 30, 1)
    costs = ha.ask({"type": "energy/info"})["cost_sensors"] | {OWN: OWN_COST}
    for energy, cost in costs.items():
        ha.import_rows(energy, ("kWh", "energy"), {first + n * HOUR: {"sum": KWH * (n + 2)} for n in range(-1, 4)})
        at_return = KWH * 4 * (PRICES[3] if energy == PRICED else EUR)
        ha.import_rows(cost, ("EUR", None), {first - HOUR: {"sum": 5}, first + 3 * HOUR: {"sum": 5 + at_return}})
    means = {first + n * HOUR: {"mean": price, "min": price, "max": price} for n, price in enumerate(PRICES)}
    ha.import_rows(PRICE, ("EUR/kWh", None), means, mean=True)
    wait_for("the rows", lambda: all(len(sums(ha, cost, first)) == 2 for cost in costs.values()), 30, 1)

    for number in 1, 2:
        note(chain, costs, first, first + 3 * HOUR)
        chain.bridge()
        wait_for("the note is done with", lambda: not noted(chain), FOUND, 1)
        time.sleep(5)
        for energy, cost in costs.items():
            each = PRICES if energy == PRICED else [EUR] * 4
            expected = [5 + KWH * sum(each[:n]) for n in range(5)]
            found = sums(ha, cost, first)
            say(f"{number}: {cost}: {found}")
            near = all(abs(one - other) < NEAR for one, other in zip(found, expected, strict=True))
            require(near, f"{cost}: {found} instead of {expected}")
            require(unit(ha, cost) == "EUR" and unit(ha, energy) == "kWh", "another unit")
        chain.stop("bridge")
    house.quiet()


def note(chain, energies, first, back):
    """What a bridge has noted of corrected hours."""
    records = [{"energy": energy, "first": first, "back": back, "adjustments": {}} for energy in energies]
    texts = [json.dumps(record) for record in records]
    lines = [f"\n{zlib.crc32(text.encode()):08x} {text}\n" for text in texts]
    state(chain).parent.mkdir(exist_ok=True)
    state(chain).write_text("".join(lines))


def noted(chain):
    return state(chain).exists()


def state(chain):
    return chain.directory / "bridge-state" / "statistics.state"


def sums(ha, statistic, first):
    """The sums from the hour before the gap to that of the return, oldest first."""
    command = {"type": "recorder/statistics_during_period", "period": "hour", "types": ["sum"]}
    period = {"start_time": at(first - HOUR), "end_time": at(first + 4 * HOUR)}
    found = ha.ask(command | period | {"statistic_ids": [statistic]})
    return [row["sum"] for row in found.get(statistic, [])]


def unit(ha, statistic):
    found = ha.ask({"type": "recorder/list_statistic_ids"})
    return next(row["statistics_unit_of_measurement"] for row in found if row["statistic_id"] == statistic)
