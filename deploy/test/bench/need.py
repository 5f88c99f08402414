"""What a test needs of this machine; without it the test ends at once and says what to install."""

import os
import shutil
import sys

# The exit code of sysexits for something that is not there.
UNAVAILABLE = 69
# Where each tool comes from: program and Debian package, where they are not called the same.
PACKAGES = {
    "chromedriver": "chromium-driver",
    "dpkg-deb": "dpkg",
    "fdtput": "device-tree-compiler",
    "ip": "iproute2",
    "mosquitto_passwd": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "mosquitto_sub": "mosquitto-clients",
    "nsenter": "util-linux",
    "qemu-aarch64-static": "qemu-user-static",
    "qemu-arm-static": "qemu-user-static",
    "qemu-system-aarch64": "qemu-system-arm",
    "readelf": "binutils",
    "systemd-nspawn": "systemd-container",
    "tc": "iproute2",
    "unshare": "util-linux",
}


def missing_tools(*tools):
    return [f"{tool}: apt-get install {PACKAGES.get(tool, tool)}" for tool in tools if not shutil.which(tool)]


def missing_files(how, *paths):
    return [f"{path}: {how}" for path in paths if not os.path.exists(path)]


def need(*tools, also=()):
    """Ends the test unless it has root's rights and these tools, and `also` (more that is missing) is empty."""
    lacking = [*missing_tools(*tools), *also, *["root's rights: sudo"] * bool(os.geteuid())]
    if lacking:
        print("missing:", *lacking, sep="\n  ", file=sys.stderr)
        sys.exit(UNAVAILABLE)
