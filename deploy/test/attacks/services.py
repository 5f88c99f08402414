"""Attacks by a service that the bridge or the reader trusts, or a setting that opens one; each with programs of its
own."""

import pathlib
import subprocess
import time

import zenoh

from attacks.hostile import stranger
from attacks.house import LOCAL, OPTIONS, Watched, bridge_at, mosquitto, place, running
from attacks.servers import HomeAssistant, MuteBroker, registry_of
from bench.programs import Meter, Reader, locator
from bench.report import require
from bench.wait import wait_for

# What an attack on the bridge may leave of the memory that its unit has, in kB (deploy/systemd).
UNIT_KB = 256_000


def refusing_broker():
    """A11: an access list that denies discovery, and another that denies everything."""
    with place() as directory:
        lists = {"discovery": "topic readwrite teleinfo/#\ntopic read homeassistant/status\n", "everything": "\n"}
        brokers, bridges = [], []
        for number, (name, rules) in enumerate(lists.items()):
            file = pathlib.Path(directory) / f"{name}.acl"
            file.write_text(rules)
            brokers.append(mosquitto(directory, 1900 + number, f"acl_file {file}"))
            bridges.append(bridge_at(directory, 7500 + number, {"url": f"mqtt://{LOCAL}:{1900 + number}"}, name))
        with running(*brokers, *bridges):
            for bridge in bridges:
                bridge.wait_said("access list refuses", patience=40)
                require(len(bridge.warnings()) < 10, f"{len(bridge.warnings())} warnings")
    return "said within 40 s, once", None


def small_packets():
    """A11: a broker that takes no message above 20 kB: the rest goes on."""
    with place() as directory:
        broker = mosquitto(directory, 1902, "max_packet_size 20000")
        bridge = bridge_at(directory, 7502, {"url": f"mqtt://{LOCAL}:1902"}, "small")
        meter = Meter(directory, *OPTIONS)
        reader = Reader(directory, meter.pty, settings={"zenoh": {"connect": [locator(LOCAL, 7502)]}})
        with running(broker, bridge, meter, reader):
            wait_for("states of the meter", lambda: heard(1902, "teleinfo/+"), 60)
            time.sleep(6)
            again = bridge.said().count("connected to the MQTT broker")
            require(again < 5, f"connected {again} times")
            require(heard(1902, "teleinfo/+"), "states stop")
            news = "discovery split" if heard(1902, "homeassistant/device/#") else "named in the log"
            require("discovery" in news or "too large" in bridge.said(), "nothing is said of discovery")
    return f"connected {again} times, states go on, {news}", None


def heard(port, topics, seconds=3):
    """What a subscriber hears first."""
    command = ("mosquitto_sub", "-h", LOCAL, "-p", str(port), "-t", topics, "-C", "1", "-W", str(seconds))
    return subprocess.run(command, capture_output=True, text=True).stdout


def mute_broker():
    """A16: a broker that never acknowledges."""
    with place() as directory:
        broker = MuteBroker(1903)
        bridge = bridge_at(directory, 7503, {"url": f"mqtt://{LOCAL}:1903"}, "mute")
        with running(bridge):
            bridge.wait_said("has acknowledged none", patience=50)
        broker.close()
    return "said after twice the keep-alive", None


def twins():
    """A17: two bridges under one client id."""
    with place() as directory:
        broker = mosquitto(directory, 1904)
        mqtt = {"url": f"mqtt://{LOCAL}:1904", "client-id": "twin"}
        bridges = [bridge_at(directory, 7504 + number, mqtt, f"twin{number}") for number in range(2)]
        with running(broker, *bridges):
            wait_for("the cause", lambda: any("another client named twin" in one.said() for one in bridges), 40)
            before = [len(bridge.said().splitlines()) for bridge in bridges]
            time.sleep(5)
            lines = [len(bridge.said().splitlines()) - count for bridge, count in zip(bridges, before, strict=True)]
            require(max(lines) < 8, f"{lines} lines in 5 s")
    return f"named, {max(lines)} lines in 5 s", None


def big_registry():
    """A12: a Home Assistant with 20 000 entities, as an honest one has."""
    return home_assistant(registry_of(20_000), 8124, 7506, "20 000 entities")


def hostile_registry():
    """A12: 20 MB that would take many times as much memory."""
    return home_assistant(b"[" + b"[]," * 6_600_000 + b"[]]", 8125, 7507, "20 MB of lists")


def large_registry():
    """A12: 60 MB in one frame."""
    return home_assistant(b'["' + b"x" * 60_000_000 + b'"]', 8126, 7508, "60 MB at once")


def home_assistant(registry, port, zenoh_port, what):
    with place() as directory:
        token = pathlib.Path(directory) / "token"
        token.touch(mode=0o600)
        token.write_text("secret-token\n")
        server = HomeAssistant(port, registry)
        settings = {"url": f"http://{LOCAL}:{port}", "token-file": token}
        embedded = {"url": "embedded", "listen": f"{LOCAL}:{port + 10_000}"}
        bridge = bridge_at(directory, zenoh_port, embedded, "house", homeassistant=settings)
        with running(bridge):
            watched = Frozen(bridge)
            wait_for("the registry is asked for", lambda: server.asked, 90)
            time.sleep(4)
            require(bridge.alive(), "the bridge has ended")
            require("secret-token" not in bridge.said(), "the token is in the log")
            watched.note()
        server.close()
        require(watched.highest() < UNIT_KB, f"{watched.highest()} kB")
    return f"{what}: {watched.highest() / 1000:.0f} MB", watched


class Frozen(Watched):
    """Memory of a program that will have ended when it is told."""

    def __init__(self, process):
        super().__init__(process)
        self.noted = 0

    def note(self):
        self.noted = self.process.memory("VmHWM")

    def highest(self):
        return self.noted


def embedded():
    """A14: the embedded broker from another address, and from Zenoh."""
    with place() as directory:
        bridge = bridge_at(directory, 7510, {"url": "embedded"}, "own")
        open_bridge = bridge_at(directory, 7511, {"url": "embedded", "listen": "0.0.0.0:1911"}, "open")
        subprocess.run(["ip", "addr", "add", "10.78.0.1/32", "dev", "lo"], check=False, capture_output=True)
        with running(bridge, open_bridge):
            bridge.wait_said("teleinfo-bridge ")
            open_bridge.wait_said("anybody on the network can connect")
            require(not connects("10.78.0.1", 1883), "without a users file it is open to the network")
            require(connects(LOCAL, 1883), "it is not open to this machine")
            with stranger(7510) as attacker:
                spied = []
                attacker.declare_subscriber("mqtt/**", lambda one: spied.append(str(one.key_expr)))
                listener = subprocess.Popen(
                    ["mosquitto_sub", "-h", LOCAL, "-t", "#", "-W", "4", "-v"], stdout=subprocess.PIPE, text=True
                )
                time.sleep(1.5)
                for _ in range(5):
                    attacker.put("mqtt/homeassistant/switch/evil/config", b"evil")
                    time.sleep(0.1)
                subprocess.run(["mosquitto_pub", "-h", LOCAL, "-q", "1", "-t", "private", "-m", "secret"], check=True)
                said = listener.communicate(timeout=15)[0]
            require("evil" not in said, "a Zenoh client publishes for MQTT clients")
            require("secret" in said, "MQTT clients do not hear each other")
            # Its own words come back to it by itself.
            others = [key for key in spied if "evil" not in key]
            require(not others, f"a Zenoh client hears MQTT: {others[:2]}")
    return "this machine alone; Zenoh reaches no MQTT", None


def connects(host, port):
    return (
        subprocess.run(
            ["mosquitto_pub", "-h", host, "-p", str(port), "-t", "x", "-n"], capture_output=True, timeout=10
        ).returncode
        == 0
    )


def rogue_router():
    """A8: a router that asks for no password, at the address that a reader with a password was given."""
    config = zenoh.Config()
    for key, value in {"mode": '"router"', "listen/endpoints": '["tcp/127.0.0.1:7520"]'}.items():
        config.insert_json5(key, value)
    config.insert_json5("scouting/multicast/enabled", "false")
    with place() as directory, zenoh.open(config) as router:
        heard = []
        router.declare_subscriber("tic/**", lambda one: heard.append(bytes(one.payload)))
        password = pathlib.Path(directory) / "password"
        password.touch(mode=0o600)
        password.write_text("right\n")
        meter = Meter(directory, *OPTIONS)
        settings = {"zenoh": {"user": "pi", "password-file": password, "connect": [locator(LOCAL, 7520)]}}
        reader = Reader(directory, meter.pty, settings=settings)
        with running(meter, reader):
            reader.wait_said("asks for no password", patience=20)
            time.sleep(5)
            require(not heard, f"{len(heard)} messages went to it")
            watched = Frozen(reader)
            watched.note()
    return "refused and said; nothing went to it", watched
