"""Whole hours of a meter that nobody hears, and what Home Assistant must have of each of them in the end: its energy,
and the cost of it at the price that held in that hour.

The hours pass as in `hours.py`, but here the meters speak twice in each: after its begin, and before its end, so that
a reader has an index on either side of each full hour. A price holds from the first second of its hour. One energy
has a fixed price, the other that of an entity.
"""

from checks import save_sources_with
from energy import CONTINUED, PAST, come_back, drawn, faults, name, require_right
from hours import HOUR, Hours
from house import PATIENCE, check, known, unavailable, unique
from outage import access

from bench.clock import set_clock
from bench.process import call
from bench.programs import ZENOH
from bench.report import Failure, say
from bench.wait import wait_for, wait_for_all

# What a kWh costs (EUR): a Wh that is counted in another hour is more than half a cent.
FIXED, PRICE = 6.0, "input_number.price"
PRICES = 5.0, 9.0, 7.0, 2.0, 8.0
CENT = 0.01
# Meters in such a hurry move on between the snapshots of two minutes, so each of their frames must still be held.
HELD = 4_194_304
# The meters begin to speak so many seconds after the begin of an hour, and before its end.
AFTER, BEFORE = 400, 40
FIXED_METER, PRICED_METER = "900061000800", "900061000801"


@check("usual", moving=True)
def costs_of_unheard_hours(house):
    """First the bridge is away over whole hours, then the network of the readers. What was drawn meanwhile is moved to
    its hours, and what it cost as well."""
    hours, chain = PricedHours(house), house.chain
    chain.options, chain.held = access(chain, house.ha.token), HELD
    chain.bridge()
    hours.meter("fixed", FIXED_METER, f"--mode historic --contract hc {PAST}")
    hours.meter("priced", PRICED_METER, f"--mode standard --contract hc {PAST}")
    hours.give_prices()
    hours.play(2)

    hours.speak()
    chain.stop("bridge")
    hours.play_unheard()
    come_back(hours)
    require_repaired(hours)

    hours.speak()
    network("-A")
    hours.play_unheard()
    house.wait("nobody is heard", dict.fromkeys(hours.totals(), unavailable), PATIENCE)
    network("-D")
    hours.speak_until("heard again", dict.fromkeys(hours.totals(), known))
    require_repaired(hours)
    house.quiet()


def network(act):
    """Cuts what the readers send and get, in silence, or heals it."""
    for port in "--dport", "--sport":
        call("iptables", act, "INPUT", "-p", "tcp", port, ZENOH, "-j", "DROP")


def require_repaired(hours):
    """Goes on until the hour of the return is over, and then waits for the repair."""
    hours.pass_on()
    hours.play()

    def wrong():
        return [fault for meter in hours.meters for fault in faults(hours, meter)] + list(cost_faults(hours))

    wait_for_all("energy and costs are repaired", wrong, CONTINUED, 20)
    require_right(hours)
    for meter in hours.meters:
        say(f"{meter.name} cost {[round(eur, 3) for eur in hours.costs_of(meter).values()]} EUR")


def cost_faults(hours):
    """What Home Assistant has for an hour, where the energy of that hour cost otherwise."""
    for meter in hours.meters:
        found, price = hours.costs_of(meter), hours.price_of(meter)
        right = {hour: wh / 1000 * price(hour) for hour, wh in drawn(meter).items()}
        for hour in sorted(right.keys() | found.keys()):
            has, eur = found.get(hour, 0), right.get(hour, 0)
            # The cost begins in the midst of its first hour.
            if hour != meter.first and abs(has - eur) > CENT:
                yield f"{meter.name}: {has:.3f} EUR in hour {name(hour)} instead of {eur:.3f}"


class PricedHours(Hours):
    """Hours with a price each."""

    def __init__(self, house):
        super().__init__(house)
        self.prices = {}
        set_clock(house.clock, self.hour() + HOUR + AFTER)
        self.set_price()

    def give_prices(self):
        """The Energy dashboard is told what both energies cost."""
        self.house.wait("totals", dict.fromkeys(self.totals(), known), PATIENCE)
        prices = {"number_energy_price": FIXED}, {"entity_energy_price": PRICE}
        energies = map(self.energy_of, self.meters)
        save_sources_with(self.house.ha, dict(zip(energies, prices, strict=True)))

        wait_for("cost entities", lambda: len(self.cost_entities()) == len(self.meters), PATIENCE)

    def totals(self):
        return [unique(meter.address, "energy_total") for meter in self.meters]

    def energy_of(self, meter):
        return self.house.entity_ids()[unique(meter.address, "energy_total")]

    def cost_entities(self):
        """By the entity of their energy."""
        return self.house.ha.ask({"type": "energy/info"})["cost_sensors"]

    def costs_of(self, meter):
        """What the statistics have for each hour."""
        return self.changes(self.cost_entities()[self.energy_of(meter)])

    def price_of(self, meter):
        return self.prices.__getitem__ if meter.address == PRICED_METER else lambda hour: FIXED

    def set_price(self):
        price = PRICES[len(self.prices) % len(PRICES)]
        self.prices[self.hour()] = price
        self.house.ha.post("/api/services/input_number/set_value", {"entity_id": PRICE, "value": price})

    def pass_on(self):
        """On to the next hour, at the end of which nobody speaks; its price is there before anybody does."""
        hour = self.hour()
        self.speak_at(hour + HOUR - BEFORE)
        if self.hour() != hour:
            raise Failure("this machine is too slow: the meters spoke beyond the end of an hour")
        for meter in self.meters:
            meter.marks[hour] = meter.update().drawn
        set_clock(self.house.clock, hour + HOUR + 0.5)
        self.set_price()
        self.compile()
        set_clock(self.house.clock, hour + HOUR + AFTER)
        self._thaw()

    def speak_at(self, moment):
        set_clock(self.house.clock, moment)
        self._thaw()
        self.speak()

    def speak_until(self, what, wanted):
        """The meters speak until these states are there."""
        self._thaw()
        self.house.wait(what, wanted, PATIENCE)
        self.speak()

    def play_unheard(self):
        """The rest of this hour, two more, and the first part of the one in which all is back."""
        self.pass_on()
        self.play(2)
        self.speak()
