"""The whole chain, from the meter to a subscriber: meter, serial line, reader, network cable, bridge, broker,
listener."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import time

from bench.broker import HOST, PASSWORD, USER, HeardBroker
from bench.ledger import Ledger
from bench.line import Line
from bench.network import BRIDGE, Cable
from bench.outputs import Lines
from bench.patient import Patient
from bench.programs import Bridge, Meter, Reader, locator
from bench.trust import know_bridge, know_reader

# The frames of such a meter take longer than a second: no two of them say the same.
METER = ("--mode", "standard", "--phases", 3, "--producer")
# What a test with this chain needs of the machine.
TOOLS = ("ip", "nsenter", "mosquitto", "mosquitto_pub", "mosquitto_sub", "mosquitto_passwd")


class Chain(Patient):
    """One meter and all that stands between it and a subscriber. The reader is on one side of the cable, the bridge
    on the other.

    `settings`: the reader's configuration file. `before`, `program`: how the reader is started, if not as it is
    (`programs.Reader`).
    """

    def __init__(self, speed=1, meter=METER, settings=None, before=(), program=None):
        self.speed, self.meter_options = speed, meter
        self.settings, self.before, self.program = settings, before, program
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="teleinfo-bench-"))

    def __enter__(self):
        """What has been started by a start that fails is ended too."""
        with contextlib.ExitStack() as ends:
            self._start(ends)
            self.ends = ends.pop_all()
        return self

    def __exit__(self, *_):
        self.ends.close()

    def _start(self, ends):
        ends.callback(self._remove)
        self.cable = ends.enter_context(Cable())
        self._start_broker_and_bridge(ends, self.cable.inside(self.cable.bridge_side))
        self._start_meter_and_reader(ends, self.cable.inside(self.cable.reader_side))
        self.ledger = Ledger(self.truth, self.broker.messages)
        self.wait(lambda: len(self.ledger.heard) >= 5, 30, "the first states arrive")

    def _start_broker_and_bridge(self, ends, inside):
        self.broker = HeardBroker(self.directory / "broker", inside)
        ends.callback(self.broker.close)
        self.broker.start()
        password = self.set_password(PASSWORD)
        mqtt = {"url": f"mqtt://{USER}@{HOST}", "password-file": password}
        self.bridge = Bridge(self.directory, {"zenoh": {"listen": [locator("0.0.0.0")]}, "mqtt": mqtt}, before=inside)
        know_reader(self.bridge.state)
        ends.callback(self.bridge.end)
        self.bridge.start()
        self.broker.held = self.bridge
        self.bridge.wait_said("readers connect to")
        self.bridge.wait_for_twin()

    def _start_meter_and_reader(self, ends, inside):
        self.meter = Meter(self.directory, "--speed", self.speed, *self.meter_options)
        ends.callback(self.meter.end)
        self.meter.start()
        self.line = Line(self.meter.pty, self.directory / "usb-TIC_adapter-if00-port0")
        ends.callback(self.line.close)
        how = {"settings": self.settings, "before": (*inside, *self.before), "program": self.program}
        self.reader = Reader(self.directory, self.line.link, BRIDGE, **how)
        know_bridge(self.reader.state)
        ends.callback(self.reader.end)
        self.reader.start()
        # The first frame that the reader hears is then the first one that is passed on.
        self.line.wait_for_reader()
        if self.bridge.twin:
            # Two bridges ask the reader one after the other; what a new meter says before is in no account.
            self.reader.wait_said("connected to")
            time.sleep(1)
        self.line.start()
        self.truth = Lines(self.meter.truth)
        ends.callback(self.truth.close)

    def _remove(self):
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.directory)

    def set_password(self, password):
        """What the bridge will tell the broker, once it is started again; the file it stands in."""
        file = self.directory / "password"
        file.touch(mode=0o600)
        file.write_text(f"{password}\n")
        return file

    @contextlib.contextmanager
    def deaf(self):
        """Meanwhile the reader does not hear the meter, nor the frame before nor those until it has found its place
        again."""
        end = self.ledger.excuse(time.monotonic() - 0.1)
        yield
        self.line.wait_for_reader()
        end(time.monotonic() + 1 + 2 * self.ledger.frame_time())

    def restart_reader(self):
        """Not as a fault: afterwards all is well again."""
        self.reader.stop()
        self.reader.start()
        started = time.monotonic()
        self.wait(lambda: self.ledger.back_after(started), 20, "the reader comes back")
        self.sleep(2)

    def update(self):
        return self.ledger.update()

    def panics(self):
        logs = [path for path in self.directory.rglob("*.log") if "panicked at" in path.read_text(errors="replace")]
        return [f"{path.name}: a thread panicked" for path in logs]

    def ended(self):
        """The programs that have ended by themselves."""
        return [f"{name} ended by itself" for name in ("reader", "bridge") if not getattr(self, name).alive()]
