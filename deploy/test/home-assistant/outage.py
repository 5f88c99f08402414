"""The statistics after an outage.

Bridge and Home Assistant miss three hours: each hour gets its energy back, and a second look finds nothing to do.
The clocks start three minutes before an hour. Then only meter and reader are there, and their clock runs sixty
times as fast. Then all of it goes on, with the clock where it has got to. What is right is what the meter really
sent.
"""

import json
import pathlib
import re
import sys
import time

import api
from house import check, is_, known, unique
from meters import METERS

from bench.clock import library, shifted
from bench.process import Process, environment
from bench.report import require, say
from bench.wait import wait_for

HOUR = 3600
HOURS = 3
# Some minutes before eleven.
OFFSET = 11 * HOUR - 170 - int(time.time()) % (24 * HOUR)
FASTER = 60
# The correction is looked for once a minute, after the first statistics of the time since (five minutes).
CORRECTED = 600
METER = METERS["base"][0]
REPAIR = "teleinfo_bridge_teleinfo_statistics_repair"
# Nobody is there.
ELSEWHERE = f"http://{api.HOST}:{api.PORT + 1}"
TOKEN_WORDS = "create a long-lived access token of an administrator"
STAMP = "import sys, time\nfor line in sys.stdin: print(time.time(), line, end='', flush=True)"


@check("long", offset=OFFSET)
def outage_of_three_hours(house):
    """Each hour within 1 Wh of what the meter counted."""
    chain, ha = house.chain, house.ha
    hour = (int(time.time()) + OFFSET) // HOUR * HOUR + HOUR
    chain.options = access(chain, ha.token)
    # The readers of the three times are one: they share what is kept.
    state = chain.directory / "state"
    state.mkdir()
    chain.environment = clock(OFFSET) | {"STATE_DIRECTORY": str(state)}
    chain.bridge()
    start_meter(chain, "before", 100_000)
    wanted = {unique(METER, "energy_base"): known, unique(METER, "overload"): known}
    house.wait("states", wanted)
    entity = house.entity_ids()[unique(METER, "energy_base")]
    time.sleep(max(0, hour + 45 - time.time() - OFFSET))
    chain.stop("bridge")
    chain.unplug("before")
    chain.stop("stamp")
    before = indexes(chain, "before")

    say(f"{HOURS} hours pass")
    begun = int(time.time()) + OFFSET
    meanwhile(house, before[-1][1], begun)
    truth = indexes(chain, "meanwhile")
    say(f"{truth[-1][1] - truth[0][1]} Wh in {truth[-1][0] - truth[0][0]:.0f} s")

    offset = int(truth[-1][0]) + 60 - int(time.time())
    chain.environment |= clock(offset)
    start_meter(chain, "after", truth[-1][1])
    ha.restart(offset)
    chain.bridge()
    house.wait("states", wanted)
    wait_for("a correction", lambda: corrections(chain), CORRECTED, 1)
    time.sleep(5)
    rows = ha.hourly(entity, hour - HOUR)
    say(rows)
    for end in range(hour + HOUR, hour + (HOURS + 1) * HOUR, HOUR):
        require_right(rows, end, index_at(truth, end), index_at(before if end == hour + HOUR else truth, end - HOUR))
    house.wait_event(METER, "history_filled")
    refused = ha.complaints(r"components\.websocket_api")
    require(not refused, f"Home Assistant refused: {refused}")
    done_once(house, entity, hour, rows)


@check("usual")
def wrong_token(house):
    """A token that is not accepted is said once, with what to do, and tried once: Home Assistant bans who keeps
    trying."""
    house.chain.options = access(house.chain, "not.a.token")
    _, wanted = house.meter("base")
    bridge = house.chain.running["bridge"]
    bridge.wait_said(TOKEN_WORDS, patience=90)
    time.sleep(70)
    warnings = bridge.warnings()
    require(len(warnings) == 1 and TOKEN_WORDS in warnings[0], f"warnings of the bridge: {warnings}")
    log = house.ha.ask({"type": "system_log/list"})
    attempts = [entry for entry in log if "invalid authentication" in " ".join(entry["message"])]
    require(sum(entry["count"] for entry in attempts) <= 1, f"attempts: {attempts}")
    house.wait("states", wanted, 5)
    wait_problem(house, TOKEN_WORDS)
    access(house.chain, house.ha.token)
    house.wait("the problem is over with another token in the file", {REPAIR: is_("off")}, 120)
    house.quiet(but="invalid authentication")


@check("usual")
def wrong_address(house):
    """Where nobody is Home Assistant, its owner sees why nothing is corrected; and no longer, once the address is
    right."""
    house.chain.options = access(house.chain, house.ha.token) | {"url": ELSEWHERE}
    house.meter("base")
    wait_problem(house, "no answer")
    house.chain.stop("bridge")
    house.chain.options = access(house.chain, house.ha.token)
    house.chain.bridge()
    house.wait("the problem is over", {REPAIR: is_("off")}, 120)
    house.quiet()


def wait_problem(house, reason):
    """The repair is a problem in Home Assistant, with its reason."""
    house.wait("the problem", {REPAIR: is_("on")}, 120)
    said = house.ha.entities()[REPAIR]["attributes"].get("reason")
    require(reason in (said or ""), f"the reason is {said!r}, expected {reason!r}")


def require_right(rows, end, index, index_before):
    row, name = rows.get(end - HOUR), f"the hour that ends at {end}"
    require(row, f"no row for {name}")
    require(abs(row["state"] - index) <= 1, f"{name}: {row['state']} instead of {index}")
    change, right = row["sum"] - rows[end - 2 * HOUR]["sum"], index - index_before
    require(abs(change - right) <= 1, f"{name}: {change} Wh instead of {right}")


def done_once(house, entity, hour, rows):
    """A bridge that starts again finds nothing left to correct, and writes nothing."""
    said = corrections(house.chain)
    house.chain.stop("bridge")
    house.chain.bridge()
    time.sleep(140)
    require(corrections(house.chain) == said, "corrected twice")
    after = house.ha.hourly(entity, hour - HOUR)
    require(all(after[start] == row for start, row in rows.items()), "rows changed")


def access(chain, token):
    """How the bridge may speak to Home Assistant, with this token."""
    file = chain.directory / "token"
    file.write_text(token)
    file.chmod(0o600)
    return {"url": api.URL, "token-file": file}


def start_meter(chain, name, index):
    chain.meter(name, METER, f"--mode historic --contract base --index {index}")
    chain.start("stamp", script(chain, "stamp", "bash", "-c", stamp(chain.truth(name)), **chain.environment))


def script(chain, name, *command, **variables):
    return Process(chain.directory / f"{name}.log", *command, environment=environment(STAMP=STAMP, **variables))


def stamp(truth):
    """The meter keeps its own time, which falls behind on a busy machine. What counts is when a frame was really
    there: each gets the time of the others' clock as it comes."""
    return f"tail -F -n +1 '{truth}' 2>/dev/null | '{sys.executable}' -c \"$STAMP\" > '{truth}.stamped'"


def meanwhile(house, index, begun, minute=20):
    """Meter and reader alone, fast; and before all others, since a second of this machine is a minute of theirs. It
    ends in this minute of an hour."""
    chain, name = house.chain, "meanwhile"
    meter = chain.new_meter(name, METER, "--mode", "historic", "--contract", "base", "--index", index)
    reader = chain.new_reader(name)
    # A minute of the fast clock until the terminal is there.
    lines = f"{words(meter)} & sleep 60; {stamp(meter.truth)} & {words(reader)} & wait"
    start = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(begun))
    fast = "nice", "-n", "-15", "faketime", "-m", "-f", f"@{start} x{FASTER}", "bash", "-c", lines
    chain.start(name, script(chain, name, *fast, TZ="UTC", STATE_DIRECTORY=chain.environment["STATE_DIRECTORY"]))
    time.sleep((HOURS * HOUR + minute * 60) / FASTER)
    chain.stop(name)


def words(program):
    return " ".join(f"'{word}'" for word in program.command)


def clock(offset):
    """The environment of a program of ours whose clock is off by so many seconds."""
    return shifted(offset, library()) | {"TZ": "UTC"}


def indexes(chain, name):
    """(time, Wh) of each frame that the meter sent."""
    lines = pathlib.Path(f"{chain.truth(name)}.stamped").read_text().splitlines()
    stamped = [line.split(" ", 1) for line in lines if line.endswith("}")]
    frames = [(float(stamp), json.loads(frame)["datasets"]) for stamp, frame in stamped]
    return [(time, int(datasets["BASE"]["raw"])) for time, datasets in frames if "BASE" in datasets]


def index_at(truth, moment):
    """What the meter showed then, as Home Assistant would have recorded it."""
    return [wh for time, wh in truth if time <= moment][-1]


def corrections(chain):
    return len(re.findall(r"corrected \d+ hours", chain.said("bridge")))
