"""The serial cable between the simulated meter and the reader, which can be unplugged, silent or noisy.

It is a pseudo-terminal for the reader, fed from the meter's. While nobody reads, bytes are lost, as on a wire.
"""

import contextlib
import os
import pty
import random
import select
import threading
import time
import tty


class Line(threading.Thread):
    """Passes bytes on until it is closed, or the meter has ended."""

    def __init__(self, meter, link, seed=1):
        super().__init__(daemon=True)
        self.meter, self.link, self.random = meter, link, random.Random(seed)
        self.lock, self.master, self.device = threading.Lock(), None, None
        self.silent = self.ended = False
        self.pending = bytearray()
        self.noise = 0.0
        self.plug()

    def plug(self):
        """A new device, of another number, under the old name, as /dev/serial/by-id has it; returns the device."""
        ends = [pty.openpty(), pty.openpty()]
        with self.lock:
            self.master, slave = ends.pop(os.ttyname(ends[0][1]) == self.device)
            self.device = os.ttyname(slave)
            tty.setraw(slave)
            os.set_blocking(self.master, False)
            self.pending.clear()
            fresh = f"{self.link}.new"
            os.symlink(self.device, fresh)
            os.rename(fresh, self.link)
        for end in slave, *ends[0]:
            os.close(end)
        return self.device

    def unplug(self):
        with self.lock:
            os.unlink(self.link)
            os.close(self.master)
            self.master = None
        return self.device

    def close(self):
        self.ended = True
        if self.is_alive():
            self.join()
        if self.master is not None:
            self.unplug()

    def is_read(self):
        """Whether somebody has the other end open."""
        return self.master is not None and not _hung_up(self.master, select.POLLHUP)

    def wait_for_reader(self, patience=10):
        """Until the reader listens; the tests of a reader that never comes fail by what does not arrive."""
        end = time.monotonic() + patience
        while not self.is_read() and time.monotonic() < end:
            time.sleep(0.02)

    def run(self):
        source = os.open(self.meter, os.O_RDONLY | os.O_NOCTTY)
        while not self.ended:
            waiting = [self.master] if self.pending and self.master is not None else []
            try:
                if select.select([source], waiting, [], 0.1)[0]:
                    self._take(os.read(source, 4096))
                self._give()
            except (OSError, ValueError):
                if _hung_up(source, select.POLLHUP | select.POLLNVAL):
                    break
        while self.pending and self.is_read():
            self._give()
        os.close(source)

    def _take(self, data):
        if self.noise and self.random.random() < self.noise:
            data = bytes(self.random.randrange(256) for _ in data)
        if not self.silent:
            self.pending += data

    def _give(self):
        """A reader that is slow for a moment gets everything in the end: a UART's buffer is not what is tested."""
        with self.lock:
            if not self.is_read():
                self.pending.clear()
            elif self.pending:
                with contextlib.suppress(BlockingIOError):
                    del self.pending[: os.write(self.master, self.pending)]


def _hung_up(descriptor, events):
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(dict(poll.poll(0)).get(descriptor, 0) & events)
