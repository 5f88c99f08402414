"""Routers that do not behave, by their bytes, before a real reader: at its address, and where it looks for one.

The bytes are those of Zenoh's protocol 9, written here a second time: a real router cannot be made to lie.
"""

import contextlib
import itertools
import random
import re
import socket
import struct
import threading
import time

from attacks.hostile import text, varint
from attacks.house import LOCAL, METER, OPTIONS, bridge_at, mosquitto, place, running
from attacks.services import Frozen, heard
from bench.process import call
from bench.programs import Bridge, Meter, Reader, locator
from bench.report import require
from bench.trust import know_bridge, know_reader
from bench.wait import wait_for

# How long one trick lasts at most, in s, and how much it sends.
TIME, BYTES = 2.0, 20_000_000
# What all of them together may add to the memory of the reader, in kB: its unit has 8 MB, and it needs about one.
MORE_KB = 3_000
GROUP, SCOUT = "224.0.0.224", 7446
VERSION, COOKIE = 9, bytes(64)


def batch(message):
    return struct.pack("<H", len(message)) + message


def init_ack(version=VERSION, cookie=None, size=16_384, resolution=10):
    cookie = text(COOKIE) if cookie is None else cookie
    return bytes([0x61, version, 0xF0]) + bytes([2] * 16) + bytes([resolution]) + struct.pack("<H", size) + cookie


def open_ack(lease=10, number=0):
    return b"\x62" + varint(lease) + varint(number)


def frame(number, *messages):
    return b"\x25" + varint(number % 2**28) + b"".join(messages)


def declare(header, number, key):
    return b"\x9e\x21\x08" + bytes([header]) + varint(number) + b"\0" + text(key)


def query(number, key):
    return b"\xfc" + varint(number) + b"\0" + text(key) + b"\x21\x0d\x43" + text(b"from=")


def push(key, payload):
    return b"\x3d\0" + text(key) + b"\x01" + text(payload)


def up():
    return batch(init_ack()), batch(open_ack())


class Ended(Exception):
    """The reader has gone, or the time is over."""


class Line:
    """One connection of the reader."""

    def __init__(self, connection):
        self.connection, self.end, self.sent, self.said = connection, time.monotonic() + TIME, 0, b""
        connection.settimeout(0.05)

    def send(self, data):
        """All of it, while somebody reads."""
        if time.monotonic() > self.end or self.sent > BYTES:
            raise Ended
        self.hear()
        try:
            self.connection.sendall(data)
        except TimeoutError:
            return
        except OSError:
            raise Ended from None
        self.sent += len(data)

    def hear(self):
        try:
            data = self.connection.recv(65_536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            raise Ended from None
        if not data:
            raise Ended
        self.said = (self.said + data)[-200_000:]

    def wait(self, seconds):
        end = min(time.monotonic() + seconds, self.end)
        while time.monotonic() < end:
            time.sleep(0.02)
            self.hear()

    def up(self):
        """The handshake as it should be; what the reader declares then."""
        for message in up():
            self.wait(0.1)
            self.send(message)
        self.wait(0.2)

    def inbox(self):
        """The key that this reader listens to."""
        found = re.search(rb"tic/v2/reader/[0-9a-f]{16}/inbox", self.said)
        return found[0] if found else b"tic/v2/reader/0123456789abcdef/inbox"


def said(*data):
    """A trick that says this, and then waits."""

    def trick(line):
        for one in data:
            line.send(one)
        line.wait(TIME)

    return trick


def established(message):
    """A trick that has a session, and then says this for ever; `message` makes each batch from its number."""

    def trick(line):
        line.up()
        for number in itertools.count(1):
            line.send(message(line, number))

    return trick


def drop_by_drop(data):
    def trick(line):
        for byte in data:
            line.send(bytes([byte]))
            line.wait(0.05)

    return trick


def garbage(line):
    rng = random.Random(1)
    while True:
        line.send(rng.randbytes(1_000))


def cut(line, number):
    """Frames whose messages are cut anywhere."""
    whole = frame(number, query(number, f"tic/v2/{METER}/history".encode()), declare(0x20, number, b"a/b"))
    return batch(whole[: 2 + number % len(whole)])


HISTORY = f"tic/v2/{METER}/history".encode()
# What each of them does, by its name.
TRICKS = {
    "garbage": garbage,
    "nothing": said(),
    "nothing, byte by byte": drop_by_drop(b"\xff\xff" + bytes(100)),
    "an empty batch": said(batch(b"")),
    "another version": said(batch(init_ack(version=99))),
    "a cookie of 4 GB": said(batch(init_ack(cookie=varint(2**32)))),
    "a batch size of 0": said(batch(init_ack(size=0)), batch(open_ack())),
    "a resolution that is none": said(batch(init_ack(resolution=255)), batch(open_ack())),
    "a lease of 0": said(batch(init_ack()), batch(open_ack(lease=0))),
    "a lease without end": said(batch(init_ack()), batch(open_ack(lease=2**62))),
    "the end at once": said(batch(b"\x23\0")),
    "messages before the session": said(batch(frame(1, query(1, HISTORY)))),
    "batches longer than they say": established(lambda *_: struct.pack("<H", 3) + bytes(200)),
    "a batch that never ends": established(lambda line, n: struct.pack("<H", 65_535) if n == 1 else b"\x25"),
    "frames that are cut": established(cut),
    "fragments without end": established(lambda line, n: batch(b"\x66" + varint(n % 2**28) + bytes(8_000))),
    "a hundred thousand keys": established(
        lambda line, n: batch(frame(n, *(declare(0x20, n * 50 + m, b"k" * 180) for m in range(50))))
    ),
    "as many subscribers": established(
        lambda line, n: batch(frame(n, *(declare(0x62, n * 50 + m, b"tic/v2/**") for m in range(50))))
    ),
    "thousands of questions": established(
        lambda line, n: batch(frame(n, *(query(n * 50 + m, HISTORY) for m in range(50))))
    ),
    "questions of 15 kB": established(lambda line, n: batch(frame(n, query(n, b"tic/v2/" + b"x" * 15_000)))),
    "megabytes for the inbox": established(
        lambda line, n: batch(frame(n, *(push(line.inbox(), bytes(2_000)) for _ in range(6))))
    ),
    "signs of life without end": established(lambda *_: batch(b"\x04") * 500),
    "numbers that jump": established(lambda line, n: batch(frame(n * 7_919_000, b"\x04"))),
}


class Router:
    """It plays the tricks, one for each connection, and then leaves."""

    def __init__(self, port):
        self.listener = socket.create_server((LOCAL, port))
        self.left, self.played = dict(TRICKS), []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while self.left:
            connection, _ = self.listener.accept()
            name = next(iter(self.left))
            self.played.append(name)
            with contextlib.suppress(Ended):
                TRICKS[name](Line(connection))
            connection.close()
            del self.left[name]
        self.listener.close()


def lying_router():
    """R1: the bridge is away, and at the other address of a reader is a router that lies, floods and never ends."""
    with place() as directory:
        broker = mosquitto(directory, 1906)
        bridge = bridge_at(directory, 7540, {"url": f"mqtt://{LOCAL}:1906"}, "good")
        meter = Meter(directory, *OPTIONS)
        settings = {"zenoh": {"connect": [locator(LOCAL, 7540), locator(LOCAL, 7541)]}}
        reader = Reader(directory, meter.pty, settings=settings)
        know_reader(bridge.state)
        know_bridge(reader.state)
        with running(broker, bridge, meter, reader):
            values = f"teleinfo/{METER}"
            wait_for("values before", lambda: heard(1906, values, 1), 40)
            watched = Frozen(reader)
            bridge.kill()
            router = Router(7541)
            wait_for("all tricks", lambda: not router.left or not reader.alive(), 150)
            require(reader.alive() and "panicked" not in reader.said(), f"the reader has ended: {router.played[-1:]}")
            came_back, taken = time.monotonic(), bridge.said().count("samples taken")
            bridge.start()
            wait_for("values again", lambda: heard(1906, values, 1), 40)
            took = time.monotonic() - came_back
            # The question goes out after the first live values: under load, seconds after.
            wait_for("what was missed", lambda: bridge.said().count("samples taken") > taken, 40)
            watched.note()
        grown = watched.highest() - watched.before
        require(grown < MORE_KB, f"{grown} kB more memory")
    return f"{len(TRICKS)} tricks: {grown} kB more; values {took:.0f} s after the bridge", watched


class Scouted:
    """It answers whoever looks for a router: with garbage, lies, and more Hellos than anybody can want."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((GROUP, SCOUT))
        membership = socket.inet_aton(GROUP) + socket.inet_aton(LOCAL)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self.asked = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        rng = random.Random(1)
        while True:
            try:
                _, client = self.socket.recvfrom(4_096)
            except OSError:
                return
            self.asked += 1
            for number in range(2_000):
                self._answer(client, self._lie(rng, number))

    def _answer(self, client, data):
        with contextlib.suppress(OSError):
            self.socket.sendto(data, client)

    @staticmethod
    def _lie(rng, number):
        """Garbage, Hellos with lengths that lie, and whole ones with addresses where nobody is."""
        if number % 3 == 0:
            return rng.randbytes(number % 1_400)
        count = varint(2**40) if number % 3 == 1 else varint(20)
        places = b"".join(text(f"tcp/127.9.{number % 250}.{one}:{1 + number}".encode()) for one in range(20))
        return b"\x22" + bytes([VERSION, 0xF0]) + bytes([1] * 16) + count + places

    def close(self):
        self.socket.close()


def lying_scouting():
    """R2: a reader looks for its bridge, and somebody answers with thousands of lies before the bridge does."""
    call("ip", "link", "set", "lo", "multicast", "on")
    call("ip", "route", "replace", "224.0.0.0/4", "dev", "lo")
    with place() as directory:
        broker = mosquitto(directory, 1907)
        bridge = Bridge(
            directory, {"zenoh": {"listen": [locator(LOCAL, 7542)]}, "mqtt": {"url": f"mqtt://{LOCAL}:1907"}}
        )
        meter = Meter(directory, *OPTIONS)
        reader = Reader(directory, meter.pty)
        know_reader(bridge.state)
        know_bridge(reader.state)
        liar = Scouted()
        with running(broker, meter, reader):
            wait_for("the reader asks", lambda: liar.asked, 20)
            watched = Frozen(reader)
            asked = liar.asked
            wait_for("it asks again and again", lambda: liar.asked > asked + 4, 40)
            watched.note()
            require(reader.alive() and "panicked" not in reader.said(), "the reader has ended")
            with running(bridge):
                liar.close()
                wait_for("values", lambda: heard(1907, f"teleinfo/{METER}", 1), 60)
        grown = watched.highest() - watched.before
        require(grown < MORE_KB, f"{grown} kB more memory")
    return f"{liar.asked} x 2000 lies: {grown} kB more; then the bridge is found", watched
