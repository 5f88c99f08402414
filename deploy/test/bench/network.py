"""Network namespaces: one for a whole test, or two that are joined by a cable, the reader's side and the bridge's side.

Nothing here touches the machine's own network. A cut is silent, as that of a switch without power: both ends keep
their link, packets go to a hardware address that nobody has, and TCP finds out by itself.
"""

import os
import sys

from bench.process import call, works

READER, BRIDGE, OTHER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
NOBODY = "02:00:00:00:00:99"
# What is started so ends with its first process, and so do its mounts and its network.
ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def alone(*words, network=True):
    """The command that runs this script again, with these words, in namespaces of its own."""
    return [*ALONE, *["--net"] * network, sys.executable, "-B", os.path.abspath(sys.argv[0]), *map(str, words)]


def loopback():
    """In a network of one's own even the loopback interface is down at first."""
    call("ip", "link", "set", "lo", "up")


class Cable:
    """Two namespaces, `reader_side` and `bridge_side`, and the cable between them."""

    def __init__(self):
        self.reader_side, self.bridge_side = f"tic-r{os.getpid()}", f"tic-b{os.getpid()}"
        self.address = BRIDGE
        self.ends = (self.reader_side, "cable0"), (self.bridge_side, "cable1")

    def __enter__(self):
        for side in (self.reader_side, self.bridge_side):
            call("ip", "netns", "add", side)
            call("ip", "-n", side, "link", "set", "lo", "up")
        far_end = ("peer", "name", "cable1", "netns", self.bridge_side)
        call("ip", "-n", self.reader_side, "link", "add", "cable0", "type", "veth", *far_end)
        for (side, device), address in zip(self.ends, (READER, BRIDGE), strict=True):
            call("ip", "-n", side, "addr", "add", f"{address}/24", "dev", device)
            call("ip", "-n", side, "link", "set", device, "up")
        self.hardware = [self._hardware(*end) for end in self.ends]
        self.heal()
        return self

    def __exit__(self, *_):
        for side in (self.reader_side, self.bridge_side):
            works("ip", "netns", "del", side)

    @staticmethod
    def inside(side, *command):
        """Runs on one side. Only the network is another one: what is mounted here is mounted there."""
        return ("nsenter", f"--net=/run/netns/{side}", *map(str, command))

    def cut(self):
        self._neighbours(NOBODY, NOBODY)

    def heal(self):
        self._neighbours(*self.hardware)

    def move_bridge(self, to):
        """The bridge's machine gets another address; the old one is gone."""
        call("ip", "-n", self.bridge_side, "addr", "del", f"{self.address}/24", "dev", "cable1")
        call("ip", "-n", self.bridge_side, "addr", "add", f"{to}/24", "dev", "cable1")
        self.address = to
        self.heal()

    def hinder(self, bits, loss):
        """Slow and lossy both ways; says how it was done, or None if this kernel can do neither."""
        if self._queue("netem", "rate", f"{bits}bit", "loss", f"{loss}%"):
            return "netem"
        slow = self._queue("tbf", "rate", f"{bits}bit", "burst", "3000", "latency", "400ms")
        return "tbf and iptables, no netem in this kernel" if slow and self._drop(loss / 100) else None

    def help(self):
        for side, device in self.ends:
            works("tc", "-n", side, "qdisc", "del", "dev", device, "root")
            works(*self.inside(side, "iptables", "-F", "INPUT"))

    def _queue(self, *kind):
        rule = ("qdisc", "replace", "dev")
        return all(works("tc", "-n", side, *rule, device, "root", *kind) for side, device in self.ends)

    def _drop(self, probability):
        rule = ("-m", "statistic", "--mode", "random", "--probability", probability, "-j", "DROP")
        add = ("iptables", "-A", "INPUT", "-i")
        return all(works(*self.inside(side, *add, device, *rule)) for side, device in self.ends)

    def _neighbours(self, reader, bridge):
        """Which hardware address each side believes the other one, of these two, to have."""
        for (side, device), address, hardware in zip(self.ends, (self.address, READER), (bridge, reader), strict=True):
            call("ip", "-n", side, "neigh", "replace", address, "lladdr", hardware, "dev", device, "nud", "permanent")

    @staticmethod
    def _hardware(side, device):
        words = call("ip", "-n", side, "-o", "link", "show", "dev", device).split()
        return words[words.index("link/ether") + 1]


class Star:
    """Namespaces that are joined by a switch in another one: each has a name and an address."""

    def __init__(self, *names):
        self.addresses = {name: f"10.78.0.{number}" for number, name in enumerate(names, 1)}
        self.switch = f"tic-s{os.getpid()}"
        self.sides = {name: f"tic-{name}{os.getpid()}" for name in names}

    def __enter__(self):
        call("ip", "netns", "add", self.switch)
        call("ip", "-n", self.switch, "link", "add", "switch", "type", "bridge")
        call("ip", "-n", self.switch, "link", "set", "switch", "up")
        self.hardware = {name: self._join(name) for name in self.sides}
        for name in self.sides:
            self.heal(name)
        return self

    def __exit__(self, *_):
        for side in (*self.sides.values(), self.switch):
            works("ip", "netns", "del", side)

    def inside(self, name):
        """The words before a command that runs there."""
        return ("nsenter", f"--net=/run/netns/{self.sides[name]}")

    def cut(self, name, *others):
        """Silent, both ways: from these, or from all."""
        self._neighbours(name, others, lambda _: NOBODY)

    def heal(self, name, *others):
        self._neighbours(name, others, self.hardware.get)

    def _join(self, name):
        side, port = self.sides[name], f"p-{name}"
        call("ip", "netns", "add", side)
        call("ip", "-n", side, "link", "set", "lo", "up")
        call("ip", "-n", side, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", self.switch)
        call("ip", "-n", side, "addr", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        call("ip", "-n", side, "link", "set", "eth0", "up")
        call("ip", "-n", self.switch, "link", "set", port, "master", "switch", "up")
        words = call("ip", "-n", side, "-o", "link", "show", "dev", "eth0").split()
        return words[words.index("link/ether") + 1]

    def _neighbours(self, name, others, hardware):
        """Which hardware address each of two believes the other one to have."""
        for other in others or set(self.sides) - {name}:
            for one, far in (name, other), (other, name):
                far_end = (self.addresses[far], "lladdr", hardware(far), "dev", "eth0", "nud", "permanent")
                call("ip", "-n", self.sides[one], "neigh", "replace", *far_end)
