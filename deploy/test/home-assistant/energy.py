"""Every kWh and every euro that Home Assistant counts, hour by hour, whatever happens to meter, reader, bridge and
broker: each one that was drawn, none that was not."""

from hours import HOUR, Hours
from house import check, known, unique

from bench.report import require, say

# A meter of 2018 that has had other contracts: what each of its indexes has counted (Wh).
PAST = "--registers EASF01=15506794,EASF02=9861893,EASF03=826037,EASF04=514699,EASF05=442412,EASF06=265022"
# Half of an hour's talk: a change that happens in the middle of it.
MIDDLE = 20


@check("usual", moving=True)
def ordinary_hours(house):
    """Nothing happens: this is how the others count."""
    hours = Hours(house)
    house.chain.bridge()
    hours.meter("hc", "900061000101", f"--mode historic --contract hc {PAST}")
    hours.play(4)
    require_right(hours)
    house.quiet()


def require_right(hours):
    """Each energy of each meter, in each hour but the first."""
    wrong = [fault for meter in hours.meters for fault in faults(hours, meter)]
    require(not wrong, "counted otherwise than drawn:\n" + "\n".join(wrong))


def faults(hours, meter):
    right = drawn(meter)
    say(f"{meter.name} drew {list(right.values())} Wh")
    found = energies(hours.house, meter.address)
    total = unique(meter.address, "energy_total")
    if total not in found:
        yield f"{meter.name}: there is no energy_total among {sorted(found)}"
    for unique_id, entity in sorted(found.items()):
        changes = hours.changes(entity["entity_id"])
        for hour, change in changes.items():
            most = right.get(hour, 0)
            least = most if unique_id == total and hour != min(right) else 0
            if not least - 1 <= change <= most + 1:
                yield f"{entity['entity_id']} ({unique_id}): {change:g} Wh in hour {name(hour)} instead of {least} to {most}"
        if unique_id == total:
            yield from (f"{unique_id}: no row for hour {name(hour)}" for hour in right if hour not in changes)


def drawn(meter):
    """What was drawn in each hour."""
    hours = sorted(meter.marks)
    before = dict(zip(hours[1:], hours, strict=False))
    return {hour: meter.marks[hour] - (meter.marks[before[hour]] if hour in before else 0) for hour in hours}


def energies(house, address):
    """The energies of a meter that count what was drawn."""
    mine = {key: entity for key, entity in house.ha.entities().items() if key.startswith(f"teleinfo_{address}_")}
    energy = {key: entity for key, entity in mine.items() if entity["attributes"].get("device_class") == "energy"}
    return {key: entity for key, entity in energy.items() if "injected" not in key}


def name(hour):
    return f"{hour // HOUR % 24:02}"
