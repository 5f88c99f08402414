"""Mosquitto, which can be stopped, made to forget, and asked what it retains; and one who listens to all that is
said."""

import pathlib
import subprocess

from bench.outputs import Lines
from bench.process import Process, call, works
from bench.wait import wait_for

HOST, PORT = "127.0.0.1", 1883
CONFIG = """listener {port} {host}
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
# The bridge may be a user with a password; nobody else needs one.
USER, PASSWORD = "bridge", "right"
# What a listener hears: the project's own topics, and what Home Assistant is told of devices.
TOPICS = ("-t", "teleinfo/#", "-t", "homeassistant/#")


class Broker(Process):
    """A Mosquitto of its own, in an empty directory. `before`: words before each command, as those of a namespace;
    `listens`: where it listens."""

    def __init__(self, directory, before=(), listens=HOST):
        self.directory, self.before, self.listens = pathlib.Path(directory), before, listens
        self.directory.mkdir(exist_ok=True)
        self.config = self.directory / "mosquitto.conf"
        call("mosquitto_passwd", "-b", "-c", self.directory / "users", USER, PASSWORD)
        super().__init__(self.directory / "mosquitto.log", *before, "mosquitto", "-c", self.config)

    def start(self, persistence=True):
        keeps = str(persistence).lower()
        words = {"host": self.listens, "port": PORT, "directory": self.directory, "persistence": keeps}
        self.config.write_text(CONFIG.format(**words))
        super().start()
        wait_for("mosquitto starts", lambda: works(*self._client("mosquitto_pub", "-t", "ping", "-n")), 10, 0.02)
        return self

    def forget(self):
        """While it does not run: what it has kept is gone."""
        for file in self.directory.glob("mosquitto.db*"):
            file.unlink()

    def publish(self, topic, payload, retain=False):
        """An empty payload that is retained makes the broker forget the topic."""
        what = ["-m", payload] if payload else ["-n"]
        call(*self._client("mosquitto_pub", "-q", "1", "-t", topic, *what, *["-r"] * retain))

    def retained(self, topics):
        """Topics that hold something. The client ends with an error once nothing more comes."""
        words = self._client("mosquitto_sub", "-t", topics, "--retained-only", "-W", "2", "-F", "%t")
        return subprocess.run(words, capture_output=True, text=True).stdout.split()

    def _client(self, program, *options):
        return [*self.before, program, "-h", HOST, "-p", str(PORT), *options]


class Listener(Process):
    """A subscriber that writes down each message with its topic. The broker keeps its messages while it is away."""

    def __init__(self, directory, before=()):
        directory = pathlib.Path(directory)
        self.file = directory / "messages"
        address = ("-h", HOST, "-p", str(PORT))
        self.session = [*before, "mosquitto_sub", *address, "-q", "1", "-c", "-i", "listener", *TOPICS]
        super().__init__(directory / "listener.log", *self.session, "-F", "%t %p", output=self.file)
        self.messages = Lines(self.file)

    def start(self):
        wait_for("the broker knows the listener", lambda: works(*self.session, "-E"), 10, 0.02)
        return super().start()

    def finish(self):
        """Ends it once it has written down all there is: it acknowledges a message before it writes it."""
        size = -1

        def stands():
            nonlocal size
            before, size = size, self.file.stat().st_size
            return before == size

        wait_for("the listener has written everything", stands, 30, 0.2)
        self.kill()

    def close(self):
        self.kill()
        self.messages.close()


class HeardBroker:
    """A broker and its listener. While either is away the bridge is held, so that everything it says is heard.

    What is compared is what was published: a broker that forgets must not look like a bridge that loses.
    """

    def __init__(self, directory, before=(), listens=HOST):
        self.broker, self.listener = Broker(directory, before, listens), Listener(directory, before)
        self.messages = self.listener.messages
        self.held = None

    def start(self, persistence=True):
        self._hold()
        self.broker.start(persistence)
        self.listener.start()
        self._let_go()

    def stop(self, kill=False):
        self._hold()
        self.listener.finish()
        if kill:
            self.broker.kill()
        else:
            self.broker.stop()
        self._let_go()

    def forget(self):
        self.broker.forget()

    def freeze(self):
        self.broker.freeze()

    def thaw(self):
        self.broker.thaw()

    def close(self):
        """At the very end: nobody listens any more."""
        self.listener.close()
        self.broker.end()

    def _hold(self):
        if self.held:
            self.held.hold()

    def _let_go(self):
        if self.held:
            self.held.let_go()
