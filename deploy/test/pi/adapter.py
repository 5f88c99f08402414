"""What is proven with a USB adapter: the chain to MQTT, across unplugging, plugging in again, and another number."""

import contextlib
import re

from bench.broker import HOST, PORT, Broker, Listener
from bench.programs import PROJECT, READER, Bridge, Meter, locator
from bench.report import require, say
from bench.wait import wait_for
from pi.debian import ARMV6
from pi.machine import NETWORK, VIRT, Machine
from pi.wire import Wire

METER = "041876097767"
# Its frames are the longest; their bytes come as an adapter at 7E1 gives them.
OPTIONS = ("--mode", "standard", "--phases", 3, "--producer", "--parity", "none")
# The drivers in the order in which they are loaded: of the USB socket, of the adapter, of the network.
USB = ("usb-common", "usbcore", "xhci-hcd", "xhci-pci-renesas", "xhci-pci", "usbserial", "ftdi_sio")
NET = ("virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover", "net_failover", "virtio_net")
# The machine's address for what runs beside QEMU.
BESIDE = "tcp/10.0.2.2:7447"
# The adapter's serial number, as in the guide, and the names that udev gives to its line.
SERIAL = "DA33DTBE"
LINE, BY_ID = "/dev/teleinfo", f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{SERIAL}-if00-port0"
GUIDE = PROJECT / "docs/raspberry-pi.md"
# A moment that 32 bits of seconds since 1970 cannot say.
LATE = "2039-05-17"
# Seconds from plugging in to the next value in MQTT.
BACK = 30


class House:
    """A machine with a USB adapter, the meter, and beside the machine a real bridge, broker and subscriber."""

    def __init__(self, directory, kernel, ends):
        self.directory, self.plugged = directory, 0
        self.broker, self.listener = Broker(directory / "broker"), Listener(directory / "broker")
        mqtt = {"url": f"mqtt://{HOST}:{PORT}"}
        self.bridge = Bridge(directory, {"zenoh": {"listen": [locator("127.0.0.1")]}, "mqtt": mqtt})
        self.meter = Meter(directory, *OPTIONS, "--id", METER)
        memory = kernel.archive(directory, (*USB, *NET), udev=True)
        options = ("-initrd", memory, *NETWORK)
        self.machine = Machine(directory, kernel, VIRT, ["console"], "console=ttyAMA0 out=ttyAMA0", *options)
        for part in self.broker, self.listener, self.bridge, self.meter:
            part.start()
            ends.callback(part.end)
        self.wire = Wire(self.meter.pty)
        ends.callback(self.machine.end)
        self.machine.start()
        self.machine.run("/lib/systemd/systemd-udevd --daemon")

    def plug(self):
        """An adapter into the socket, with the same serial number each time."""
        self.plugged += 1
        name = f"tic{self.plugged}"
        end = {"type": "unix", "data": {"path": str(self.machine.path(name))}}
        where = {"addr": end, "server": True, "wait": False}
        self.machine.monitor.tell("chardev-add", id=name, backend={"type": "socket", "data": where})
        adapter = {"driver": "usb-serial", "id": f"adapter{self.plugged}", "serial": SERIAL, "always-plugged": True}
        self.machine.monitor.tell("device_add", bus="usb.0", chardev=name, **adapter)
        self.wire.plug(self.machine.path(name))

    def unplug(self):
        self.wire.unplug()
        self.machine.monitor.tell("device_del", until="DEVICE_DELETED", id=f"adapter{self.plugged}")
        self.machine.monitor.tell("chardev-remove", id=f"tic{self.plugged}")

    def states(self):
        return sum(line.startswith(f"teleinfo/{METER} ".encode()) for _, line in self.listener.messages.lines)

    def value_comes(self):
        """Until a new state is in MQTT."""
        before = self.states()
        wait_for("a new state in MQTT", lambda: self.states() > before, BACK)


@contextlib.contextmanager
def house(directory, kernel):
    with contextlib.ExitStack() as ends:
        yield House(directory, kernel, ends)


# The key of the reader: the bridge believes no other one for a meter that it knows.
STATE = "/run/reader-state"
KEEPS = f"env STATE_DIRECTORY={STATE}"


def prove_adapter(directory, kernel):
    with house(directory, kernel) as home:
        has_names(home)
        keeps_parity(home)
        comes_back(home, "ttyUSB0")
        is_renumbered(home)
        runs_on_32_bits(home)


def has_names(home):
    """udev names the adapter by its serial number. No rule of ours claims it; the guide's rule gives it our name."""
    machine = home.machine
    home.plug()
    machine.wait("the adapter has a name", f"[ $(readlink -f {BY_ID}) = /dev/ttyUSB0 ]")
    rights = machine.run("stat -c '%G %a' /dev/ttyUSB0")
    require(rights == "dialout 660", f"the line is {rights}")
    require(machine.ask(f"[ -e {LINE} ]")[0], f"an adapter with no name of ours has become {LINE}")
    rule = re.search(r"echo '(SUBSYSTEM.*)' \|", GUIDE.read_text()).group(1)
    machine.run(f"mkdir -p /etc/udev/rules.d; echo '{rule}' >/etc/udev/rules.d/61-teleinfo.rules")
    machine.run("udevadm control --reload && udevadm trigger --subsystem-match=tty")
    machine.wait(f"the adapter is {LINE}", f"[ $(readlink {LINE}) = ttyUSB0 ]")
    say(f"udev: dialout, {BY_ID}; {LINE} by the rule of the guide")


def keeps_parity(home):
    """The driver of the adapter keeps 7E1, and the values arrive in MQTT. The reader finds its line by itself."""
    machine = home.machine
    machine.run(f"mkdir {STATE}")
    machine.background(f"{KEEPS} {READER} --connect {BESIDE}", "reader")
    machine.wait_said("reader", f"{LINE}: reading meter {METER} in standard mode", patience=60)
    home.value_comes()
    driver = machine.run("readlink /sys/class/tty/ttyUSB0/device/driver")
    require(driver.endswith("ftdi_sio"), f"the adapter is driven by {driver}")
    missing = {"9600", "cs7", "parenb", "-parodd"} - set(machine.settings(LINE))
    require(not missing, f"the adapter is not {missing}")
    require("parity checked by the UART" in machine.said("reader"), f"the reader says:\n{machine.said('reader')}")
    say("USB adapter: 7E1 kept by ftdi_sio, values arrive in MQTT")


def comes_back(home, name):
    """Unplugged, the reader says so; plugged in again, it says that it reads again, and values arrive."""
    machine = home.machine
    gone, reading = (machine.said("reader").count(words) for words in ("has gone", "reading meter"))
    home.unplug()
    machine.wait_said("reader", "has gone", gone + 1)
    home.plug()
    machine.wait(f"the adapter is back as {name}", f"[ $(readlink {LINE}) = {name} ]")
    machine.wait_said("reader", "reading meter", reading + 1)
    home.value_comes()
    say(f"unplugged, and back as {name}: values arrive again, and the reader says both")


def is_renumbered(home):
    """Another program has the old line open, so the adapter comes back under the next number."""
    for number in 1, 2:
        home.machine.background(f"sleep 100000 3</dev/ttyUSB{number - 1}", f"holder{number}")
        comes_back(home, f"ttyUSB{number}")


def runs_on_32_bits(home):
    """The reader for the first Pis, under a 64-bit kernel, on a day after January 2038."""
    machine = home.machine
    machine.stop("reader")
    machine.run(f"date -s '{LATE} 12:00'")
    _, said = machine.ask(f"{ARMV6} doctor --serial {LINE} --connect {BESIDE}", 90)
    require(f"clock: {LATE} " in " ".join(said.split()), f"the clock of the 32-bit reader is wrong:\n{said}")
    machine.background(f"{KEEPS} {ARMV6} --serial {LINE} --connect {BESIDE}", "reader")
    machine.wait_said("reader", f"reading meter {METER} in standard mode", patience=60)
    home.value_comes()
    say(f"the reader for ARMv6 reads under this kernel, and knows that it is {LATE}")
