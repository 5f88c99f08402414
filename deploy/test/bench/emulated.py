"""Programs of another processor, run by this kernel through QEMU's user mode, as where systemd-binfmt has set it up."""

import contextlib
import pathlib

from bench.need import missing_files
from bench.process import call

# What runs the programs of a processor; this machine's own need nothing.
EMULATORS = {"amd64": None, "arm64": "qemu-aarch64", "armv6": "qemu-arm"}
# As systemd-binfmt reads them: how the kernel knows such a program, and what runs it.
FORMATS = pathlib.Path("/usr/lib/binfmt.d")
KNOWN = pathlib.Path("/proc/sys/fs/binfmt_misc")


def missing_emulator(processor):
    emulator = EMULATORS[processor]
    return missing_files("apt install qemu-user-static", FORMATS / f"{emulator}.conf") if emulator else []


@contextlib.contextmanager
def emulated(processor):
    """The kernel runs the programs of that processor meanwhile: for the whole machine, since there is one list."""
    emulator = EMULATORS[processor]
    if emulator is None or (KNOWN / emulator).exists():
        yield
        return
    if not (KNOWN / "register").exists():
        call("mount", "-t", "binfmt_misc", "binfmt_misc", KNOWN)
    rule = next(line for line in (FORMATS / f"{emulator}.conf").read_text().splitlines() if line.startswith(":"))
    (KNOWN / "register").write_text(rule)
    try:
        yield
    finally:
        (KNOWN / emulator).write_text("-1")
