"""Attacks on files: what others may read, and what a card has spoilt."""

import pathlib
import random
import time

from attacks.house import LOCAL, METER, OPTIONS, Watched, bridge_at, place, running
from attacks.services import Frozen
from bench.programs import Meter, Reader, locator
from bench.report import require
from bench.trust import FILES, know_bridge, know_reader
from bench.wait import wait_for


def spoilt_history(house):
    """A1: bits of the reader's history flip. What is damaged is left out, and no index of it is ever published."""
    watched = Watched(house.bridge)
    spoilt = _spoil_saved(house.reader)
    start = time.monotonic()
    house.reader.start()
    require(spoilt, "the reader keeps no history")
    house.reader.wait_said("the saved history is damaged")
    wait_for("values come back", lambda: house.states(start), 20)
    time.sleep(1)
    house.is_well(time.monotonic() - 1)
    told = [line for _, line in house.messages(f"teleinfo/{METER}/history ".encode())]
    require(all(b"\\u" not in line for line in told), "garbage in the history")
    return "what is damaged is left out, and said", watched


def _spoil_saved(reader):
    """Stops the reader, and flips one bit in each 400 bytes of what it saved; the files."""
    reader.stop()
    files = [file for file in reader.state.iterdir() if file.name not in FILES]
    rng = random.Random(1)
    for file in files:
        data = bytearray(file.read_bytes())
        for at in range(200, len(data), 400):
            data[at] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
    return files


def open_secrets():
    """A15: a password file, a users file and keys that everybody may read: said, with the command that mends it."""
    with place() as directory:
        secrets = [pathlib.Path(directory) / name for name in ("users", "password")]
        secrets[0].write_text("pi:right\n")
        secrets[1].write_text("right\n")
        for file in secrets:
            file.chmod(0o644)
        mqtt = {"url": f"mqtt://bridge@{LOCAL}:1999", "password-file": secrets[1]}
        zenoh = {"listen": [locator(LOCAL, 7530)], "users-file": secrets[0]}
        bridge = bridge_at(directory, 7530, mqtt, "open", zenoh=zenoh)
        meter = Meter(directory, *OPTIONS)
        zenoh = {"user": "pi", "password-file": secrets[1], "connect": [locator(LOCAL, 7530)]}
        reader = Reader(directory, meter.pty, settings={"zenoh": zenoh})
        know_bridge(reader.state)
        know_reader(bridge.state)
        for state in bridge.state, reader.state:
            (state / "key").chmod(0o644)
        with running(bridge, meter, reader):
            for program in bridge, reader:
                program.wait_said("chmod 600")
                told = f"{program.said()} {_shown(program)}".split()
                require("right" not in told, f"{program.log.name}: the password is shown")
            wait_for("each secret", lambda: all(str(file) in bridge.said() for file in secrets), 10)
            wait_for("the password", lambda: f"chmod o-r {secrets[1]}" in reader.said(), 10)
    return "said with the command; no password is shown", None


def _shown(program):
    """What other users of the machine see of it."""
    process = pathlib.Path(f"/proc/{program.process.pid}")
    return " ".join((process / name).read_bytes().replace(b"\0", b" ").decode() for name in ("cmdline", "environ"))


def spoilt_state():
    """B: positions and memories that are garbage, empty, nested deeply or full of extreme numbers."""
    spoilt = [b"", b"\xff" * 5_000, b"[" * 200_000, b'{"version":2,"records":[{"sequence":18446744073709551615}]}']
    with place() as directory:
        bridge = bridge_at(directory, 7531, {"url": f"mqtt://{LOCAL}:1998"}, "spoilt")
        names = ["positions.state", f"{METER}.state", f"{METER}.ledger"]
        for number, content in enumerate(spoilt):
            for name in [*names, "archive.redb"]:
                (bridge.state / name).write_bytes(content)
            with running(bridge):
                bridge.wait_said("readers connect to", times=number + 1)
                watched = Frozen(bridge)
                watched.note()
        require("panicked" not in bridge.said(), "a thread panicked")
        for name in names:
            require(f"{name}: damaged" in bridge.said(), f"{name} was not read, or its damage is not said")
        require("the memory of the page was damaged" in bridge.said(), "the memory's damage is not said")
    return f"{len(spoilt)} kinds, it starts with each", watched


def links():
    """B: links to a device in place of state: refused by both, and left alone."""
    with place() as directory:
        bridge = bridge_at(directory, 7532, {"url": f"mqtt://{LOCAL}:1997"}, "link")
        meter = Meter(directory, *OPTIONS)
        reader = Reader(directory, meter.pty, settings={"zenoh": {"connect": [locator(LOCAL, 7532)]}})
        for state, name in ((bridge.state, "positions.state"), (reader.state, "history")):
            (state / name).symlink_to("/dev/zero")
        with running(bridge, meter, reader):
            bridge.wait_said("readers connect to")
            wait_for("the reader reads", lambda: "reading" in reader.said() or "meter" in reader.said(), 20)
            watched = Frozen(reader)
            watched.note()
            for program in bridge, reader:
                require("a link or a device" in program.said(), f"{program.log.name} does not say that it is a link")
            require(reader.memory() < 20_000, f"{reader.memory()} kB")
    return "refused", watched
