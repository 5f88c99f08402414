"""Two network namespaces joined by a cable: the reader's side and the bridge's side.

Nothing here touches the machine's own network. A cut is silent, as that of a switch without power: both ends keep their link, packets go
to a hardware address that nobody has, and TCP finds out by itself.
"""

import os
import subprocess

READER, BRIDGE, OTHER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
NOBODY = "02:00:00:00:00:99"


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


def works(*command):
    return subprocess.run(command, capture_output=True).returncode == 0


class Place:
    """The cable and its two ends."""

    def __init__(self):
        self.near, self.far = f"tic-r{os.getpid()}", f"tic-b{os.getpid()}"
        self.address = BRIDGE

    def __enter__(self):
        for side in (self.near, self.far):
            run("ip", "netns", "add", side)
            run("ip", "-n", side, "link", "set", "lo", "up")
        run("ip", "-n", self.near, "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns", self.far)
        for side, device, address in (self.near, "cable0", READER), (self.far, "cable1", BRIDGE):
            run("ip", "-n", side, "addr", "add", f"{address}/24", "dev", device)
            run("ip", "-n", side, "link", "set", device, "up")
        self.hardware = {device: self._hardware(side, device) for side, device in ((self.near, "cable0"), (self.far, "cable1"))}
        self.heal()
        return self

    def __exit__(self, *_):
        for side in (self.near, self.far):
            subprocess.run(("ip", "netns", "del", side), capture_output=True)

    def inside(self, side, *command):
        return ("ip", "netns", "exec", side, *map(str, command))

    def cut(self):
        self._neighbours(NOBODY, NOBODY)

    def heal(self):
        self._neighbours(self.hardware["cable1"], self.hardware["cable0"])

    def move_bridge(self, to):
        """The bridge's machine gets another address; the old one is gone."""
        run("ip", "-n", self.far, "addr", "del", f"{self.address}/24", "dev", "cable1")
        run("ip", "-n", self.far, "addr", "add", f"{to}/24", "dev", "cable1")
        self.address = to
        self.heal()

    def hinder(self, bits, loss):
        """Slow and lossy both ways; says how it was done, or None if this kernel can do neither."""
        ends = (self.near, "cable0"), (self.far, "cable1")
        if all(works("tc", "-n", s, "qdisc", "replace", "dev", d, "root", "netem", "rate", f"{bits}bit", "loss", f"{loss}%") for s, d in ends):
            return "netem"
        slow = all(works("tc", "-n", s, "qdisc", "replace", "dev", d, "root", "tbf", "rate", f"{bits}bit", "burst", "3000", "latency", "400ms") for s, d in ends)
        drop = ("-m", "statistic", "--mode", "random", "--probability", str(loss / 100), "-j", "DROP")
        lossy = all(works(*self.inside(s, "iptables", "-A", "INPUT", "-i", d, *drop)) for s, d in ends)
        return "tbf and iptables, no netem in this kernel" if slow and lossy else None

    def help(self):
        for side, device in (self.near, "cable0"), (self.far, "cable1"):
            works("tc", "-n", side, "qdisc", "del", "dev", device, "root")
            works(*self.inside(side, "iptables", "-F", "INPUT"))

    def _neighbours(self, far, near):
        for side, device, address, hardware in (self.near, "cable0", self.address, far), (self.far, "cable1", READER, near):
            run("ip", "-n", side, "neigh", "replace", address, "lladdr", hardware, "dev", device, "nud", "permanent")

    def _hardware(self, side, device):
        words = subprocess.check_output(("ip", "-n", side, "-o", "link", "show", "dev", device), text=True).split()
        return words[words.index("link/ether") + 1]
