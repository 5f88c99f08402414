"""What is fetched from Debian and unpacked, once, into `target/debian`; and what a machine boots from: an archive of
files in memory, a device tree."""

import lzma
import pathlib
import shutil
import tempfile

from bench.process import call
from bench.programs import PROJECT, READER, TARGET
from bench.report import Failure

FETCH = PROJECT / "deploy/debian-package"
FETCHED = TARGET / "debian"
INIT = pathlib.Path(__file__).with_name("init")
# Debian's releases under the two that Raspberry Pi OS has, and their kernels.
KERNELS = {"6.1": "bookworm", "6.12": "trixie"}
# The target of each reader that is tried, and its name in the machine.
ARMV6 = f"{READER}-armv6"
READERS = {"aarch64-unknown-linux-musl": READER, "arm-unknown-linux-musleabi": ARMV6}
# The light that dtoverlay=gpio-led,gpio=4,label=TIC makes.
LIGHT, LIGHT_PIN = "TIC", 4


# udev and the libraries that it is linked with.
UDEV = ("udev", "libc6", "libacl1", "libblkid1", "libcap2", "libkmod2", "libselinux1", "libpcre2-8-0")
UDEV += ("liblzma5", "libzstd1", "libssl3")


def fetch(suite, *packages):
    """Packages unpacked into a folder with the name of the first."""
    folder = FETCHED / f"{packages[0]}-{suite}"
    call(FETCH, suite, "arm64", folder, *packages)
    return folder


def program(target):
    """The reader that was built for a target."""
    return TARGET / target / "release" / READER


class Kernel:
    """A kernel of Debian for 64-bit machines, with its drivers as modules."""

    def __init__(self, version):
        self.version, self.folder = version, fetch(KERNELS[version], "linux-image-arm64")
        self.image = next(self.folder.glob("boot/vmlinuz-*"))

    def module(self, name):
        """A module of this kernel; None for one that is built in, or that this kernel does not know."""
        return next(self.folder.rglob(f"{name}.ko*"), None)

    def device_tree(self, directory, light=False):
        """That of a Pi 3, with `dtoverlay=disable-bt`: the header gets the full UART. `light`: with gpio-led, too."""
        tree = directory / "pi.dtb"
        shutil.copy(next(self.folder.rglob("bcm2837-rpi-3-b.dtb")), tree)
        call("fdtput", "-r", tree, "/soc/serial@7e201000/bluetooth")
        if light:
            add_light(tree)
        return tree

    def archive(self, directory, modules, udev=False):
        """What the machine has in memory: a shell, the readers, modules in the order in which they are loaded."""
        with tempfile.TemporaryDirectory(dir=directory) as root:
            fill(pathlib.Path(root), [self.module(name) for name in modules])
            if udev:
                add_udev(pathlib.Path(root))
            return pack(root, directory / "memory.cpio")


def add_light(tree):
    """The node that the overlay makes. The chip of the header is the one at this address, not the firmware's."""
    phandle = call("fdtget", "-t", "x", tree, "/soc/gpio@7e200000", "phandle")
    call("fdtput", "-c", tree, "/leds-tic")
    call("fdtput", "-t", "s", tree, "/leds-tic", "compatible", "gpio-leds")
    call("fdtput", "-c", tree, "/leds-tic/led-tic")
    call("fdtput", "-t", "s", tree, "/leds-tic/led-tic", "label", LIGHT)
    call("fdtput", "-t", "x", tree, "/leds-tic/led-tic", "gpios", phandle, LIGHT_PIN, 0)


def fill(root, modules):
    for name in "usr/bin", "usr/lib", "dev", "proc", "sys", "tmp", "modules", "etc":
        (root / name).mkdir(parents=True)
    for name in "bin", "lib":
        (root / name).symlink_to(f"usr/{name}")
    shutil.copy(INIT, root / "init")
    shutil.copy(fetch("bookworm", "busybox-static") / "bin/busybox", root / "bin")
    for target, name in READERS.items():
        shutil.copy(program(target), root / "bin" / name)
    for number, module in enumerate(filter(None, modules), 10):
        data = module.read_bytes()
        name = module.name.removesuffix(".xz")
        (root / "modules" / f"{number}-{name}").write_bytes(lzma.decompress(data) if name != module.name else data)


def add_udev(root):
    """udev with Debian's rules and ours, and the groups that they name."""
    tree = fetch("bookworm", *UDEV)
    for folder in "bin", "lib", "usr/lib":
        call("cp", "-a", f"{tree / folder}/.", root / "usr" / pathlib.Path(folder).name)
    shutil.rmtree(root / "usr/lib/aarch64-linux-gnu/gconv")
    for rules in (PROJECT / "deploy/udev").iterdir():
        shutil.copy(rules, root / "usr/lib/udev/rules.d")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\ntty:x:5:\ndialout:x:20:\nteleinfo-reader:x:999:\n")


def pack(root, archive):
    call("sh", "-c", f"cd {root} && find . | cpio -o -H newc --quiet >{archive}")
    return archive


def why_not():
    """Why nothing can be shown here; None if Debian's packages can be had."""
    try:
        for suite in KERNELS.values():
            fetch(suite, "linux-image-arm64")
        fetch("bookworm", "busybox-static")
        fetch("bookworm", *UDEV)
    except Failure as failure:
        return str(failure).splitlines()[-1]
    return None
