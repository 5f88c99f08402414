"""The faults: each a function that does something to a running chain and undoes it. What it returns is said in the
table."""

import contextlib
import random
import subprocess
import sys
import time
import typing

from bench import clock, trust
from bench.broker import PASSWORD
from bench.network import BRIDGE, OTHER
from bench.process import Process, call
from bench.programs import ZENOH, Bridge, locator

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
    # Until a live frame arrives after its end: 2 s, half a frame's time, and what a busy machine needs.
    back: float = 4.0


def fault(name, short=(), long=(), **more):
    def note(function):
        FAULTS.append(Fault(name, function, short, long, **more))
        return function

    return note


# How much faster the meter and the reader's clock are where hours are played.
HASTE = 120


def clock_of(chain):
    return chain.directory / "clock"


def with_clock(chain, text):
    """Another wall clock for the reader. Without libfaketime nothing happens, and the fault says so."""
    library = clock.library()
    if library is not None:
        clock_of(chain).write_text(f"{text}\n")
        chain.reader.environment |= clock.told_by(clock_of(chain), library)
        chain.restart_reader()


def fast_clock(chain):
    with_clock(chain, f"+0 x{HASTE}")


def clock_in_the_past(chain):
    """A Pi starts in the past and learns the time later."""
    with_clock(chain, "-20000d")


def clock_is_right(chain):
    if clock.is_told(chain.reader.environment):
        chain.reader.environment = clock.true(chain.reader.environment)
        chain.restart_reader()


def exit_code(code):
    """A clean stop ends with 0; anything else is said, and is bad."""
    return "" if code == 0 else f"exit code {code}"


@fault("reader killed, started again", short=[1], long=[3, 3])
def reader_killed(chain, seconds):
    with chain.deaf():
        chain.reader.kill()
        chain.sleep(seconds)
        chain.reader.start()


@fault("reader killed while it saves its history", short=[1], long=[1, 1])
def reader_killed_saving(chain, seconds):
    with chain.deaf():
        for milliseconds in 0, 1, 2, 5, 10:
            chain.reader.ask_to_stop()
            time.sleep(milliseconds / 1000)
            chain.reader.kill()
            chain.reader.start()
            chain.sleep(seconds)


@fault("the reader's saved history is damaged", short=[1], long=[1, 1])
def history_damaged(chain, seconds):
    with chain.deaf():
        code = chain.reader.stop()
        file, dice = chain.reader.state / "history", random.Random(seconds)
        data = bytearray(file.read_bytes())
        for _ in range(20):
            data[dice.randrange(len(data))] ^= 0xFF
        file.write_bytes(data[: len(data) * 3 // 4])
        chain.reader.start()
        chain.sleep(seconds)
    return exit_code(code)


@fault("reader restarted cleanly while the network is cut", short=[2], long=[3, 20])
def reader_restarted(chain, seconds):
    chain.cable.cut()
    chain.sleep(seconds)
    with chain.deaf():
        code = chain.reader.stop()
        chain.reader.start()
    chain.sleep(seconds)
    chain.cable.heal()
    return exit_code(code)


@fault("bridge killed, started again", short=[3], long=[3, 20])
def bridge_killed(chain, seconds):
    chain.bridge.kill()
    chain.sleep(seconds)
    chain.bridge.start()


@fault("bridge restarted cleanly", short=[1], long=[1, 5])
def bridge_restarted(chain, seconds):
    code = chain.bridge.stop()
    chain.sleep(seconds)
    chain.bridge.start()
    return exit_code(code)


@fault("broker restarted", short=[2], long=[2, 20])
def broker_restarted(chain, seconds):
    chain.broker.stop()
    chain.sleep(seconds)
    chain.broker.start()


@fault("broker killed, comes back without memory", short=[2], long=[2, 20])
def broker_forgets(chain, seconds):
    chain.broker.stop(kill=True)
    chain.broker.forget()
    chain.sleep(seconds)
    chain.broker.start(persistence=False)


MUTE = "import socket,time\ns=socket.create_server(('127.0.0.1',1883))\nk=[]\nwhile True: k.append(s.accept())"


@fault("wrong MQTT password, then the right one", short=[4], long=[4, 20])
def wrong_password(chain, seconds):
    """As somebody sets it up: the bridge is started again each time."""
    for password, wait in ("wrong", seconds), (PASSWORD, 0):
        chain.bridge.stop()
        chain.set_password(password)
        chain.bridge.start()
        chain.sleep(wait)


@fault("broker accepts and never answers", short=[4], long=[4, 20])
def broker_mute(chain, seconds):
    chain.broker.stop()
    command = chain.cable.inside(chain.cable.bridge_side, sys.executable, "-c", MUTE)
    mute = Process(chain.directory / "mute.log", *command).start()
    chain.sleep(seconds)
    mute.kill()
    chain.broker.start()


@fault("broker hangs, goes on", short=[4], long=[4, 20])
def broker_hangs(chain, seconds):
    chain.broker.freeze()
    chain.sleep(seconds)
    chain.broker.thaw()


@fault("network cut in silence", short=[5], long=[5, 5, 30, 30, 150])
def network_cut(chain, seconds):
    chain.cable.cut()
    chain.sleep(seconds)
    chain.cable.heal()


@fault("network cut, longer than Zenoh's lease", short=[14])
def network_cut_longer(chain, seconds):
    network_cut(chain, seconds)


@fault(
    "network cut of hours, told by snapshots",
    short=[10],
    long=[60, 60],
    before=fast_clock,
    speed=HASTE,
    gap=76,
    back=15,
)
def network_cut_hours(chain, seconds):
    """A minute of this is two hours of the meter and of the reader's clock.

    Eighty frames a second take the machine's time: how fast the chain is back says nothing here.

    A minute of the meter has 38 frames; the index that tells a snapshot's frame may have stood for some of them.
    """
    if not clock.is_told(chain.reader.environment):
        return f"{NOT_PLAYED}: no libfaketime"
    network_cut(chain, seconds)
    return f"{seconds * HASTE / 3600:.1f} h"


@fault("link flaps twice a second", short=[5], long=[5, 30])
def link_flaps(chain, seconds):
    for _ in range(int(seconds)):
        for act in (chain.cable.cut, chain.cable.heal, chain.cable.cut, chain.cable.heal):
            act()
            chain.sleep(0.25)


@fault("link of 100 kbit/s that loses 5 % of packets", short=[6], long=[6, 30])
def link_slow(chain, seconds):
    how = chain.cable.hinder(100_000, 5)
    if how is None:
        return f"{NOT_PLAYED}: no netem, no tbf with iptables"
    chain.sleep(seconds)
    chain.cable.help()
    return f"by {how}"


@fault("serial adapter unplugged, back under another number", short=[2], long=[2, 20])
def serial_unplugged(chain, seconds):
    with chain.deaf():
        before = chain.line.unplug()
        chain.sleep(seconds)
        after = chain.line.plug()
    return f"{before} -> {after}" if before != after else f"FAILED: still {after}"


@fault("serial line silent", short=[3], long=[3, 20])
def serial_silent(chain, seconds):
    with chain.deaf():
        chain.line.silent = True
        chain.sleep(seconds)
        chain.line.silent = False


@fault("noise on the serial line", short=[4], long=[4, 30])
def serial_noise(chain, seconds):
    with chain.deaf():
        chain.line.noise = 0.1
        chain.sleep(seconds)
        chain.line.noise = 0


def two_addresses(chain):
    chain.reader.connect(BRIDGE, OTHER)
    chain.restart_reader()


def one_address(chain):
    chain.reader.connect(chain.cable.address)
    chain.restart_reader()


TWO = {"before": two_addresses, "after": one_address}


@fault("bridge gets its other address, nobody says goodbye", short=[6], long=[6, 6], **TWO)
def bridge_moves(chain, seconds):
    """Where the old address answers no more, silence is all that the reader can notice: its end is that of Zenoh's
    lease."""
    chain.cable.move_bridge(OTHER if chain.cable.address == BRIDGE else BRIDGE)
    chain.sleep(seconds)


LEARNT = {"before": clock_in_the_past, "after": clock_is_right}


@fault("clock of the reader jumps, network cut meanwhile", short=[1.5], long=[1.5, 6], **LEARNT)
def clock_jumps(chain, seconds):
    if not clock.is_told(chain.reader.environment):
        return f"{NOT_PLAYED}: no libfaketime"
    chain.cable.cut()
    for jump in ("+0", "+3600", "-3600", "+0"):
        clock_of(chain).write_text(f"{jump}\n")
        chain.sleep(seconds)
    chain.cable.heal()
    return ""


@contextlib.contextmanager
def full(*directories):
    """Meanwhile there is no room left in these directories. The keys in them stay, as on any disk that is full."""
    with contextlib.ExitStack() as ends:
        for directory in directories:
            keys = {file: file.read_bytes() for file in (directory / name for name in trust.FILES) if file.exists()}
            call("mount", "-t", "tmpfs", "-o", "size=16k", "none", directory)
            ends.callback(call, "umount", "-l", directory)
            for file, text in keys.items():
                file.touch(mode=0o600)
                file.write_bytes(text)
            fill(directory)
        yield


def fill(directory):
    with contextlib.suppress(OSError), open(directory / "full", "wb") as file:
        file.write(bytes(20_000))


@fault("no room in the state directories, reader restarted", short=[1], long=[1, 1])
def disk_full(chain, seconds):
    with full(chain.reader.state, chain.bridge.state, chain.bridge.runtime):
        with chain.deaf():
            code = chain.reader.stop()
            chain.reader.start()
        chain.sleep(seconds)
    return exit_code(code)


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


def flood(chain, host, port, seconds):
    command = chain.cable.inside(chain.cable.reader_side, sys.executable, "-c", FLOOD, host, port, seconds)
    return subprocess.check_output(command, text=True, timeout=seconds + 20).split()


@fault("flood of garbage on the Zenoh port", short=[3], long=[3, 20])
def flood_zenoh(chain, seconds):
    tries, sent = flood(chain, chain.cable.address, ZENOH, seconds)
    return f"{tries} connections, {int(sent) // 1000} kB"


@fault("flood of garbage on the embedded MQTT port", short=[3], long=[3, 20])
def flood_mqtt(chain, seconds):
    """A second bridge, since the first one has a broker. It must live, and still serve a client."""
    inside, port = chain.cable.inside(chain.cable.bridge_side), 1884
    zenoh = {"listen": [locator("127.0.0.1", ZENOH + 1)], "scouting": False}
    settings = {"zenoh": zenoh, "mqtt": {"listen": f"0.0.0.0:{port}"}}
    bridge = Bridge(chain.directory, settings, name="embedded", before=inside).start()
    try:
        bridge.wait_said("MQTT clients connect to")
        chain.sleep(1)
        before = bridge.memory()
        tries, sent = flood(chain, chain.cable.address, port, seconds)
        listen = (*inside, "mosquitto_sub", "-p", str(port), "-t", "#", "-E")
        served = subprocess.run(listen, timeout=10).returncode == 0
        if not (bridge.alive() and served):
            return "FAILED: it no longer serves clients"
        return f"{tries} connections, {int(sent) // 1000} kB; its memory {before} -> {bridge.memory()} kB"
    finally:
        bridge.kill()
