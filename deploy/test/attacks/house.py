"""A house under attack: a real meter, reader, bridge and Mosquitto; and what its owner sees while somebody attacks."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import time

from bench.broker import HOST, Broker, Listener
from bench.outputs import Lines
from bench.process import Process
from bench.programs import BRIDGE as BRIDGE_PROGRAM
from bench.programs import READER, SIMULATOR, ZENOH, Bridge, Meter, Reader, copy, locator
from bench.report import require
from bench.trust import BRIDGE, know_bridge, know_reader
from bench.wait import wait_for

METER, LOCAL = "021861000001", "127.0.0.1"
# Frames come at twice the speed of a meter.
OPTIONS = ("--mode", "standard", "--contract", "base", "--id", METER, "--speed", 2)
STATE = f"teleinfo/{METER} ".encode()
# A gap between two states that an owner would not notice, in s. Programs under test are not optimised.
SHORT = 5
# What an attack may add to the memory of the bridge, in kB.
MORE_KB = 40_000
ZENOH_PORT = ZENOH
PROGRAMS = BRIDGE_PROGRAM, READER, SIMULATOR
BRIDGE_KEY = bytes.fromhex(BRIDGE[1])


# One copy of each program for all: to copy beside others that start processes makes "Text file busy".
COPIES = pathlib.Path(tempfile.gettempdir()) / f"teleinfo-attacks-programs-{os.getpid()}"


def copy_programs():
    COPIES.mkdir()
    for name in PROGRAMS:
        copy(name, COPIES)


def remove_programs():
    shutil.rmtree(COPIES)


@contextlib.contextmanager
def place():
    """A directory of its own, with the programs in it."""
    with tempfile.TemporaryDirectory(prefix="teleinfo-attacks-") as directory:
        for name in PROGRAMS:
            (pathlib.Path(directory) / name).symlink_to(COPIES / name)
        yield directory


class Watched:
    """The memory of a program: now, and its highest since."""

    def __init__(self, process):
        self.process = process
        pathlib.Path(f"/proc/{process.process.pid}/clear_refs").write_text("5")
        self.before = process.memory()

    def highest(self):
        return self.process.memory("VmHWM")


class House:
    """All of it, in a directory of its own. `bridge_settings` are added to those of the bridge."""

    def __init__(self, bridge_settings=None):
        self.ends = contextlib.ExitStack()
        self.directory = pathlib.Path(self.ends.enter_context(place()))
        self.more = bridge_settings or {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.ends.close()
            raise
        return self

    def __exit__(self, *_):
        self.ends.close()

    def _start(self):
        self.broker = self._run(Broker(self.directory / "broker"))
        self.listener = self._run(Listener(self.directory / "broker"))
        settings = {"zenoh": {"listen": [locator(LOCAL)]}, "mqtt": {"url": f"mqtt://{HOST}"}}
        self.bridge = Bridge(self.directory, settings | self.more)
        know_reader(self.bridge.state)
        self._run(self.bridge).wait_said("connected to the MQTT broker")
        self.meter = self._run(Meter(self.directory, *OPTIONS))
        self.truth = Lines(self.meter.truth)
        self.ends.callback(self.truth.close)
        self.reader = Reader(self.directory, self.meter.pty, LOCAL, settings={"led": {"mode": "off"}})
        know_bridge(self.reader.state)
        self._run(self.reader)
        wait_for("values of the house", lambda: len(self.states()) > 3, 30)

    def _run(self, process):
        self.ends.callback(process.end)
        return process.start()

    def restart_reader(self):
        """Without a goodbye: the bridge then asks for its history."""
        self.reader.kill()
        self.reader.start()

    def messages(self, start, since=0):
        """What was published since, with its time: topics that begin so, and their payloads."""
        heard = [(at, line) for at, line in list(self.listener.messages.lines) if at >= since]
        return [(at, line.partition(b" ")[2]) for at, line in heard if line.startswith(start)]

    def states(self, since=0):
        return self.messages(STATE, since)

    def is_well(self, since):
        """Values of the house go on; says how long the longest gap was."""
        wait_for("values go on", lambda: self.states(time.monotonic() - 2), SHORT)
        times = [since, *(at for at, _ in self.states(since)), time.monotonic()]
        gap = max(b - a for a, b in zip(times, times[1:], strict=False))
        require(gap < SHORT, f"no value of the house for {gap:.1f} s")
        require(self.bridge.alive() and self.reader.alive(), "a program has ended")
        self._is_true(since)
        return gap

    def _is_true(self, since):
        """Each index that was published is one that the meter has shown."""
        truth = {json.loads(line)["datasets"].get("EAST", {}).get("raw") for _, line in list(self.truth.lines)}
        said = {json.loads(payload)["EAST"]["raw"] for _, payload in self.states(since) if b'"EAST"' in payload}
        require(said <= truth, f"indexes that the meter never showed: {said - truth}")
        offline = [payload for _, payload in self.messages(f"teleinfo/{METER}/availability ".encode(), since)]
        require(b"offline" not in offline, "the meter went offline")

    def meters(self):
        """Meters of which anything was published."""
        topics = {line.split(b" ")[0].split(b"/")[1] for _, line in list(self.listener.messages.lines)}
        return {topic.decode() for topic in topics if topic.isdigit()}

    def announced(self):
        """Devices that Home Assistant was told of."""
        lines = [line for _, line in list(self.listener.messages.lines) if line.startswith(b"homeassistant/device/")]
        return {line.split(b"/")[2].decode() for line in lines}

    def new_lines(self, since):
        """Lines of the bridge's log after so many."""
        return self.bridge.said().splitlines()[since:]

    def log_length(self):
        return len(self.bridge.said().splitlines())

    def stays_small(self, watched, more=MORE_KB):
        grown = watched.highest() - watched.before
        require(grown < more, f"{grown} kB more memory")

    def another_reader(self, meter, name):
        """One more meter with its reader, which meets the bridge now."""
        options = ("--mode", "standard", "--contract", "base", "--id", meter, "--speed", 2)
        source = self._run(Meter(self.directory, *options, name=f"{name}-meter"))
        led = {"led": {"mode": "off"}}
        return self._run(Reader(self.directory, source.pty, LOCAL, name=name, settings=led))


def mosquitto(directory, port, *lines):
    """One more broker, with these lines in its configuration."""
    directory = pathlib.Path(directory)
    file = directory / f"mosquitto-{port}.conf"
    file.write_text("\n".join([f"listener {port} {LOCAL}", "allow_anonymous true", "user root", *lines, ""]))
    return Process(directory / f"mosquitto-{port}.log", "mosquitto", "-c", file)


def bridge_at(directory, port, mqtt, name, **more):
    """One more bridge, at a port of its own."""
    settings = {"zenoh": {"listen": [locator(LOCAL, port)], "scouting": False}, "mqtt": mqtt} | more
    return Bridge(directory, settings, name=name)


@contextlib.contextmanager
def running(*processes):
    """Processes that end with the block."""
    try:
        yield [process.start() for process in processes]
    finally:
        for process in reversed(processes):
            process.end()
