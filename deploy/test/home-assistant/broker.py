"""Mosquitto, which can be stopped, made to forget, and asked what it retains."""

import pathlib
import subprocess
import time

HOST, PORT = "127.0.0.1", "1883"
CONFIG = """listener {port} {host}
allow_anonymous true
persistence true
persistence_location {directory}/
user root
log_type error
log_type warning
"""


class Broker:
    def __init__(self, directory):
        self.directory, self.process = pathlib.Path(directory), None
        self.directory.mkdir()

    def start(self):
        config = self.directory / "mosquitto.conf"
        config.write_text(CONFIG.format(host=HOST, port=PORT, directory=self.directory))
        with open(self.directory / "mosquitto.log", "ab") as log:
            self.process = subprocess.Popen(["mosquitto", "-c", config], stdout=log, stderr=log)
        end = time.monotonic() + 10
        while not self._client("mosquitto_pub", "-t", "ping", "-n").returncode == 0:
            if time.monotonic() > end:
                raise RuntimeError(f"mosquitto does not start: {(self.directory / 'mosquitto.log').read_text()}")
            time.sleep(0.1)

    def stop(self, forget=False):
        self.process.terminate()
        self.process.wait()
        if forget:
            (self.directory / "mosquitto.db").unlink(missing_ok=True)

    def publish(self, topic, payload, retain=False):
        """An empty payload that is retained makes the broker forget the topic."""
        what = ["-m", payload] if payload else ["-n"]
        done = self._client("mosquitto_pub", "-q", "1", "-t", topic, *what, *["-r"] * retain)
        if done.returncode:
            raise RuntimeError(f"nothing could be published: {done.stderr}")

    def retained(self, topics):
        """Topics that hold something."""
        return self._client("mosquitto_sub", "-t", topics, "--retained-only", "-W", "2", "-F", "%t").stdout.split()

    def _client(self, program, *options):
        return subprocess.run([program, "-h", HOST, "-p", PORT, *options], capture_output=True, text=True)
