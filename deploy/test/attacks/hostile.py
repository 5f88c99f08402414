"""Who attacks: somebody on the network, and a reader that the bridge has met and believes, and that lies."""

import os
import time

import zenoh

from attacks.hpke import Identity, Session, key_id, opened, to_reader
from bench.wait import wait_for

FRAME, SNAPSHOT = 1, 4
SAMPLE, STATUS = 4, 6


def stranger(port, host="127.0.0.1"):
    """A real Zenoh client, with neither key nor password."""
    config = zenoh.Config()
    config.insert_json5("mode", '"client"')
    config.insert_json5("connect/endpoints", f'["tcp/{host}:{port}"]')
    config.insert_json5("scouting/multicast/enabled", "false")
    return zenoh.open(config)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return varint(len(data)) + data


def signed(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def enveloped(kind, message):
    return bytes([2, kind, 0, 0]) + len(message).to_bytes(2, "big") + message


def dataset(label, data):
    return text(label) + b"\0" + text(data)


def sample(meter, boot, sequence, datasets, uptime=None, kind=FRAME, now=None):
    """A sample of the standard mode. `datasets`: labels with their data."""
    now = time.time() if now is None else now
    uptime = int(time.monotonic() * 1000) if uptime is None else uptime
    head = varint(boot) + varint(sequence) + varint(kind) + signed(int(now * 1000)) + varint(uptime)
    block = b"".join(dataset(*pair) for pair in datasets)
    return enveloped(SAMPLE, head + varint(1) + meter.encode() + text(block) + varint(0))


def status(name, release, boot, meter):
    """A report of a reader that reads a meter well."""
    head = text(name) + text(release) + varint(boot) + signed(int(time.time() * 1000)) + varint(1000)
    tail = varint(5) + varint(0) + varint(2) + b"\1" + meter.encode() + varint(0) * 2 + text("") + varint(0)
    return enveloped(STATUS, head + tail)


def frame(meter, index=1_000_000):
    """What a meter in standard mode shows."""
    values = {"ADSC": meter, "VTIC": "02", "NGTF": "BASE".center(16), "LTARF": "BASE".ljust(16), "EAST": f"{index:09}"}
    values |= {"EASF01": f"{index:09}", "IRMS1": "002", "URMS1": "231", "PREF": "06", "SINSTS": "00460", "NTARF": "01"}
    return list(values.items())


class HostileReader:
    """It does all that the seal asks for, and then says what it likes."""

    def __init__(self, session, meter):
        self.zenoh, self.meter, self.own = session, meter, Identity()
        self.boot, self.sequence = int.from_bytes(os.urandom(8), "big") >> 1, 0
        self.place = f"tic/v2/reader/{self.own.id.hex()}"
        self.sealer = self.bridge = None
        self.is_proven = False
        self.inbox = session.declare_subscriber(f"{self.place}/inbox", self._take)

    def hello(self):
        greeting = bytes([2, 1, 0, 0]) + self.own.public + self.boot.to_bytes(8, "big")
        self.zenoh.put(f"{self.place}/hello", greeting)

    def meet(self, patience=15):
        """First contact, as any reader."""
        end, said = time.monotonic() + patience, 0
        while not self.is_proven and time.monotonic() < end:
            if time.monotonic() > said + 1:
                said = time.monotonic()
                self.hello()
            time.sleep(0.02)
        return self.is_proven

    def met(self, patience=15):
        wait_for("a first contact", lambda: self.meet(patience), 1)
        return self

    def _take(self, message):
        bytes_, key = bytes(message.payload), str(message.key_expr)
        if bytes_[1] == 2:
            self.bridge = bytes_[60:92]
            self.sealer = self.sealer or Session(self.own, self.bridge)
            agreed = bytes(4) + self.boot.to_bytes(8, "big") + bytes_[28:60] + self.meter.encode()
            self.put("pair", agreed)
        elif bytes_[1] == 7 and self.bridge:
            question = opened(self.own, self.bridge, to_reader(self.boot), key, bytes_)[:8]
            # That was all of the answer; the last message before it.
            self.put("end", question + bytes(4) + self.sealer.number.to_bytes(8, "big"))
            self.is_proven = True

    def put(self, what, plain, **more):
        """Seals and sends: where each message belongs."""
        kinds = {"pair": (3, "pair"), "status": (STATUS, "status"), "end": (9, "status")}
        kind, place = kinds[what]
        self._put(kind, f"{self.place}/{place}", plain, **more)

    def say(self, datasets, sequence=None, meter=None, **more):
        """A sample of its meter, or of another one."""
        meter = meter or self.meter
        self.sequence = self.sequence + 1 if sequence is None else sequence
        self._put(SAMPLE, f"tic/v2/{meter}/sample", sample(meter, self.boot, self.sequence, datasets, **more))

    def report(self, name, release="0", boot=None):
        self.put("status", status(name, release, boot or self.boot, self.meter))

    def _put(self, kind, key, plain, **more):
        self.zenoh.put(key, self.sealer.seal(kind, key, plain, **more))


def sealed_by_a_stranger(bridge, key, plain):
    """Rightly sealed, by a key that the bridge has never met."""
    return Session(Identity(), bridge).seal(SAMPLE, key, plain)


__all__ = ["HostileReader", "frame", "key_id", "sample", "sealed_by_a_stranger", "stranger"]
