"""Home Assistant itself, in a folder of its own: made once, used by every run.

The newest one wants a newer Python than this machine is likely to have, so it lives in a small Debian of the next
release (debootstrap, chroot). An older one takes a Python that is named. Either way: a virtual environment, Home
Assistant by pip, and the packages that its integrations would download at their first start, at the versions it
names itself (needed.py): nothing is downloaded while it runs.

The file `ready` is there exactly as long as the installation is whole: it is taken away before anything is changed,
and comes back when all is on the disk. What was broken off at any moment, by a signal or by a power cut, is made anew.

Mounts are made as if nobody else saw them: the caller is in a mount namespace of its own.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess

from bench import clock
from bench.hosts import debootstrap
from bench.process import call
from bench.report import Failure, say

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("TELEINFO_HOME_ASSISTANT", "/var/cache/teleinfo-home-assistant"))

# Debian's release with Python 3.14, which Home Assistant wants since 2026.3.
SUITE = "forky"
# To build what comes without a wheel, and to lie about the time.
PACKAGES = (
    "ca-certificates",
    "python3",
    "python3-venv",
    "python3-dev",
    "gcc",
    "g++",
    "libc6-dev",
    "libffi-dev",
    "libssl-dev",
    "make",
    "tzdata",
    "libfaketime",
)
# What an older Home Assistant forgot to limit: its cloud client does not start with the next josepy.
LIMITS = {"2024": ["josepy<2"]}
# How this machine reaches the package index goes along.
NETWORK = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
# The newest that was tried. Raised by hand, so that a release of theirs breaks nothing here by itself.
NEWEST = "2026.11.0"
# The program that says what its integrations need.
NEEDED = (HERE / "needed.py").read_text()


class Installed:
    """One version of Home Assistant, and how to run something in its place."""

    def __init__(self, version=NEWEST, python=None):
        self.version, self.python = version, python
        self.folder = CACHE / version
        self.root = pathlib.Path("/") if python else self.folder
        self.venv = self.folder / "venv"
        self.needed, self.ready = self.folder / "needed", self.folder / "ready"

    def is_ready(self):
        """Whether all is there that checks need, also those that came since it was installed."""
        return self._is_there() and self.needed.exists() and self.needed.read_text() == NEEDED

    def _is_there(self):
        return self.ready.exists() and self._python_is_there()

    def _python_is_there(self):
        """A Python that was named may have been removed since; that of a Debian of its own goes only with it."""
        return not self.python or (self.venv / "bin/python").exists()

    def name(self):
        return self.ready.read_text().strip()

    def seen_from_inside(self, path):
        """A path of ours as programs in there see it."""
        return pathlib.Path("/") / pathlib.Path(path).relative_to(self.root)

    def command(self, *words, environment=None):
        """Runs a program of the virtual environment."""
        venv = self.seen_from_inside(self.venv)
        settings = {"PATH": f"{venv}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        settings["TZ"] = "UTC"
        settings |= environment or {}
        enter = [] if self.python else ["chroot", self.root]
        return [*map(str, enter), "env", "-i", *(f"{key}={value}" for key, value in settings.items()), *map(str, words)]

    def mount(self, work):
        """What the place needs to run in, and a folder of ours in it; returns that folder as seen from inside."""
        if self.python:
            return pathlib.Path(work)
        call("mount", "-t", "proc", "proc", self.root / "proc")
        call("mount", "--rbind", "/dev", self.root / "dev")
        call("mount", "--bind", work, self.root / "mnt")
        return pathlib.Path("/mnt")

    def faketime(self):
        """The library that lies about the time, as seen from inside."""
        library = clock.library(self.root)
        if library is None:
            raise Failure("libfaketime is missing: apt-get install faketime")
        return self.seen_from_inside(library)

    def install(self):
        """From nothing, or what came since; an earlier attempt that was not finished is thrown away. Two runs at once
        do it one after the other: the second finds it done."""
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / f"{self.version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.is_ready():
                self._install()

    def _install(self):
        if self._is_there():
            # pip takes a package for installed of which only some files are there.
            self.ready.unlink()
            self.mount(self.folder)
        else:
            self._install_itself()
        say("what its integrations need")
        constraints, *requirements = self.run("python", "-", input=NEEDED).split("\n")
        self.pip("-c", constraints, *filter(None, requirements))
        self.mark_whole(self.run("hass", "--version"))

    def mark_whole(self, version):
        """The last thing of all, once everything is on the disk."""
        self.needed.write_text(NEEDED)
        unfinished = self.folder / "ready.new"
        unfinished.write_text(f"{version}\n")
        os.sync()
        unfinished.rename(self.ready)

    def _install_itself(self):
        if self.folder.exists():
            say(f"{self.folder} is not whole: it is made anew")
            shutil.rmtree(self.folder)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if self.python:
            self.folder.mkdir()
        else:
            say(f"a small Debian {SUITE} in {self.folder}")
            debootstrap(SUITE, self.root, PACKAGES, "sid")
            for file in filter(os.path.exists, FILES):
                shutil.copyfile(file, self.root / file[1:])
        self.mount(self.folder)
        self.run(self.python or "python3", "-m", "venv", self.seen_from_inside(self.venv))
        say(f"Home Assistant, {self.version}")
        self.pip(f"homeassistant=={self.version}", *LIMITS.get(self.version.split(".")[0], []))

    def run(self, *words, **options):
        """A program of the virtual environment, to its end; what it said. Its complaints are shown."""
        done = subprocess.run(self.command(*words), check=True, stdout=subprocess.PIPE, text=True, **options)
        return done.stdout.strip()

    def pip(self, *what):
        network = {key: os.environ[key] for key in NETWORK if key in os.environ}
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_CERT": FILES[-1]}
        subprocess.run(self.command("pip", "install", "-q", *what, environment=network | quiet), check=True)
