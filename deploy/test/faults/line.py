"""The serial cable between the simulated meter and the reader, with hands on it: unplugged, silent, noisy.

A pseudo-terminal for the reader, fed from the meter's. Nobody who reads means bytes that are lost, as on a wire.
"""

import os
import pty
import random
import select
import threading
import time
import tty


class Line(threading.Thread):
    """Passes bytes on until told otherwise."""

    def __init__(self, meter, link, seed=1):
        super().__init__(daemon=True)
        self.meter, self.link, self.random = meter, link, random.Random(seed)
        self.lock, self.master = threading.Lock(), None
        self.silent = self.ended = False
        self.noise = 0.0
        self.plug()

    def plug(self):
        """A new device under the old name."""
        with self.lock:
            self.master, slave = pty.openpty()
            tty.setraw(slave)
            fresh = f"{self.link}.new"
            os.symlink(os.ttyname(slave), fresh)
            os.rename(fresh, self.link)
            os.close(slave)

    def unplug(self):
        with self.lock:
            os.unlink(self.link)
            os.close(self.master)
            self.master = None

    def close(self):
        self.ended = True
        self.join()
        if self.master is not None:
            self.unplug()

    def run(self):
        source = os.open(self.meter, os.O_RDONLY | os.O_NOCTTY)
        while not self.ended:
            if select.select([source], [], [], 0.1)[0]:
                try:
                    self._pass(os.read(source, 4096))
                except OSError:
                    break
        os.close(source)

    def _pass(self, data):
        if self.noise and self.random.random() < self.noise:
            data = bytes(self.random.randrange(256) for _ in data)
        with self.lock:
            if self.master is None or self.silent or not self.is_read():
                return
            try:
                os.write(self.master, data)
            except OSError:
                time.sleep(0)

    def is_read(self):
        poll = select.poll()
        poll.register(self.master, select.POLLOUT)
        events = dict(poll.poll(0)).get(self.master, 0)
        return bool(events & select.POLLOUT) and not events & select.POLLHUP
