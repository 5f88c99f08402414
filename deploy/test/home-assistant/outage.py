"""The statistics after an outage.

Bridge and Home Assistant miss three hours: each hour gets its energy back, and a second look finds nothing to do. The clocks start three minutes before an hour. Then only meter and reader are there, and their clock runs sixty times as fast. Then all of
it goes on, with the clock where it has got to. What is right is what the meter really sent.
"""

import json
import re
import sys
import time

import api
from chain import BIN, ZENOH
from house import known, require, say, unique, until
from install import faketime
from meters import METERS

HOUR = 3600
HOURS = 3
# Some minutes before eleven.
OFFSET = 11 * HOUR - 170 - int(time.time()) % (24 * HOUR)
FASTER = 60
# The correction is looked for once a minute, after the first statistics of the time since (five minutes).
CORRECTED = 600
METER = METERS["base"][0]
TOKEN_WORDS = "create a long-lived access token of an administrator"
STAMP = "import sys, time\nfor line in sys.stdin: print(time.time(), line, end='', flush=True)"


def outage_of_three_hours(house):
    """Each hour within 1 Wh of what the meter counted."""
    chain, ha = house.chain, house.ha
    hour = (int(time.time()) + OFFSET) // HOUR * HOUR + HOUR
    (chain.directory / "token").write_text(ha.token)
    chain.bridge_options = f'url = "{api.URL}"\ntoken-file = "{chain.directory / "token"}"'
    state = chain.directory / "reader-state"
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
    until("correction", lambda: None if corrections(chain) else "none", CORRECTED)
    time.sleep(5)
    rows = ha.hourly(entity, hour - HOUR)
    say(rows)
    for end in range(hour + HOUR, hour + (HOURS + 1) * HOUR, HOUR):
        require_right(rows, end, index_at(truth, end), index_at(before if end == hour + HOUR else truth, end - HOUR))
    house.wait_event(METER, "history_filled")
    refused = ha.complaints(r"components\.websocket_api")
    require(not refused, f"Home Assistant refused: {refused}")
    done_once(house, entity, hour, rows)


def wrong_token(house):
    """A token that is not accepted is said once, with what to do, and tried once: Home Assistant bans who keeps trying."""
    (house.chain.directory / "token").write_text("not.a.token")
    house.chain.bridge_options = f'url = "{api.URL}"\ntoken-file = "{house.chain.directory / "token"}"'
    _, wanted = house.meter("base")
    until("a word about it", lambda: None if TOKEN_WORDS in house.chain.said("bridge") else "none", 90)
    time.sleep(70)
    warnings = [line for line in house.chain.said("bridge").splitlines() if "WARN" in line or "ERROR" in line]
    require(len(warnings) == 1 and TOKEN_WORDS in warnings[0], f"warnings of the bridge: {warnings}")
    attempts = [entry for entry in house.ha.ask({"type": "system_log/list"}) if "invalid authentication" in " ".join(entry["message"])]
    require(sum(entry["count"] for entry in attempts) <= 1, f"attempts: {attempts}")
    house.wait("states", wanted, 5)
    house.quiet()


def require_right(rows, end, index, index_before):
    row = rows.get(end - HOUR)
    require(row, f"no row for the hour that ends at {end}")
    require(abs(row["state"] - index) <= 1, f"the hour that ends at {end}: {row['state']} instead of {index}")
    change = row["sum"] - rows[end - 2 * HOUR]["sum"]
    require(abs(change - (index - index_before)) <= 1, f"the hour that ends at {end}: {change} Wh instead of {index - index_before}")


def done_once(house, entity, hour, rows):
    """A bridge that starts again finds nothing left to correct, and writes nothing."""
    said = corrections(house.chain)
    house.chain.stop("bridge")
    house.chain.bridge()
    time.sleep(140)
    require(corrections(house.chain) == said, "corrected twice")
    after = house.ha.hourly(entity, hour - HOUR)
    require(all(after[start] == row for start, row in rows.items()), "rows changed")


def start_meter(chain, name, index):
    truth = chain.directory / f"{name}.truth"
    chain.meter(name, METER, f"--mode historic --contract base --index {index} --truth {truth}")
    chain.start("stamp", "bash", "-c", stamp(truth), STAMP=STAMP)


def stamp(truth):
    """The meter keeps its own time, which falls behind on a busy machine. What counts is when a frame was really there: each gets the time
    of the others' clock as it comes."""
    return f"tail -F -n +1 '{truth}' 2>/dev/null | '{sys.executable}' -c \"$STAMP\" > '{truth}.stamped'"


def meanwhile(house, index, begun):
    """Meter and reader alone, fast; and before all others, since a second of this machine is a minute of theirs."""
    chain, name = house.chain, "meanwhile"
    truth = chain.directory / f"{name}.truth"
    (chain.directory / f"{name}.toml").write_text(f'name = "{name}"\n[led]\nmode = "off"\n')
    meter = [BIN / "teleinfo-simulator", "meter", "--pty", chain.pty(name), "--id", METER, "--mode", "historic", "--contract", "base",
             "--index", index, "--truth", truth]
    reader = [BIN / "teleinfo-reader", "--config", chain.directory / f"{name}.toml", "--serial", chain.pty(name), "--connect", ZENOH]
    # A minute of the fast clock until the terminal is there.
    script = f"{words(meter)} & sleep 60; {stamp(truth)} & {words(reader)} & wait"
    start = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(begun))
    slow, chain.environment = chain.environment, {"TZ": "UTC", "STAMP": STAMP, "STATE_DIRECTORY": chain.environment["STATE_DIRECTORY"]}
    chain.start(name, "nice", "-n", "-15", "faketime", "-m", "-f", f"@{start} x{FASTER}", "bash", "-c", script)
    chain.environment = slow
    time.sleep((HOURS * HOUR + 20 * 60) / FASTER)
    chain.stop(name)


def words(command):
    return " ".join(f"'{word}'" for word in command)


def clock(offset):
    """The environment of a program of ours whose clock is off by so many seconds."""
    return {"LD_PRELOAD": str(faketime()), "FAKETIME": f"{offset:+d}s", "TZ": "UTC"}


def indexes(chain, name):
    """(time, Wh) of each frame that the meter sent."""
    lines = (chain.directory / f"{name}.truth.stamped").read_text().splitlines()
    frames = [(float(stamp), json.loads(frame)["datasets"]) for stamp, frame in (line.split(" ", 1) for line in lines if line.endswith("}"))]
    return [(time, int(datasets["BASE"]["raw"])) for time, datasets in frames if "BASE" in datasets]


def index_at(truth, moment):
    """What the meter showed then, as Home Assistant would have recorded it."""
    return [wh for time, wh in truth if time <= moment][-1]


def corrections(chain):
    return len(re.findall(r"corrected \d+ hours", chain.said("bridge")))


outage_of_three_hours.house = {"offset": OFFSET}
