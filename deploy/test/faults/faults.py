"""The faults: each a function that does something to a running stack and undoes it. What it returns is said in the table."""

import pathlib
import random
import subprocess
import sys
import time
import typing

from place import BRIDGE, OTHER
from programs import Program, environment
from stack import ZENOH

FAULTS = []
# At the head of what a fault says that could not be played: never a pass.
NOT_PLAYED = "NOT PLAYED"


class Fault(typing.NamedTuple):
    name: str
    play: typing.Callable
    # How many seconds, in each form; in the long one each is repeated.
    short: typing.Sequence
    long: typing.Sequence
    # What comes before and after it is not measured.
    before: typing.Callable = None
    after: typing.Callable = None
    # The speed of the meter, if it needs one of its own, and the most frames between two indexes then.
    speed: int = None
    gap: int = None


def fault(name, short=(), long=(), **more):
    def note(function):
        FAULTS.append(Fault(name, function, short, long, **more))
        return function

    return note


# How much faster the meter and the reader's clock are where hours are played.
HASTE = 120


def clock_of(stack):
    return stack.directory / "clock"


def with_clock(stack, text):
    """Another wall clock for the reader; its monotonic one is left alone. Without libfaketime nothing happens, and the fault says so."""
    library = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    if library is not None:
        clock_of(stack).write_text(f"{text}\n")
        fake = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock_of(stack), "FAKETIME_NO_CACHE": 1, "FAKETIME_DONT_FAKE_MONOTONIC": 1}
        stack.reader.env = stack.reader.env | environment(**fake)
        stack.restart_reader()


def fast_clock(stack):
    with_clock(stack, f"+0 x{HASTE}")


def clock_in_the_past(stack):
    """A Pi starts in the past and learns the time later."""
    with_clock(stack, "-20000d")


def clock_is_right(stack):
    if stack.reader.has("FAKETIME"):
        stack.reader.env = {name: value for name, value in stack.reader.env.items() if "FAKETIME" not in name and name != "LD_PRELOAD"}
        stack.restart_reader()


@fault("reader killed, started again", short=[1], long=[3, 3])
def reader_killed(stack, seconds):
    with stack.deaf():
        stack.reader.kill()
        stack.sleep(seconds)
        stack.reader.start()


@fault("reader killed while it saves its history", short=[1], long=[1, 1])
def reader_killed_saving(stack, seconds):
    with stack.deaf():
        for milliseconds in 0, 1, 2, 5, 10:
            stack.reader.ask_to_stop()
            time.sleep(milliseconds / 1000)
            stack.reader.kill()
            stack.reader.start()
            stack.sleep(seconds)


@fault("the reader's saved history is damaged", short=[1], long=[1, 1])
def history_damaged(stack, seconds):
    with stack.deaf():
        code = stack.reader.stop()
        file, dice = stack.directory / "reader-state/history", random.Random(seconds)
        data = bytearray(file.read_bytes())
        for _ in range(20):
            data[dice.randrange(len(data))] ^= 0xFF
        file.write_bytes(data[: len(data) * 3 // 4])
        stack.reader.start()
        stack.sleep(seconds)
    return "" if code == 0 else f"exit code {code}"


@fault("reader restarted cleanly while the network is cut", short=[2], long=[3, 20])
def reader_restarted(stack, seconds):
    stack.place.cut()
    stack.sleep(seconds)
    with stack.deaf():
        code = stack.reader.stop()
        stack.reader.start()
    stack.sleep(seconds)
    stack.place.heal()
    return "" if code == 0 else f"exit code {code}"


@fault("bridge killed, started again", short=[3], long=[3, 20])
def bridge_killed(stack, seconds):
    stack.bridge.kill()
    stack.sleep(seconds)
    stack.bridge.start()


@fault("bridge restarted cleanly", short=[1], long=[1, 5])
def bridge_restarted(stack, seconds):
    code = stack.bridge.stop()
    stack.sleep(seconds)
    stack.bridge.start()
    return "" if code == 0 else f"exit code {code}"


@fault("broker restarted", short=[2], long=[2, 20])
def broker_restarted(stack, seconds):
    stack.broker.stop()
    stack.sleep(seconds)
    stack.broker.start()


@fault("broker killed, comes back without memory", short=[2], long=[2, 20])
def broker_forgets(stack, seconds):
    stack.broker.stop(kill=True)
    for file in stack.directory.glob("mosquitto.db*"):
        file.unlink()
    stack.sleep(seconds)
    stack.broker.start(persistence=False)


MUTE = "import socket,time\ns=socket.create_server(('127.0.0.1',1883))\nk=[]\nwhile True: k.append(s.accept())"


@fault("wrong MQTT password, then the right one", short=[4], long=[4, 20])
def wrong_password(stack, seconds):
    """As somebody sets it up: the bridge is started again each time."""
    for password, wait in ("wrong", seconds), (stack.broker.password, 0):
        stack.bridge.stop()
        stack.set_password(password)
        stack.bridge.start()
        stack.sleep(wait)


@fault("broker accepts and never answers", short=[4], long=[4, 20])
def broker_mute(stack, seconds):
    stack.broker.stop()
    mute = Program(stack.directory / "mute.log", *stack.place.inside(stack.place.far, sys.executable, "-c", MUTE)).start()
    stack.sleep(seconds)
    mute.kill()
    stack.broker.start()


@fault("broker hangs, goes on", short=[4], long=[4, 20])
def broker_hangs(stack, seconds):
    stack.broker.program.freeze()
    stack.sleep(seconds)
    stack.broker.program.thaw()


@fault("network cut in silence", short=[5], long=[5, 5, 30, 30, 150])
def network_cut(stack, seconds):
    stack.place.cut()
    stack.sleep(seconds)
    stack.place.heal()


@fault("network cut, longer than Zenoh's lease", short=[14])
def network_cut_longer(stack, seconds):
    network_cut(stack, seconds)


@fault("network cut of hours, told by snapshots", short=[10], long=[60, 60], before=fast_clock, speed=HASTE, gap=76)
def network_cut_hours(stack, seconds):
    """A minute of this is two hours of the meter and of the reader's clock.

    A minute of the meter has 38 frames; the index that tells a snapshot's frame may have stood for some of them.
    """
    if not stack.reader.has("FAKETIME"):
        return f"{NOT_PLAYED}: no libfaketime"
    network_cut(stack, seconds)
    return f"{seconds * HASTE / 3600:.1f} h"


@fault("link flaps twice a second", short=[5], long=[5, 30])
def link_flaps(stack, seconds):
    for _ in range(int(seconds)):
        for act in (stack.place.cut, stack.place.heal, stack.place.cut, stack.place.heal):
            act()
            stack.sleep(0.25)


@fault("link of 100 kbit/s that loses 5 % of packets", short=[6], long=[6, 30])
def link_slow(stack, seconds):
    how = stack.place.hinder(100_000, 5)
    if how is None:
        return f"{NOT_PLAYED}: no netem, no tbf with iptables"
    stack.sleep(seconds)
    stack.place.help()
    return f"by {how}"


@fault("serial adapter unplugged, back under another number", short=[2], long=[2, 20])
def serial_unplugged(stack, seconds):
    with stack.deaf():
        before = stack.line.unplug()
        stack.sleep(seconds)
        after = stack.line.plug()
    return f"{before} -> {after}" if before != after else f"FAILED: still {after}"


@fault("serial line silent", short=[3], long=[3, 20])
def serial_silent(stack, seconds):
    with stack.deaf():
        stack.line.silent = True
        stack.sleep(seconds)
        stack.line.silent = False


@fault("noise on the serial line", short=[4], long=[4, 30])
def serial_noise(stack, seconds):
    with stack.deaf():
        stack.line.noise = 0.1
        stack.sleep(seconds)
        stack.line.noise = 0


def two_addresses(stack):
    stack.reader.command = list(map(str, stack.reader_command(BRIDGE, OTHER)))
    stack.restart_reader()


def one_address(stack):
    stack.reader.command = list(map(str, stack.reader_command(stack.place.address)))
    stack.restart_reader()


@fault("bridge gets its other address, nobody says goodbye", short=[6], long=[6, 6], before=two_addresses, after=one_address)
def bridge_moves(stack, seconds):
    """Where the old address answers no more, silence is all that the reader can notice: its end is that of Zenoh's lease."""
    stack.place.move_bridge(OTHER if stack.place.address == BRIDGE else BRIDGE)
    stack.sleep(seconds)


@fault("clock of the reader jumps, network cut meanwhile", short=[1.5], long=[1.5, 6], before=clock_in_the_past, after=clock_is_right)
def clock_jumps(stack, seconds):
    if not stack.reader.has("FAKETIME"):
        return f"{NOT_PLAYED}: no libfaketime"
    stack.place.cut()
    for jump in ("+0", "+3600", "-3600", "+0"):
        clock_of(stack).write_text(f"{jump}\n")
        stack.sleep(seconds)
    stack.place.heal()


def fill(directory):
    try:
        with open(directory / "full", "wb") as file:
            file.write(bytes(20_000))
    except OSError:
        pass


@fault("no room in the state directories, reader restarted", short=[1], long=[1, 1])
def disk_full(stack, seconds):
    states = stack.directory / "reader-state", stack.directory / "bridge-state", stack.directory / "bridge-run"
    for state in states:
        subprocess.run(("mount", "-t", "tmpfs", "-o", "size=16k", "none", state), check=True)
    try:
        for state in states:
            fill(state)
        with stack.deaf():
            code = stack.reader.stop()
            stack.reader.start()
        stack.sleep(seconds)
    finally:
        for state in states:
            subprocess.run(("umount", "-l", state), check=True)
    return "" if code == 0 else f"exit code {code}"


FLOOD = """
import random, socket, sys, time
host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
dice, began, sent, tries = random.Random(7), time.monotonic(), 0, 0
while tries < 400 and sent < 20_000_000:
    tries += 1
    time.sleep(max(0, began + tries * seconds / 400 - time.monotonic()))
    try:
        with socket.create_connection((host, port), timeout=1) as line:
            line.settimeout(0.5)
            for _ in range(dice.choice((1, 1, 1, 20))):
                sent += line.send(dice.randbytes(dice.choice((1, 40, 2000, 60000))))
    except OSError:
        pass
print(tries, sent)
"""


def flood(stack, host, port, seconds):
    command = stack.place.inside(stack.place.near, sys.executable, "-c", FLOOD, host, port, seconds)
    return subprocess.check_output(command, text=True, timeout=seconds + 20).split()


@fault("flood of garbage on the Zenoh port", short=[3], long=[3, 20])
def flood_zenoh(stack, seconds):
    tries, sent = flood(stack, stack.place.address, ZENOH, seconds)
    return f"{tries} connections, {int(sent) // 1000} kB"


@fault("flood of garbage on the embedded MQTT port", short=[3], long=[3, 20])
def flood_mqtt(stack, seconds):
    """A second bridge, since the first one has a broker. It must live, and still serve a client."""
    config = stack.directory / "embedded.toml"
    config.write_text('[zenoh]\nlisten = ["tcp/127.0.0.1:7448"]\nscouting = false\n[mqtt]\nlisten = "0.0.0.0:1884"\n')
    command = stack.place.inside(stack.place.far, stack.binaries["teleinfo-bridge"], "--config", config)
    bridge = Program(stack.directory / "embedded.log", *command, env=environment()).start()
    try:
        bridge.wait_said("MQTT clients connect to")
        stack.sleep(1)
        before = bridge.memory()
        tries, sent = flood(stack, stack.place.address, 1884, seconds)
        listen = ("mosquitto_sub", "-p", "1884", "-t", "#", "-E")
        served = subprocess.run(stack.place.inside(stack.place.far, *listen), timeout=10).returncode == 0
        if not (bridge.alive() and served):
            return "FAILED: it no longer serves clients"
        return f"{tries} connections, {int(sent) // 1000} kB; its memory {before} -> {bridge.memory()} kB"
    finally:
        bridge.kill()
