"""What is proven at the pins of a Pi 3: its two UARTs and the light."""

import contextlib

from bench.programs import READER, Meter
from bench.report import Failure, require, say
from pi.debian import LIGHT_PIN
from pi.machine import PI, Machine, StandsStill
from pi.wire import Wire

METER = "041876097767"
# The numbers with which the two kernels begin to count the pins of the header.
BASES = {"6.1": 458, "6.12": 512}
UART, MINI_UART = "/dev/ttyAMA0", "/dev/ttyS1"
NO_BRIDGE = "--connect tcp/127.0.0.1:7447"


@contextlib.contextmanager
def pi(directory, kernel, line, parity, light=False):
    """A Pi 3 whose meter's line is the UART or the mini-UART. The other one is the console."""
    lines = ("tic", "console") if line == UART else ("console", "tic")
    console = "ttyS1" if line == UART else "ttyAMA0"
    boot = ("-dtb", kernel.device_tree(directory, light), "-initrd", kernel.archive(directory, ["leds-gpio"]))
    machine = Machine(directory, kernel, PI, lines, f"console={console},115200 out={console}", *boot)
    meter = Meter(directory, "--mode", "standard", "--id", METER, "--parity", parity)
    try:
        machine.wire = Wire(meter.start().pty)
        machine.start()
        yield machine
    finally:
        machine.end()
        meter.end()


def prove_pins(directory, kernel):
    with pi(directory, kernel, UART, "none", light=True) as machine:
        keeps_parity(machine, UART)
        lights_by_name(machine)
        gives_back_the_pin(machine)
        lights_by_number(machine)
        names_the_login(machine)


def prove_mini_uart(directory, kernel):
    with pi(directory, kernel, MINI_UART, "even") as machine:
        does_without_parity(machine)


# The UARTs.


def keeps_parity(machine, line):
    """The driver keeps 7E1, and a reader on a machine without a name uses it."""
    require(machine.run("hostname") == "(none)", "the machine has a name")
    machine.background(f"{READER} --serial {line} {NO_BRIDGE}", "reader")
    reads(machine, line, "parity checked by the UART")
    check_settings(machine, line, ("9600", "cs7", "parenb", "-parodd", "inpck", "-echo", "-icanon"))
    machine.stop("reader")
    say(f"{line}: 7E1 kept by the driver, parity checked by it; the machine has no name")


def does_without_parity(machine):
    """The driver refuses parity but keeps seven bits; the reader asks for eight, and finds the parity in the last."""
    code, _ = machine.ask(f"stty -F {MINI_UART} 1200 cs7 parenb -parodd")
    require(code, "the mini-UART takes 7E1: it should not")
    check_settings(machine, MINI_UART, ("cs7", "-parenb"))
    say(f"{MINI_UART}: 7E1 refused by the driver; seven bits without parity stay")
    machine.background(f"{READER} --serial {MINI_UART} {NO_BRIDGE}", "reader")
    machine.wait("the reader asks for 8N1", f"stty -F {MINI_UART} -a | grep -q -- '-parenb.* cs8'")
    say(f"{MINI_UART}: opened as 8N1 by the reader")
    # Only now: bytes that wait at an opening are one more thing that this emulation does not survive.
    try:
        reads(machine, MINI_UART, "parity checked by this program")
    except Failure as failure:
        if received(machine):
            raise
        raise StandsStill(f"no byte comes out of {MINI_UART}") from failure
    say(f"{MINI_UART}: read, parity checked by the reader")


def received(machine):
    """Bytes that the driver of the mini-UART has had from it."""
    return int(machine.run("sed -n 's/^1:.* rx:\\([0-9]*\\).*/\\1/p' /proc/tty/driver/serial") or 0)


def reads(machine, line, words):
    """The reader reads the meter, and says so with these words."""
    machine.wire.plug(machine.path("tic"))
    machine.wait_said("reader", f"{line}: reading meter {METER} in standard mode", patience=60)
    said = machine.said("reader")
    require(words in said, f"the reader does not say {words!r}:\n{said}")


def check_settings(machine, line, wanted):
    missing = [word for word in wanted if word not in machine.settings(line)]
    require(not missing, f"{line} is not {' '.join(missing)}")


# The light. The kernel notes each change of a pin: "462 set 1".


def lights_by_number(machine):
    """The light on the header's pin 4, whatever the kernel's number for it is; afterwards the pin is free again."""
    base = machine.run("cat $(dirname $(grep -l pinctrl-bcm2835 /sys/class/gpio/*/label))/base")
    require(int(base) == BASES[machine.kernel.version], f"the pins begin at {base}: is this another kernel?")
    number = int(base) + LIGHT_PIN
    blinks(machine, number)
    require(machine.ask(f"[ -e /sys/class/gpio/gpio{number} ]")[0], f"gpio{number} was not given back")
    say(f"the light blinks on pin {number}, GPIO {LIGHT_PIN} of the header, through /sys/class/gpio")


def lights_by_name(machine):
    """Where the kernel drives the light, its pin is not to be had, and /sys/class/leds is used."""
    number = BASES[machine.kernel.version] + LIGHT_PIN
    require(machine.ask(f"echo {number} >/sys/class/gpio/export")[0], "the pin is free, though the kernel has it")
    blinks(machine, number)
    say(f"the light blinks on pin {number} through /sys/class/leds/TIC; /sys/class/gpio does not give that pin")


def gives_back_the_pin(machine):
    """From here on it is a Pi without `dtoverlay=gpio-led`: the kernel's driver has left the light."""
    machine.run("cd /sys/bus/platform/drivers/leds-gpio; ls | grep leds >unbind")


def blinks(machine, number):
    """`doctor` lights it three times; the reader shows power by it, and leaves it dark."""
    changes = f"sed -n 's/.*gpio_value: {number} set //p' /sys/kernel/tracing/trace"
    machine.run("[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing")
    machine.run("echo 1 >/sys/kernel/tracing/events/gpio/enable; echo >/sys/kernel/tracing/trace")
    machine.ask(f"{READER} doctor --serial {UART} {NO_BRIDGE}", 90)
    flashes = "".join(machine.run(changes).split()).lstrip("0")
    require(flashes.count("10") == 3, f"doctor lights it otherwise than three times: {flashes or 'never'}")
    machine.run("echo >/sys/kernel/tracing/trace; printf '[led]\\nmode = \"power\"\\n' >/run/reader.toml")
    machine.background(f"{READER} --config /run/reader.toml --serial {UART} {NO_BRIDGE}", "reader")
    machine.wait("the light shows power", f"[ $({changes} | grep -c 1) -ge 3 ]", 60)
    machine.stop("reader")
    require(machine.run(changes).split()[-1] == "0", "the light stays lit")


# Who has the line.


def names_the_login(machine):
    """A login on the port is named, with the command that frees it, by whatever name the port is asked for.

    The meter is silent: what it sends would be a user's name, and the login would end. Until the last of that is read
    it is begun again, as systemd does.
    """
    machine.wire.unplug()
    machine.run(f"ln -s {UART.removeprefix('/dev/')} /dev/serial0")
    machine.background(f"sh -c 'while :; do setsid getty 9600 {UART} vt100; sleep 1; done'", "login")
    machine.run("sleep 5")
    for name in UART, "/dev/serial0":
        code, said = machine.ask(f"{READER} doctor --serial {name} {NO_BRIDGE}", 90)
        said = " ".join(said.replace("\\", " ").split())
        require(code and "a login on this line" in said, f"doctor does not see the login on {name}:\n{said}")
        require("disable --now serial-getty@ttyAMA0" in said, f"doctor names no unit, or another one:\n{said}")
    say("a login on the port is named, as serial-getty@ttyAMA0, for /dev/serial0 too")
