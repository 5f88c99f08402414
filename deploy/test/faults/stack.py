"""Everything that runs: meter, serial line, reader, cable, bridge, broker, subscriber."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import time

from compare import Ledger
from line import Line
from place import BRIDGE, Place
from programs import Broker, Lines, Program, environment

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = "teleinfo-reader", "teleinfo-bridge", "teleinfo-simulator"
ZENOH = 7447


def programs_from(directory):
    missing = [name for name in PROGRAMS if not (directory / name).exists()]
    if missing:
        raise SystemExit(f"{directory}: no {', '.join(missing)}: run cargo build --workspace, or set TELEINFO_BIN")
    return {name: directory / name for name in PROGRAMS}


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"{', '.join(missing)} not found: apt-get install iproute2 iptables mosquitto mosquitto-clients faketime")
    if os.geteuid():
        raise SystemExit("network namespaces need root")


# The frames of such a meter take longer than a second: no two of them say the same.
METER = "--mode", "standard", "--phases", "3", "--producer"


def end(program):
    program.thaw()
    program.kill()


class Stack:
    """The whole chain, from the meter to the subscriber."""

    def __init__(self, speed, meter=(), reader="", kind=METER):
        """`kind`, `meter`: what the simulator is told of its meter, and of the run; `reader`: the reader's configuration."""
        binaries = programs_from(pathlib.Path(os.environ.get("TELEINFO_BIN", ROOT / "target/debug")).resolve())
        self.speed, self.meter_options = speed, (*kind, *meter)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="teleinfo-faults-"))
        # Others may build meanwhile.
        self.binaries = {name: shutil.copy2(path, self.directory) for name, path in binaries.items()}
        (self.directory / "reader.toml").write_text(reader)
        self.place = Place()
        self.deafness = []

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            self._start(ends)
            self.ends = ends.pop_all()
        return self

    def __exit__(self, *_):
        self.ends.close()

    def _remove(self):
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.directory)

    def _start(self, ends):
        """Whatever is made goes into `ends`, so that a start that fails leaves nothing behind."""
        ends.callback(self._remove)
        ends.enter_context(self.place)
        inside, d = self.place.inside, self.directory
        self.broker = Broker(self.place, d)
        ends.callback(self.broker.close)
        self.broker.start()
        for name in ("reader-state", "bridge-state", "bridge-run"):
            (d / name).mkdir()
        self.set_password(self.broker.password)
        (d / "bridge.toml").write_text(f'[mqtt]\nurl = "mqtt://{self.broker.user}@127.0.0.1"\npassword-file = "{d}/password"\n')
        bridge = (self.binaries["teleinfo-bridge"], "--config", d / "bridge.toml", "--listen", f"tcp/0.0.0.0:{ZENOH}")
        env = environment(STATE_DIRECTORY=d / "bridge-state", RUNTIME_DIRECTORY=d / "bridge-run")
        self.bridge = Program(d / "bridge.log", *inside(self.place.far, *bridge), env=env)
        ends.callback(end, self.bridge)
        self.bridge.start()
        self.broker.held = self.bridge
        self.bridge.wait_said("readers connect to")
        meter = ("meter", "--pty", d / "meter", "--speed", self.speed, "--truth", d / "truth", *self.meter_options)
        self.meter = Program(d / "meter.log", self.binaries["teleinfo-simulator"], *meter)
        ends.callback(end, self.meter)
        self.meter.start()
        while not (d / "meter").exists():
            time.sleep(0.02)
        self.line = Line(d / "meter", d / "usb-TIC_adapter-if00-port0")
        ends.callback(self.line.close)
        self.reader = Program(d / "reader.log", *self.reader_command(BRIDGE), env=environment(STATE_DIRECTORY=d / "reader-state"))
        ends.callback(end, self.reader)
        self.reader.start()
        self.wait_for_reader()
        self.line.start()
        self.truth = Lines(d / "truth")
        ends.callback(self.truth.close)
        self.ledger = Ledger(self.truth, self.broker.messages)
        self.wait(lambda: len(self.ledger.heard) >= 5, 30, "no state arrives at all")

    def set_password(self, password):
        """What the bridge will tell the broker, once it is started again."""
        file = self.directory / "password"
        file.touch(mode=0o600)
        file.write_text(f"{password}\n")

    @contextlib.contextmanager
    def deaf(self):
        """Meanwhile the reader does not hear the meter, nor the frame before nor those until it has found its place again."""
        began = time.monotonic()
        yield
        self.wait_for_reader()
        frame = self.frame_time()
        self.deafness.append((began - 0.1, time.monotonic() + 1 + 2 * frame))

    def is_deaf(self, frame):
        return any(began <= frame.seen <= ended for began, ended in self.deafness)

    def frame_time(self):
        """Seconds that a frame takes, by the last ones."""
        frames = self.ledger.frames[-10:]
        return (frames[-1].seen - frames[0].seen) / (len(frames) - 1) if len(frames) > 1 else 1

    def reader_command(self, *bridges):
        locators = [word for address in bridges for word in ("--connect", f"tcp/{address}:{ZENOH}")]
        program, config = self.binaries["teleinfo-reader"], self.directory / "reader.toml"
        return self.place.inside(self.place.near, program, "--config", config, "--serial", self.line.link, *locators)

    def wait_for_reader(self):
        """Until it listens to the line, so that the first frame it hears is the first one that is passed on."""
        end = time.monotonic() + 10
        while not self.line.is_read() and time.monotonic() < end:
            time.sleep(0.02)

    def restart_reader(self):
        """Not as a fault: afterwards all is well again."""
        self.reader.stop()
        self.reader.start()
        started = time.monotonic()
        self.wait(lambda: self.ledger.back(started), 20, "the reader does not come back")
        self.sleep(2)

    def wait(self, condition, patience, otherwise=None):
        """Reads on until the condition holds; False when patience ends first."""
        end = time.monotonic() + patience
        while not condition():
            self.ledger.update()
            if time.monotonic() > end:
                if otherwise:
                    tails = "\n".join(path.name + ":\n" + path.read_text(errors="replace")[-1500:] for path in self.directory.glob("*.log"))
                    raise RuntimeError(f"{otherwise}\n{tails}")
                return False
            time.sleep(0.02)
        return True

    def sleep(self, seconds):
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= end, seconds + 1)
