"""Home Assistant itself, in a folder of its own: made once, used by every run.

The newest one wants a newer Python than this machine is likely to have, so it lives in a small Debian of the next release (debootstrap,
chroot). An older one takes a Python that is named. Either way: a virtual environment, Home Assistant by pip, and the packages that its
integrations would download at their first start, at the versions it names itself (needed.py): nothing is downloaded while it runs.

Mounts are made as if nobody else saw them: the caller is in a mount namespace of its own.
"""

import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("TELEINFO_HOME_ASSISTANT", "/var/cache/teleinfo-home-assistant"))
MIRROR = os.environ.get("TELEINFO_MIRROR", "")  # none: the one that this machine's apt uses

# Debian's release with Python 3.14, which Home Assistant wants since 2026.3.
SUITE = "forky"
# To build what comes without a wheel, and to lie about the time.
PACKAGES = "ca-certificates,python3,python3-venv,python3-dev,gcc,g++,libc6-dev,libffi-dev,libssl-dev,make,tzdata,libfaketime"
# What an older Home Assistant forgot to limit: its cloud client does not start with the next josepy.
LIMITS = {"2024": ["josepy<2"]}
# How this machine reaches the package index goes along.
NETWORK = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
           "http_proxy", "https_proxy", "no_proxy")
FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
NEWEST = "newest"


class Installed:
    """One version of Home Assistant, and how to run something in its place."""

    def __init__(self, version=NEWEST, python=None):
        self.version, self.python = version, python
        self.folder = CACHE / version
        self.root = pathlib.Path("/") if python else self.folder
        self.venv = self.folder / "venv"

    def is_ready(self):
        return (self.folder / "ready").exists()

    def name(self):
        return (self.folder / "ready").read_text().strip()

    def seen_from_inside(self, path):
        """A path of ours as programs in there see it."""
        return pathlib.Path("/") / pathlib.Path(path).relative_to(self.root)

    def command(self, *words, environment=None):
        """Runs a program of the virtual environment."""
        venv = self.seen_from_inside(self.venv)
        settings = {"PATH": f"{venv}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TZ": "UTC"}
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
        return self.seen_from_inside(faketime(self.root))

    def install(self, say):
        """From nothing; an earlier attempt that was not finished is thrown away."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        if not self.python:
            say(f"a small Debian {SUITE} in {self.folder}")
            call("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, self.root, MIRROR or apt_mirror(), "sid")
            for file in filter(os.path.exists, FILES):
                shutil.copyfile(file, self.root / file[1:])
        self.mount(self.folder)
        subprocess.run(self.command(self.python or "python3", "-m", "venv", self.seen_from_inside(self.venv)), check=True)
        say(f"Home Assistant, {self.version}")
        exact = [] if self.version == NEWEST else [f"=={self.version}"]
        self.pip("".join(["homeassistant", *exact]), *LIMITS.get(self.version.split(".")[0], []))
        say("what its integrations need")
        needed = subprocess.run(self.command("python", "-"), input=(HERE / "needed.py").read_bytes(), check=True, stdout=subprocess.PIPE)
        constraints, *requirements = needed.stdout.decode().split("\n")
        self.pip("-c", constraints, *filter(None, requirements))
        version = subprocess.run(self.command("hass", "--version"), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        (self.folder / "ready").write_text(f"{version}\n")

    def pip(self, *what):
        network = {key: os.environ[key] for key in NETWORK if key in os.environ}
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_CERT": FILES[-1]}
        subprocess.run(self.command("pip", "install", "-q", *what, environment=network | quiet), check=True)


def faketime(root="/"):
    found = list(pathlib.Path(root).glob("usr/lib/*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise SystemExit("libfaketime is missing: apt-get install faketime")
    return found[0]


def call(*command):
    """Quiet unless it fails."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}")


def apt_mirror():
    sites = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    found = [site for site in sites if site.rstrip("/").endswith("debian")]
    if not found:
        raise SystemExit("no Debian mirror in this machine's apt sources: set TELEINFO_MIRROR")
    return found[0]
