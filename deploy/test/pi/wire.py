"""The serial cable between the simulated meter and an emulated UART or USB adapter, which is a socket of QEMU.

What the machine sends back must be read: QEMU writes it with all else held, and stands still for ever once the socket
is full. A machine does send: until the reader has set the line, the kernel echoes every byte.
"""

import os
import socket
import threading
import tty

from bench.wait import wait_for


def connect(path, patience=20):
    """To a socket that QEMU makes in a moment."""
    end = socket.socket(socket.AF_UNIX)

    def connects():
        try:
            end.connect(str(path))
        except OSError:
            return False
        return True

    wait_for(f"QEMU listens at {path.name}", connects, patience)
    return end


class Wire:
    """Passes on what the meter sends to all that is connected; while nothing is, it is lost."""

    def __init__(self, pty):
        self.source = os.open(pty, os.O_RDWR | os.O_NOCTTY)
        # A pseudo-terminal gives lines at first, and echoes.
        tty.setraw(self.source)
        self.lock, self.ends = threading.Lock(), []
        threading.Thread(target=self._pass_on, daemon=True).start()

    def plug(self, path):
        end = connect(path)
        threading.Thread(target=drain, args=(end,), daemon=True).start()
        with self.lock:
            self.ends.append(end)

    def unplug(self):
        with self.lock:
            self.ends.clear()

    def _pass_on(self):
        while data := self._read():
            with self.lock:
                self.ends = [end for end in self.ends if sends(end, data)]

    def _read(self):
        try:
            return os.read(self.source, 256)
        except OSError:
            return b""


def sends(end, data):
    """Whether there is still somebody at the other end."""
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def drain(end):
    try:
        while end.recv(4096):
            pass
    except OSError:
        pass
