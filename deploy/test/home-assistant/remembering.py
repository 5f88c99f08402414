"""The memory of the page gets what Home Assistant knew before it: hours of another program, and our own.

The other program is an entity in kWh that ended in the hour before ours begins, as `linkytic` or a ZLinky leave it.
Then the memory itself is lost, and comes back from the statistics of our own entities.
"""

import datetime
import json
import subprocess
import urllib.request

from adoption import OLD, WEEKS, old_hours, row
from adoption import rows as recorded
from hours import HOUR, Hours
from house import check, known, unique
from outage import access

from bench.clock import set_clock
from bench.process import environment
from bench.report import require, say
from bench.wait import wait_for_all

METER = "900061000131"
OPTIONS = "--mode historic --contract base --seed 6 --power 3 --index 20000000"
PAGE = "127.0.0.1:8080"
# What was drawn from the end of the last old hour to the first frame of ours, in Wh.
BETWEEN = 211
# The bridge holds a state back for a second, and a frame is under way: by so many seconds Home Assistant may be behind.
BEHIND = 3


@check("usual", moving=True)
def remembered(house):
    """Each hour of the page is what was drawn in it, to the Wh at the seam; nothing that was heard is changed."""
    hours, chain = Hours(house), house.chain
    chain.options = access(chain, house.ha.token)
    chain.bridge()
    bridge = chain.running["bridge"]
    meter = hours.meter("remembering", METER, OPTIONS)
    energy = unique(METER, "energy_base")
    house.wait("energy", {energy: known}, 120)
    ours = house.entity_ids()[energy]
    hours.play(1)
    begin = int(meter.frames[0][1]["BASE"])
    over_hour(hours, meter)
    last = over_hour(hours, meter)
    weeks = old_hours(hours.first, begin - BETWEEN)
    house.ha.import_rows(OLD, ("kWh", "energy"), {start: row(wh, wh / 1000) for start, wh in weeks.items()})
    wait_for_all("the old hours", lambda: len(recorded(hours, OLD)) != WEEKS and "not there", 60)

    before = shown(hours)
    require(len(before) == 1, f"the memory has heard {before}")
    said = remember(bridge)
    require(f"{METER} BASE: from {OLD} + {ours}" in said and "nothing was written" in said, said)
    require(shown(hours) == before, "a dry run has written")
    say(remember(bridge, "--write"))
    after = shown(hours)
    require_hours(after, weeks, last)
    require({start: after[start] for start in before} == before, f"what was heard is another: {before} {after}")
    require("the memory has all of its hours" in remember(bridge, "--write"), "written twice")
    require(shown(hours) == after, "a second run has changed something")

    # The memory is lost; Home Assistant has our own hours too.
    chain.stop("bridge")
    (bridge.state / "archive.redb").unlink()
    said = remember(bridge, "--write")
    require("takes them when it runs" in said, said)
    chain.bridge()
    wait_for_all("the page", lambda: not answers() and "not there", 60)
    wait_for_all("hours that came back", lambda: len(shown(hours)) < len(after) and "not there", 60)
    require_hours(shown(hours), weeks, last)
    house.quiet()


def over_hour(hours, meter):
    """The meter speaks over the end of an hour, so that the memory hears it: its indexes a little before and after."""
    end, found = hours.hour() + HOUR, []
    set_clock(hours.house.clock, end - 15)
    meter.thaw()
    for until in end - BEHIND, end + 1, end + 15:
        wait_for_all("the hour ends", lambda until=until: hours.now() < until and "not yet", 60, 0.2)
        found.append(int(meter.update().frames[-1][1]["BASE"]))
    meter.freeze()
    hours.settle()
    hours.compile()
    return found[:2]


def remember(bridge, *words):
    command = [*bridge.command, "import", *words, "--language", "en"]
    variables = environment(STATE_DIRECTORY=bridge.state)
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)
    require(done.returncode == 0, f"import {words}: {done.returncode} {done.stdout} {done.stderr}")
    return done.stdout


def answers():
    try:
        urllib.request.urlopen(f"http://{PAGE}/", timeout=20).close()
    except OSError:
        return False
    return True


def shown(hours):
    """The hours of the page that are known whole: start -> Wh."""
    begin, end = hours.first - (WEEKS + 24) * HOUR, hours.now() + 48 * HOUR
    days = [datetime.datetime.fromtimestamp(time, datetime.UTC).date() for time in (begin, end)]
    address = f"http://{PAGE}/api/energy?meter={METER}&step=hour&from={days[0]}&to={days[1]}"
    with urllib.request.urlopen(address, timeout=20) as answer:
        rows = json.load(answer)["rows"]
    return {row["start"]: row["withdrawn"] for row in rows if row["whole"]}


def require_hours(found, weeks, last):
    """Each old hour, but the first, has what was drawn in it. From there to the last hour of ours nothing is missing,
    and nothing is counted twice: together they are what the meter's index has moved by."""
    indexes = list(weeks.items())
    drawn = {start: wh - then for (_, then), (start, wh) in zip(indexes, indexes[1:], strict=False)}
    wrong = {start: (found.get(start), wh) for start, wh in drawn.items() if found.get(start) != wh}
    require(not wrong, f"{len(wrong)} old hours are wrong: {list(wrong.items())[:4]}")
    starts = sorted(found)
    require(starts == list(range(starts[0], starts[-1] + HOUR, HOUR)), f"hours are missing: {starts[-9:]}")
    index = indexes[0][1] + sum(found.values())
    require(last[0] <= index <= last[1], f"the index would be {index}, and not between {last}")
    say(f"{len(found)} hours, {sum(found.values())} Wh, to the index {index}")
