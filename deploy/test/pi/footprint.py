"""What the reader takes, on disk and of the memory of a machine of each kind, while it reads."""

import contextlib
import pathlib
import time

from bench.programs import Meter, Reader
from pi.adapter import BESIDE, METER, OPTIONS, House
from pi.debian import READERS, program

# The reader for this machine itself reads a meter of its own.
NATIVE, NEIGHBOUR = "x86_64-unknown-linux-musl", "041876097768"
STATUS = "VmRSS", "RssAnon", "Threads"
HEAD = "| reader | program, bytes | resident kB | of it anonymous | threads |\n|---|---|---|---|---|"


def measure(directory, kernel, seconds):
    """The table, after so many seconds. The readers for a Pi run in one machine, with an adapter each at one meter."""
    with contextlib.ExitStack() as ends:
        home = House(directory, kernel, ends)
        for number, name in enumerate(READERS.values()):
            start(home, number, name)
        meter = Meter(directory, *OPTIONS, "--id", NEIGHBOUR, name="neighbour")
        native = Reader(directory, meter.pty, "127.0.0.1", program=program(NATIVE))
        for part in meter, native:
            ends.callback(part.end)
            part.start()
        native.wait_said("reading meter")
        time.sleep(seconds)
        yield HEAD
        yield row(NATIVE, pathlib.Path(f"/proc/{native.process.pid}/status").read_text())
        for number, target in enumerate(READERS):
            yield row(target, home.machine.run(f"cat /proc/$(cat /run/reader{number}.pid)/status"))


def start(home, number, name):
    home.plug()
    home.machine.wait("the adapter is there", f"[ -e /dev/ttyUSB{number} ]")
    home.machine.background(f"{name} --serial /dev/ttyUSB{number} --connect {BESIDE}", f"reader{number}")
    home.machine.wait_said(f"reader{number}", f"reading meter {METER}", patience=60)


def row(target, status):
    said = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return (
        f"| {target} | {program(target).stat().st_size} | "
        + " | ".join(said[name].split()[0] for name in STATUS)
        + " |"
    )
