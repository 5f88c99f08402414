"""Attacks of a reader that the bridge has met: its own meter is its to spoil, and nothing else is."""

import json
import subprocess
import time

from attacks.hostile import HostileReader, frame, stranger
from attacks.house import METER, ZENOH_PORT, Watched
from bench.report import require
from bench.wait import wait_for

OWN = "000000000002"
# Devices that a flood may leave in Home Assistant, at most; and lines in the log.
DEVICES, LINES = 40, 60


def sequence_jump(house):
    """A2: the highest sequence, from the reader of the meter itself: what follows with small numbers must count."""
    watched = Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        reader = HostileReader(attacker, OWN).met()
        for number in (1, 2, 3, 2**64 - 1, 4, 5, 6, 7):
            reader.say(frame(OWN, 1_000_000 + number % 100), number)
            time.sleep(0.2)
        topic = f"teleinfo/{OWN} ".encode()
        wait_for("the samples after it", lambda: _shown(house, topic) >= "001000007", 15)
    return "the samples after it are published", watched


def _shown(house, topic):
    said = [json.loads(payload) for _, payload in house.messages(topic)]
    return max((state["EAST"]["raw"] for state in said if "EAST" in state and state["EAST"]["raw"] < "1"), default="")


def many_meters(house):
    """A6: one key says that it reads 2100 meters, and 100 readers come at once. Then an honest one."""
    start, watched = time.monotonic(), Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        liar = HostileReader(attacker, "300000000000").met()
        for number in range(2100):
            meter = f"{3 * 10**11 + number:012}"
            liar.say(frame(meter), meter=meter)
            if number % 200 == 0:
                time.sleep(0.2)
        crowd = [HostileReader(attacker, f"{4 * 10**11 + number:012}") for number in range(100)]
        end = time.monotonic() + 6
        while time.monotonic() < end:
            for reader in [one for one in crowd if not one.is_proven]:
                reader.hello()
            for reader in [one for one in crowd if one.is_proven]:
                reader.say(frame(reader.meter))
            time.sleep(0.5)
        gap = house.is_well(start)
    told, announced = house.meters(), house.announced()
    require(len(announced) < DEVICES, f"{len(announced)} devices in Home Assistant")
    house.stays_small(watched)
    honest = "000000000077"
    began = time.monotonic()
    house.another_reader(honest, "honest")
    wait_for("an honest reader that comes afterwards", lambda: honest in house.meters(), 90)
    late = time.monotonic() - began
    text = f"{len(announced)} devices, {len(told)} meters, gap {gap:.1f} s, an honest reader after {late:.0f} s"
    return text, watched


def labels(house):
    """A9: ever new labels. They have no entity, so nothing of them is kept."""
    own, watched = "000000000009", Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        reader = HostileReader(attacker, own).met()
        for number in range(80):
            reader.say([*frame(own), *((f"X{number:02}{at:03}", "1") for at in range(150))])
            time.sleep(0.02)
        topic = f"teleinfo/{own} ".encode()
        wait_for("its meter", lambda: house.messages(topic), 15)
        time.sleep(2)
    house.stays_small(watched)
    largest = max(file.stat().st_size for file in house.bridge.state.rglob("*.state"))
    message = max(len(payload) for _, payload in house.messages(topic))
    require(largest < 100_000, f"a state file of {largest} bytes")
    require(message < 32_768, f"a message of {message} bytes")
    return f"largest file {largest} B, largest message {message} B", watched


def forged_lines(house):
    """A10: names with line ends, 300 runs of a reader, and Home Assistant born 3000 times."""
    own, watched = "000000000010", Watched(house.bridge)
    before = house.log_length()
    with stranger(ZENOH_PORT) as attacker:
        reader = HostileReader(attacker, own).met()
        reader.report("pi\n<2>kernel: forged critical line\r\nWARN forged", "1\x1b[2J")
        for boot in range(300):
            reader.report("pi", boot=boot + 1)
        time.sleep(1)
    births = "online\n" * 3000
    command = ("mosquitto_pub", "-h", "127.0.0.1", "-t", "homeassistant/status", "-l")
    subprocess.run(command, input=births, text=True, check=True, timeout=30)
    time.sleep(2)
    lines = house.new_lines(before)
    forged = [line for line in lines if line.startswith("<2>") or line.lstrip().startswith("WARN forged")]
    require(not forged, f"forged: {forged}")
    require(len(lines) < LINES, f"{len(lines)} lines: {lines[:3]} {lines[-3:]}")
    require(house.states(time.monotonic() - 3), "no values")
    return f"{len(lines)} lines, none forged", watched


def templates(house):
    """B: what a meter says with a template or a quote in it stays text, and every message stays JSON."""
    own, watched = "000000000020", Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        reader = HostileReader(attacker, own).met()
        for _ in range(6):
            reader.say([*frame(own), ("MSG1", "{{ 7*7 }}\"'}{%x%}".ljust(32)), ("{{1}}", "{{2}}")])
            time.sleep(0.2)
        wait_for("its meter", lambda: own in house.announced() or house.messages(f"teleinfo/{own} ".encode()), 15)
        time.sleep(1)
    found = [line for _, line in list(house.listener.messages.lines) if b"7*7" in line]
    require(all(json.loads(line.partition(b" ")[2]) for line in found), "no JSON")
    require(not [line for line in found if line.startswith(b"homeassistant/")], "in what Home Assistant evaluates")
    return "text stays text", watched


__all__ = ["METER", "forged_lines", "labels", "many_meters", "sequence_jump", "templates"]
