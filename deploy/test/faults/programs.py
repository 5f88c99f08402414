"""The programs of a run: reader, bridge, broker, subscriber, meter. Each is ended by its own process id."""

import os
import pathlib
import signal
import subprocess
import threading
import time


class Program:
    """One process that can be killed, stopped, frozen, and started again. What it says goes to a file."""

    def __init__(self, log, *command, env=None):
        self.log, self.command, self.env = pathlib.Path(log), list(map(str, command)), env
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        return self

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def has(self, variable):
        """Whether its environment has a variable with this in its name."""
        return any(variable in name for name in self.env or ())

    def ask_to_stop(self):
        self.signal(signal.SIGTERM)

    def stop(self):
        """Asks it to end; returns its exit code, or None if it had to be killed."""
        self.ask_to_stop()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

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

    def said(self, words, since=0):
        """How often its log has these words."""
        return self.log.read_text(errors="replace")[since:].count(words) if self.log.exists() else 0

    def wait_said(self, words, times=1, patience=20):
        end = time.monotonic() + patience
        while self.said(words) < times:
            if time.monotonic() > end or not self.alive():
                raise RuntimeError(f"{self.log.name} never said {words!r}:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)


class Lines:
    """A file that grows; each line is kept with the moment it was seen."""

    def __init__(self, path):
        self.path, self.lines, self.ended = pathlib.Path(path), [], False
        self.path.touch()
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def take(self, index):
        """A line that will not be asked for again."""
        line, self.lines[index] = self.lines[index], None
        return line

    def close(self):
        self.ended = True
        self.thread.join()

    def _follow(self):
        rest = b""
        with open(self.path, "rb") as file:
            while True:
                ended = self.ended
                chunk = file.read()
                now = time.monotonic()
                *lines, rest = (rest + chunk).split(b"\n")
                self.lines.extend((now, line) for line in lines)
                if ended:
                    return
                time.sleep(0.01)


BROKER = """listener 1883 127.0.0.1
allow_anonymous true
password_file {directory}/users
log_type error
log_type warning
max_queued_messages 0
max_inflight_messages 0
persistence {persistence}
persistence_location {directory}/
user root
"""


class Broker:
    """Mosquitto, with or without persistence, and the one who listens to everything.

    After a start the bridge is held for a moment, until the listener is there: what is compared is what was published.
    """

    # The bridge is a user with a password, the listener is nobody.
    user, password = "bridge", "right"

    def __init__(self, place, directory):
        self.place, self.directory, self.held = place, directory, None
        self.program = self.listener = None
        self.messages = Lines(directory / "messages")
        subprocess.run(("mosquitto_passwd", "-b", "-c", directory / "users", self.user, self.password), check=True, capture_output=True)

    def start(self, persistence=True):
        config = self.directory / "mosquitto.conf"
        config.write_text(BROKER.format(persistence=str(persistence).lower(), directory=self.directory))
        inside = self.place.inside
        if self.held:
            self.held.freeze()
        self.program = Program(self.directory / "broker.log", *inside(self.place.far, "mosquitto", "-c", config)).start()
        listen = ("mosquitto_sub", "-h", "127.0.0.1", "-q", "1", "-c", "-i", "listener", "-F", "%t %p", "-t", "teleinfo/#")
        sink = f"exec {' '.join(chr(39) + word + chr(39) for word in listen)} >> '{self.messages.path}'"
        ready = ("mosquitto_sub", "-h", "127.0.0.1", "-q", "1", "-E", "-c", "-i", "listener", "-t", "teleinfo/#")
        for _ in range(500):
            if subprocess.run(inside(self.place.far, *ready), capture_output=True).returncode == 0:
                break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"mosquitto does not start: {(self.directory / 'broker.log').read_text()}")
        self.listener = Program(self.directory / "listener.log", *inside(self.place.far, "sh", "-c", sink)).start()
        if self.held:
            self.held.thaw()

    def stop(self, kill=False):
        """What the broker has acknowledged reaches the listener first: a broker that forgets must not look like a bridge that loses."""
        if self.held:
            self.held.freeze()
        self._let_listen()
        self.listener.kill()
        if kill:
            self.program.kill()
        else:
            self.program.stop()
        if self.held:
            self.held.thaw()

    def close(self):
        """At the very end: nobody listens any more."""
        for program in filter(None, (self.listener, self.program)):
            program.kill()
        self.messages.close()

    def _let_listen(self):
        """Until the listener has written down all there is: it acknowledges a message before it writes it."""
        size = -1
        while size != (size := self.messages.path.stat().st_size):
            time.sleep(0.2)


def environment(**extra):
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return keep | {name: str(value) for name, value in extra.items()}
