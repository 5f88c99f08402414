"""Clients of the embedded broker that do not behave, and one beside them that is only slow."""

import contextlib
import socket
import subprocess
import threading
import time

from attacks.house import LOCAL, Watched, bridge_at, place, running
from bench.report import require
from bench.wait import wait_for

PORT = 1912
MUTE = 20
LARGE = 50_000
# What clients may make the bridge hold (docs/bounds.md), and what its allocator and its own work add, in kB.
BOUND_KB = 40_000 + 24_000
# After so many seconds without a byte taken the bridge ends a connection; some more for it to notice.
ENDED = 30 + 10


def text(value):
    return len(value).to_bytes(2, "big") + value.encode()


def packet(first, body):
    """Any packet of MQTT 3.1.1, whatever its length."""
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 127
        length += bytes([digit | (128 if left else 0)])
        if not left:
            return bytes([first]) + length + body


def publish(topic, payload):
    return packet(0x30, text(topic) + payload)


class Client:
    """A connection; it reads when it is told to."""

    def __init__(self, name, receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(20)
        self.socket.connect((LOCAL, PORT))
        # It need say nothing more for 27 hours.
        self.socket.sendall(packet(0x10, text("MQTT") + b"\x04\x02\xff\xff" + text(name)))

    def is_let_in(self):
        return self.socket.recv(4) == b"\x20\x02\x00\x00"

    def subscribe(self, topics="#"):
        self.socket.sendall(packet(0x82, b"\x00\x01" + text(topics) + b"\x00"))
        return self

    def is_ended(self):
        """Whether there is an end behind what the kernel still holds for it."""
        self.socket.settimeout(1)
        try:
            while self.socket.recv(1 << 16):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


class Slow:
    """It takes a little all the time, and notes the numbers of the messages that it has taken whole."""

    def __init__(self, bytes_each, seconds):
        self.client = Client("slow", 8_192).subscribe()
        self.bytes_each, self.seconds = bytes_each, seconds
        self.taken, self.ended = bytearray(), False
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while not self.ended:
            try:
                taken = self.client.socket.recv(self.bytes_each)
            except OSError:
                taken = b""
            self.ended |= not taken
            self.taken += taken
            time.sleep(self.seconds)

    def numbers(self):
        """Of the messages that came, whole and in order; whatever is no packet is a fault."""
        data, at, numbers = bytes(self.taken), 0, []
        while at < len(data):
            length, end = 0, at + 1
            while end < len(data):
                length |= (data[end] & 127) << 7 * (end - at - 1)
                end += 1
                if data[end - 1] < 128:
                    break
            body = data[end : end + length]
            require(data[at] >> 4 in (2, 3, 9, 13), f"no packet begins with {data[at]:02x} at byte {at}")
            if data[at] >> 4 == 3 and body[2:7] == b"flood" and len(body) == length:
                numbers.append(int(body[7:15]))
            at = end + length
        require(numbers == sorted(numbers), "messages are not in order")
        return numbers


def flood(sender, number):
    sender.socket.sendall(publish("flood", b"%08d" % number + bytes(LARGE)))


def mute():
    """A14c: 20 clients subscribe and read nothing. 200 messages of 50 kB come at once, and then one a second."""
    with place() as directory:
        bridge = bridge_at(directory, 7512, {"url": "embedded", "listen": f"{LOCAL}:{PORT}"}, "mute")
        with running(bridge):
            bridge.wait_said("teleinfo-bridge ")
            slow = Slow(4_096, 0.05)
            clients = [Client(f"mute{number}", 8_192).subscribe() for number in range(MUTE)]
            sender = Client("sender")
            require(sender.is_let_in(), "the sender is not let in")
            time.sleep(1)
            watched = Watched(bridge)
            for number in range(200):
                flood(sender, number)
            end, number = time.monotonic() + ENDED, 200
            while time.monotonic() < end:
                flood(sender, number)
                number += 1
                time.sleep(1)
            wait_for("the slow client has the newest message", lambda: slow.ended or number - 1 in slow.numbers(), 60)
            require(not slow.ended, "the slow client was ended too")
            grown = watched.highest() - watched.before
            left = sum(not client.is_ended() for client in clients)
            told = bridge.said().count("takes nothing")
            noted = Noted(watched)
        require(grown < BOUND_KB, f"{grown} kB more memory; {left} of {MUTE} mute clients are left")
        require(left == 0, f"{left} of {MUTE} mute clients are left")
        require(told, "nothing is said of them")
    return f"all ended, the slow one has {len(slow.numbers())} of {number}", noted


class Noted:
    """Memory of a program that will have ended when it is told."""

    def __init__(self, watched):
        self.before, self._highest = watched.before, watched.highest()

    def highest(self):
        return self._highest


def crowd():
    """A14d: 200 clients that do not say who they are, and one that sends 200 MB as one message."""
    with place() as directory:
        bridge = bridge_at(directory, 7513, {"url": "embedded", "listen": f"{LOCAL}:{PORT}"}, "crowd")
        with running(bridge):
            bridge.wait_said("teleinfo-bridge ")
            watched = Watched(bridge)
            idle = [socket.create_connection((LOCAL, PORT)) for _ in range(200)]
            began = time.monotonic()
            wait_for("another client is let in", says_something, 20)
            waited = time.monotonic() - began
            # The others leave one after the other: a place that is free may be taken again.
            large = wait_for("one more is let in", let_in, 20)
            with contextlib.suppress(OSError):
                large.socket.sendall(packet(0x30, bytes(200_000_000)))
            bridge.wait_said("sends a message of")
            require(bridge.said().count("\n") < 30, "too much is said")
            noted = Noted(watched)
            for one in idle:
                one.close()
        grown = noted.highest() - noted.before
        require(grown < BOUND_KB, f"{grown} kB more memory")
    return f"another one is let in after {waited:.1f} s", noted


def let_in():
    """A client that has a place, or nothing."""
    with contextlib.suppress(OSError):
        client = Client("large")
        if client.is_let_in():
            return client
    return None


def says_something():
    command = ["mosquitto_pub", "-h", LOCAL, "-p", str(PORT), "-t", "x", "-n"]
    return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
