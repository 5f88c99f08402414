"""Meters, readers and the bridge: the project's own programs, started, stopped and killed by their own process ids."""

import os
import pathlib
import signal
import subprocess
import time

import broker

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
BIN = pathlib.Path(os.environ.get("TELEINFO_BIN", PROJECT / "target/debug")).resolve()
PROGRAMS = ("teleinfo-bridge", "teleinfo-reader", "teleinfo-simulator")
FRAMES = PROJECT / "proto/tests/frames"
ZENOH = "tcp/127.0.0.1:7447"
# A meter is unavailable after so many seconds without a good frame.
OFFLINE_AFTER = 6


class Chain:
    """What runs, by name. `bridge_options` go into [homeassistant] of its configuration, `language` before it."""

    def __init__(self, directory):
        self.directory, self.running = pathlib.Path(directory), {}
        self.bridge_options, self.language, self.environment = "", "en", {}
        self.directory.mkdir()

    def start(self, name, *command, **environment):
        with open(self.log(name), "ab") as log:
            self.running[name] = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.environment, **environment},
            )

    def stop(self, name, number=signal.SIGTERM):
        process = self.running.pop(name)
        # The whole group: faketime does not hand signals on.
        os.killpg(process.pid, number)
        process.wait(20)

    def kill(self, name):
        self.stop(name, signal.SIGKILL)

    def log(self, name):
        return self.directory / f"{name}.log"

    def said(self, name):
        return self.log(name).read_text(errors="replace")

    def bridge(self):
        file, state = self.directory / "bridge.toml", self.directory / "bridge-state"
        state.mkdir(exist_ok=True)
        file.write_text(
            f'language = "{self.language}"\n'
            f'[zenoh]\nlisten = ["{ZENOH}"]\nscouting = false\n'
            f'[mqtt]\nurl = "mqtt://{broker.HOST}:{broker.PORT}"\n'
            f"[homeassistant]\noffline-after = {OFFLINE_AFTER}\n{self.bridge_options}\n"
            '[log]\nlevel = "debug"\n'
        )
        self.start("bridge", BIN / "teleinfo-bridge", "--config", file, STATE_DIRECTORY=str(state))

    def meter(self, name, meter, options=""):
        """A simulated meter and its reader."""
        self.line(name, "meter", "--id", meter, *options.split())

    def replay(self, name, *files):
        """Frames of files, again and again, and their reader."""
        self.line(name, "replay", *(FRAMES / file for file in files), "--loop")

    def line(self, name, *what):
        pty = self.pty(name)
        self.start(f"meter-{name}", BIN / "teleinfo-simulator", what[0], "--pty", pty, *what[1:])
        end = time.monotonic() + 10
        while not pty.exists():
            if time.monotonic() > end:
                raise RuntimeError(f"the meter {name} does not start: {self.said(f'meter-{name}')}")
            time.sleep(0.1)
        self.reader(name)

    def reader(self, name):
        file = self.directory / f"{name}.toml"
        file.write_text(f'name = "{name}"\n[led]\nmode = "off"\n')
        self.start(f"reader-{name}", BIN / "teleinfo-reader", "--config", file, "--serial", self.pty(name), "--connect", ZENOH)

    def unplug(self, name):
        """The meter is gone, and with it its reader."""
        self.stop(f"reader-{name}")
        self.kill(f"meter-{name}")

    def pty(self, name):
        return self.directory / f"{name}.pty"

    def logs(self):
        return "\n".join(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-25:])
                         for path in sorted(self.directory.glob("*.log")))
