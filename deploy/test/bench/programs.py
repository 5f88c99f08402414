"""The programs of this project, each started in one way: its command and its configuration file are written here.

They are taken from TELEINFO_BIN (default target/debug). A test runs copies of them, since others may build meanwhile.

With TELEINFO_TWIN=1 each bridge that has a broker is one of a group of two: `twin.py`.
"""

import json
import os
import pathlib
import shutil

from bench import twin
from bench.need import missing_files
from bench.process import Process, call, environment
from bench.wait import wait_for

PROJECT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")).resolve()
BIN = pathlib.Path(os.environ.get("TELEINFO_BIN", TARGET / "debug")).resolve()
READER, BRIDGE, SIMULATOR = "teleinfo-reader", "teleinfo-bridge", "teleinfo-simulator"
FRAMES = PROJECT / "proto/tests/frames"
ZENOH = 7447


def missing_programs(*names):
    """Those that were not built, as `need.need` wants them."""
    return missing_files("cargo build --workspace, or set TELEINFO_BIN", *(BIN / name for name in names))


def copy(name, directory):
    """A program of this project as it is now, in the directory of the test."""
    target = pathlib.Path(directory) / name
    if not target.exists():
        shutil.copy2(BIN / name, target)
    return target


def accept(directory, state, meter, *words):
    """A person accepts one more reader for a meter, at the bridge with this state directory."""
    state.mkdir(exist_ok=True)
    call(copy(BRIDGE, directory), "accept", meter, *words, env=environment(STATE_DIRECTORY=state))


def locator(address, port=ZENOH):
    return f"tcp/{address}:{port}"


def write_settings(file, settings):
    """A configuration file: values by key, tables by name, lists of tables by theirs. A value is text, a number, true
    or false, or a list."""
    plain = {key: value for key, value in settings.items() if not _tables(value)}
    lines = _keys(plain)
    for name, value in settings.items():
        head = f"[[{name}]]\n" if isinstance(value, list) else f"[{name}]\n"
        lines += [line for table in _tables(value) for line in (head, *_keys(table))]
    pathlib.Path(file).write_text("".join(lines))


def _tables(value):
    """The tables that it is, if it is any."""
    found = value if isinstance(value, list) else [value]
    return found if all(isinstance(table, dict) for table in found) else []


def _keys(table):
    return [f"{key} = {_value(value)}\n" for key, value in table.items()]


def _value(value):
    return json.dumps(value, default=str)


class Reader(Process):
    """A reader at a serial line, which connects to bridges.

    Its log, configuration file and state directory are named after it. `before`: words before the command, as those of
    a namespace, of an emulator or of strace. `program`: another one than that of TELEINFO_BIN.
    """

    def __init__(self, directory, serial, *bridges, name="reader", settings=None, before=(), program=None, **variables):
        directory = pathlib.Path(directory)
        self.start_of_command = [*before, program or copy(READER, directory), "--config", directory / f"{name}.toml"]
        self.start_of_command += ["--serial", serial]
        self.state = directory / f"{name}-state"
        self.state.mkdir(exist_ok=True)
        write_settings(directory / f"{name}.toml", settings or {})
        own = {"STATE_DIRECTORY": self.state}
        super().__init__(directory / f"{name}.log", environment=environment(**own | variables))
        self.connect(*bridges)

    def connect(self, *bridges):
        """Addresses of the bridges that it connects to from its next start on; none: it looks for one by itself."""
        places = [locator(address, port) for address in bridges for port in twin.ports(ZENOH)]
        flags = [word for place in places for word in ("--connect", place)]
        self.command = list(map(str, [*self.start_of_command, *flags]))


class Bridge(Process):
    """A bridge that readers connect to. `settings` is its whole configuration file: what it does not name has its
    default."""

    def __init__(self, directory, settings, name="bridge", before=(), **variables):
        directory = pathlib.Path(directory)
        self.state, self.runtime = directory / f"{name}-state", directory / f"{name}-run"
        for own in self.state, self.runtime:
            own.mkdir(exist_ok=True)
        self.twin = None
        if twin.is_wanted(settings):
            settings, others = twin.settings(settings)
            # An owner changes both files: the twin of an earlier bridge in this place ends with its settings.
            twin.end_in(directory / name)
            self.twin = twin.OF[directory / name] = Bridge(directory, others, f"{name}-twin", before, **variables)
        write_settings(directory / f"{name}.toml", settings)
        own = {"STATE_DIRECTORY": self.state, "RUNTIME_DIRECTORY": self.runtime}
        command = [*before, copy(BRIDGE, directory), "--config", directory / f"{name}.toml"]
        super().__init__(directory / f"{name}.log", *command, environment=environment(**variables | own))

    def start(self):
        """Whatever happens to this one later, its twin lives on."""
        if self.twin and not self.twin.alive():
            twin.share_key(self.state, self.twin.state)
            self.twin.start()
        return super().start()

    def wait_for_twin(self):
        """What a new meter says before bridges know each other is in no account: until then nobody publishes it."""
        if self.twin:
            self.wait_said(twin.DIVIDED)

    def hold(self):
        """From here on nothing is published: its twin would go on in its place."""
        self.freeze()
        if self.twin:
            self.twin.freeze()

    def let_go(self):
        self.thaw()
        if self.twin:
            self.twin.thaw()

    def end(self):
        super().end()
        if self.twin:
            self.twin.end()


class Simulator(Process):
    """What stands at the other end of a serial line: a pseudo-terminal, from which a reader reads."""

    def __init__(self, directory, name, *command, **variables):
        self.pty = pathlib.Path(directory) / f"{name}.pty"
        command = [copy(SIMULATOR, directory), *command, "--pty", self.pty]
        super().__init__(pathlib.Path(directory) / f"{name}.log", *command, environment=environment(**variables))

    def start(self):
        super().start()
        what = f"{self.log.name}: a terminal to read from"
        wait_for(what, lambda: self.pty.exists() or not self.alive(), 10, 0.02)
        return self


class Meter(Simulator):
    """A simulated meter. What it really sent is in the file `truth`."""

    def __init__(self, directory, *options, name="meter", **variables):
        self.truth = pathlib.Path(directory) / f"{name}.truth"
        super().__init__(directory, name, "meter", "--truth", self.truth, *options, **variables)


class Replay(Simulator):
    """Frames of files, again and again."""

    def __init__(self, directory, *files, name="replay", **variables):
        super().__init__(directory, name, "replay", *files, "--loop", **variables)
