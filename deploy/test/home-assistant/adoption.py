"""What another program has recorded for weeks comes before ours: one series, to the Wh, and back again. What that cost
comes before the cost of ours.

The predecessor is an entity in kWh that ended in the hour before ours begins, as `linkytic`, ESPHome or a ZLinky leave
it; then an external statistic that has sums only and goes on beside ours, as that of `ha-linky`.
"""

import subprocess

from checks import save_sources_with
from hours import HOUR, Hours
from house import check, known, unique
from older import lacks
from outage import access

from bench.process import environment
from bench.report import require, say
from bench.wait import wait_for_all

METER = "900061000130"
OPTIONS = "--mode historic --contract base --seed 5 --power 9 --index 20000000"
OLD, EXTERNAL = "sensor.linkytic_base", "linky:01234567890123"
# What they cost: that of the old one is the one that Home Assistant made, whose energy is no longer chosen.
COST, OUR_COST = "sensor.linkytic_base_cost", "sensor.linky_cost"
EUR = 0.2
WEEKS = 4 * 7 * 24
# What was drawn from the end of the last old hour to the first frame of ours, in Wh.
BETWEEN = 137
# Sums are numbers with a point.
NEAR = 1e-3
# A frame may be under way when the meter is stopped at the end of an hour.
UNDER_WAY = 1


@check("usual", moving=True)
def adopted(house):
    """The Energy dashboard's statistics have no gap in their sums, and no bar that nobody drew; live hours go on."""
    hours, chain = Hours(house), house.chain
    chain.options = access(chain, house.ha.token)
    chain.bridge()
    meter = hours.meter("adopting", METER, OPTIONS)
    totals = {unique(METER, key): known for key in ("energy_total", "energy_base")}
    house.wait("energy", totals, 120)
    ids = [house.entity_ids()[key] for key in totals]
    hours.play(2)
    begin = meter.frames[0][1]["BASE"]
    first, before = hours.first, {name: rows(hours, name) for name in ids}
    weeks = old_hours(first, int(begin) - BETWEEN)
    house.ha.import_rows(OLD, ("kWh", "energy"), {start: row(wh, wh / 1000) for start, wh in weeks.items()})
    wait_for_all("the old hours", lambda: len(rows(hours, OLD)) != WEEKS and "not there", 60)

    paid = costs(hours, weeks, ids[0])
    said = adopt(house)
    require(f"sudo teleinfo-bridge adopt {COST} {OUR_COST} --write" in said, said)
    require(f"in {COST}: choose {ids[1]} with its price" in said, said)
    require(f"{OLD} is in the Energy dashboard" in said, said)
    require(said.count(f"{OLD} -> ") == 2 and "nothing was written" in said, said)
    require({name: rows(hours, name) for name in ids} == before, "a dry run has written")
    say(adopt(house, "--write"))
    require_one_series(hours, ids, meter)
    say(adopt(house, COST, OUR_COST, "--write"))
    require_costs(hours, weeks, paid)
    require(adopt(house, "--write").count("was written before") == 2, "written twice")
    require(adopt(house, COST, OUR_COST, "--write").count("was written before") == 1, "written twice")
    hours.play(2)
    require_one_series(hours, ids, meter)

    say(adopt(house, "--undo"))
    require_as_before(hours, ids, before)
    require_as_before(hours, [OUR_COST], {OUR_COST: paid})
    hours.play()
    require_as_before(hours, ids, before)

    if not lacks(house.ha, "hours can be cleared"):
        from_sums(hours, meter, ids[0], weeks)
        require_as_before(hours, ids, before)
    house.quiet()


def costs(hours, weeks, ours):
    """Costs of both; those of ours, which begin at 0."""
    ha, first = hours.house.ha, hours.first
    sums = {start: {"sum": round(number * EUR, 2)} for number, start in enumerate(weeks, 1)}
    ha.import_rows(COST, ("EUR", None), sums)
    ha.import_rows(OUR_COST, ("EUR", None), {first: {"sum": 0.05}, first + HOUR: {"sum": 0.25}})
    save_sources_with(ha, {OLD: {}, ours: {"stat_cost": OUR_COST}})
    wait_for_all("the costs", lambda: [name for name in (COST, OUR_COST) if not rows(hours, name)], 60)
    return rows(hours, OUR_COST)


def require_costs(hours, weeks, paid):
    """Each old hour has its cost, and each of ours what it had."""
    found = dict(sorted(rows(hours, OUR_COST).items()))
    changes = [round(row["change"], 2) for row in found.values()]
    wanted = [EUR] * len(weeks) + [round(row["change"], 2) for row in paid.values()]
    require(changes == wanted, f"costs: {changes[-5:]}")


def from_sums(hours, meter, name, weeks):
    """Of sums only, which begin at 0 and reach into the hours of ours."""
    house = hours.house
    both = {**weeks, **{start: found["state"] for start, found in rows(hours, name).items() if start >= hours.first}}
    sums = {start: {"sum": (wh - min(weeks.values())) / 1000} for start, wh in both.items()}
    house.ha.import_rows(EXTERNAL, ("kWh", "energy"), sums)
    wait_for_all("its hours", lambda: len(rows(hours, EXTERNAL)) != len(sums) and "not there", 60)
    say(adopt(house, EXTERNAL, name, "--write"))
    hours.play()
    require_one_series(hours, [name], meter)
    say(adopt(house, "--undo"))


def row(wh, kwh):
    """An old hour: its sum began at 3 kWh, with another index."""
    return {"sum": round(kwh - 19000, 3), "state": kwh}


def old_hours(first, wh):
    """An index that ends at `wh` in the hour before the first: start of the hour -> Wh at its end."""
    hours = range(1, WEEKS + 1)
    drawn = {number: 200 + number * 37 % 500 for number in hours}
    indexes, index = {}, wh
    for number in hours:
        indexes[first - number * HOUR] = index
        index -= drawn[number]
    return dict(sorted(indexes.items()))


def adopt(house, *words):
    bridge = house.chain.running["bridge"]
    command = [*bridge.command, "adopt", *words, "--language", "en"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(STATE_DIRECTORY=bridge.state))
    require(done.returncode == 0, f"adopt {words}: {done.returncode} {done.stdout} {done.stderr}")
    return done.stdout


def rows(hours, name):
    return hours.house.ha.hourly(name, hours.first - (WEEKS + 2) * HOUR)


def require_one_series(hours, names, meter):
    """Sum and index move alike in every hour, and the hours of ours have what the meter has drawn."""
    for name in names:
        found = dict(sorted(rows(hours, name).items()))
        require(len(found) >= WEEKS + len(meter.marks), f"{name} has {len(found)} hours")
        require(min(found) == hours.first - WEEKS * HOUR, f"{name} begins {min(found)}")
        changes = {start: row["change"] for start, row in list(found.items())[1:]}
        require(min(changes.values()) >= 0 and max(changes.values()) < 3000, f"{name}: {changes}")
        differences = {round(row["sum"] - row["state"], 2) for row in found.values() if row["state"] is not None}
        require(len(differences) == 1, f"{name}: sum and index part: {differences}")
        own = {start: wh for start, wh in changes.items() if start > hours.first}
        ends = sorted(meter.marks.items())
        drawn = {hour: now - then for (_, then), (hour, now) in zip(ends, ends[1:], strict=False)}
        wrong = {hour: (own.get(hour), wh) for hour, wh in drawn.items() if abs(own.get(hour, -9) - wh) > UNDER_WAY}
        require(not wrong, f"{name}: {wrong}")
        say(f"{name}: {len(found)} hours, {list(found.values())[-1]['sum']:.0f} Wh")


def require_as_before(hours, names, before):
    """The hours of ours are what they were; before them there is nothing that counts."""
    for name in names:
        found = rows(hours, name)
        changed = {
            start: (found.get(start), row)
            for start, row in before[name].items()
            if start not in found or differs(found[start], row)
        }
        require(not changed, f"{name}: {changed}")
        old = {start: row for start, row in found.items() if start < hours.first}
        require(not any(row["sum"] for row in old.values()), f"{name}: old hours count: {old}")
        require(not old or lacks(hours.house.ha, "hours can be cleared"), f"{name}: {len(old)} old hours are left")


def differs(found, wanted):
    return any(abs(found[key] - number) > NEAR for key, number in wanted.items() if number is not None)
