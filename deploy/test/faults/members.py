"""Three bridges that are one, with their readers and meters and the broker, each in a network namespace of its own."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import time

from bench.broker import PASSWORD, USER, HeardBroker
from bench.chain import METER
from bench.ledger import Ledger
from bench.line import Line
from bench.network import Star
from bench.outputs import Lines
from bench.patient import Patient
from bench.process import Process
from bench.programs import Bridge, Meter, Reader, locator, write_settings
from bench.report import say
from bench.trust import BRIDGE as KEY

MEMBERS = "a", "b", "c"
# Where each of them has its page.
PAGE = 8080
# A router that bridges and readers are clients of, in the words of eclipse-zenoh.
ROUTER = """
import time, zenoh
config = zenoh.Config()
for key, value in (("mode", '"router"'), ("listen/endpoints", '["tcp/0.0.0.0:7447"]'),
                   ("scouting/multicast/enabled", "false"), ("transport/link/tx/lease", "4000")):
    config.insert_json5(key, value)
with zenoh.open(config):
    print("the router listens", flush=True)
    while True:
        time.sleep(60)
"""
# With these names each member publishes one of these meters (bridge/src/group/share.rs, `the_numbers_are_frozen`).
METERS = {"a": "021861000000", "c": "021861000001", "b": "021861000003"}


class Letters:
    """What the listener hears, sorted by meter; what is of no meter is for all."""

    def __init__(self, messages, meters):
        self.messages, self.read, self.availability = messages, 0, []
        self.of = {meter: Pile() for meter in meters}

    def sort(self):
        while self.read < len(self.messages.lines):
            at, line = self.messages.lines[self.read]
            self.read += 1
            owners = [meter for meter in self.of if meter.encode() in line.split(b" ", 1)[0]]
            self.availability += [(at, line)] * (b"/availability " in line)
            for meter in owners or ([] if b"/device/" in line else self.of):
                self.of[meter].lines.append((at, line))


class Pile:
    """Lines that are taken one by one, as of `outputs.Lines`."""

    def __init__(self):
        self.lines = []

    def take(self, index):
        line, self.lines[index] = self.lines[index], None
        return line


class Group(Patient):
    """Three bridges, three readers with their meters, and the broker."""

    def __init__(self, speed, python=None):
        self.speed, self.python = speed, python
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="teleinfo-group-"))
        self.settings = {}

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            ends.callback(self._remove)
            self.star = ends.enter_context(Star("m", "x", "z", *MEMBERS))
            self._start_broker(ends)
            if self.python:
                self._start_router(ends)
            self.bridges = {name: self._start_bridge(ends, name) for name in MEMBERS}
            self.broker.held = None
            for bridge in self.bridges.values():
                bridge.wait_said("the meters are divided among a, b, c", patience=30)
            self.ledgers = {meter: self._start_meter(ends, name, meter) for name, meter in METERS.items()}
            self.wait(lambda: all(len(ledger.heard) >= 5 for ledger in self.ledgers.values()), 60, "first states")
            self.ends = ends.pop_all()
        return self

    def __exit__(self, *_):
        self.ends.close()

    def _remove(self):
        if os.environ.get("KEEP"):
            say("logs:", self.directory)
        else:
            shutil.rmtree(self.directory)

    def _start_broker(self, ends):
        self.broker = HeardBroker(self.directory / "broker", self.star.inside("x"), listens="0.0.0.0")
        ends.callback(self.broker.close)
        self.broker.start()
        self.letters = Letters(self.broker.messages, METERS.values())
        self.password = self.directory / "password"
        self.password.touch(mode=0o600)
        self.password.write_text(f"{PASSWORD}\n")

    def _start_router(self, ends):
        router = Process(self.directory / "router.log", *self.star.inside("z"), self.python, "-c", ROUTER)
        ends.callback(router.kill)
        router.start().wait_said("the router listens")

    def _routers_of(self, name):
        """Where a reader goes: its own bridge first."""
        number = MEMBERS.index(name)
        names = ["z"] if self.python else MEMBERS[number:] + MEMBERS[:number]
        return [self.star.addresses[other] for other in names]

    def _start_bridge(self, ends, name):
        others = [locator(self.star.addresses[other]) for other in MEMBERS if other != name]
        zenoh = {"listen": [locator("0.0.0.0")], "scouting": False}
        if self.python:
            zenoh, others = {"mode": "client", "connect": [locator(self.star.addresses["z"])]}, []
        settings = {
            "zenoh": zenoh,
            "mqtt": {
                "url": f"mqtt://{USER}@{self.star.addresses['x']}",
                "password-file": self.password,
                "client-id": f"bridge-{name}",
            },
            "homeassistant": {"pace": 0},
            "group": {"name": "home", "member": name, "connect": others},
            "page": {"listen": f"0.0.0.0:{PAGE}"},
        }
        self.settings[name] = settings
        bridge = Bridge(self.directory, settings, name=f"bridge-{name}", before=self.star.inside(name))
        # All members have one key. Which reader speaks for which meter one of them learns, and tells the others.
        (bridge.state / "key").touch(mode=0o600)
        (bridge.state / "key").write_text(f"{KEY[0]}\n")
        ends.callback(bridge.end)
        return bridge.start()

    def set_anew(self, name, **settings):
        """This bridge is stopped, and started again with other settings."""
        self.bridges[name].stop()
        write_settings(self.directory / f"bridge-{name}.toml", self.settings[name] | settings)
        self.bridges[name].start()

    def _start_meter(self, ends, name, meter):
        source = Meter(self.directory, "--speed", self.speed, "--id", meter, *METER, name=f"meter-{name}")
        ends.callback(source.end)
        source.start()
        line = Line(source.pty, self.directory / f"usb-TIC_{name}")
        ends.callback(line.close)
        reader = Reader(self.directory, line.link, name=f"reader-{name}", before=self.star.inside("m"))
        reader.connect(*self._routers_of(name))
        number = MEMBERS.index(name) + 4
        for file, text in (("key", f"0{number}" * 32), ("bridge", KEY[1])):
            (reader.state / file).touch(mode=0o600)
            (reader.state / file).write_text(f"{text}\n")
        ends.callback(reader.end)
        reader.start()
        line.wait_for_reader()
        # What a meter says before its reader and the bridges know each other is in no account.
        reader.wait_said("connected to", patience=20)
        time.sleep(1)
        line.start()
        truth = Lines(source.truth)
        ends.callback(truth.close)
        return Ledger(truth, self.letters.of[meter])

    def update(self):
        self.letters.sort()
        return all(ledger.update() for ledger in self.ledgers.values())

    def live_since(self, moment):
        """Seconds from a moment until each meter was live; None while one of them is not."""
        times = [ledger.back_after(moment) for ledger in self.ledgers.values()]
        return None if None in times else max(times)
