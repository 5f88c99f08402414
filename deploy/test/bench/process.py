"""One program that runs: it can be killed, stopped, frozen, and started again. What it says goes to a file."""

import os
import pathlib
import signal
import subprocess

from bench.report import Failure
from bench.wait import wait_for

# How long a program may take to end when it is asked to.
GRACE = 10


def call(*command, **options):
    """Runs a command to its end; what it said. A failure shows everything."""
    words = list(map(str, command))
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode:
        raise Failure(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout.strip()


def works(*command):
    """Whether a command ends well."""
    return subprocess.run(list(map(str, command)), capture_output=True).returncode == 0


def environment(**extra):
    """The environment of a program under test: nothing of the caller's that could change what it does."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    # What programs say is searched, so they say it in English.
    return keep | {"LC_ALL": "en_GB.UTF-8"} | {name: str(value) for name, value in extra.items()}


class Process:
    """A command with its log. Signals go to the whole process group: strace and faketime do not hand them on."""

    def __init__(self, log, *command, environment=None, output=None):
        """`output`: a file of its own for what the program says on standard output."""
        self.log, self.command, self.environment = pathlib.Path(log), list(map(str, command)), environment
        self.output, self.process = output or self.log, None

    def start(self):
        with open(self.log, "ab") as log, open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        return self

    def signal(self, number):
        if self.alive():
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def ask_to_stop(self):
        self.signal(signal.SIGTERM)

    def stop(self, grace=GRACE):
        """Asks it to end; its exit code, or None if it had to be killed."""
        self.ask_to_stop()
        try:
            return self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def end(self):
        """At the very end of a test, whatever state it is in."""
        self.thaw()
        self.kill()

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def memory(self, kind="VmRSS"):
        """Resident kB, or those of a kind: `RssAnon` is without the program's own text. 0 when it does not run."""
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{kind}:")), 0)

    def said(self):
        """All that its log has."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def warnings(self):
        """Lines of its log at warning level or above."""
        return [line for line in self.said().splitlines() if {"WARN", "ERROR"} & set(line.split()[:3])]

    def wait_said(self, words, times=1, patience=20):
        def has_said():
            if not self.alive():
                raise Failure(f"{self.log.name}: has ended:\n{self.said()[-2000:]}")
            return self.said().count(words) >= times

        wait_for(f"{self.log.name} says {words!r}", has_said, patience, pause=0.02)
