"""Attacks of somebody who only reaches the network: no key, no password, the configuration as shipped."""

import json
import socket
import time

from attacks.hostile import HostileReader, frame, sample, sealed_by_a_stranger, stranger
from attacks.house import BRIDGE_KEY, LOCAL, METER, SHORT, ZENOH_PORT, Watched
from bench.report import require
from bench.wait import wait_for

KEY = f"tic/v2/{METER}/sample"
# An index that the meter never shows.
FAKE = 999_999_999


def large_samples(house):
    """A3, A7: messages of a megabyte, as samples, reports and hellos, and then as replies to a history."""
    start, watched = time.monotonic(), Watched(house.bridge)
    reconnections = house.bridge.said().count("connected to the MQTT broker")
    with stranger(ZENOH_PORT) as attacker:
        for number in range(300):
            places = [KEY, "tic/v2/reader/0123456789abcdef/status", "tic/v2/reader/0123456789abcdef/hello"]
            attacker.put(places[number % 3], bytes(1_000_000))
        time.sleep(1)
        gap = house.is_well(start)
    house.stays_small(watched)
    require(house.bridge.said().count("connected to the MQTT broker") == reconnections, "MQTT was connected again")
    return f"300 x 1 MB dropped, longest gap {gap:.1f} s", watched


def large_replies(house):
    """A7: somebody answers the question for the history, with 600 x 1 MB; the reader starts again, so it is asked."""
    start, watched, asked = time.monotonic(), Watched(house.bridge), []

    def answer(query):
        asked.append(query)
        for _ in range(600):
            query.reply(KEY, bytes(1_000_000))
        query.drop()

    with stranger(ZENOH_PORT) as attacker:
        queryable = attacker.declare_queryable(f"tic/v2/{METER}/history", answer)
        house.restart_reader()
        wait_for("the history is asked", lambda: asked, 10)
        time.sleep(3)
        gap = house.is_well(start)
        queryable.undeclare()
    house.stays_small(watched, more=80_000)
    return f"asked {len(asked)} times, longest gap {gap:.1f} s", watched


def _appear(attacker, times):
    for _ in range(times):
        token = attacker.liveliness().declare_token(f"tic/v2/{METER}/alive")
        time.sleep(0.3)
        token.undeclare()
        time.sleep(0.3)


def mute_queryable(house):
    """A4: a history that never answers, while tokens say that the reader comes and goes."""
    watched, asked, heard = Watched(house.bridge), [], []
    with stranger(ZENOH_PORT) as attacker:
        attacker.declare_subscriber(KEY, lambda _: heard.append(time.monotonic()))
        queryable = attacker.declare_queryable(f"tic/v2/{METER}/history", asked.append)
        house.restart_reader()
        heard.clear()
        wait_for("the reader has found its line again", lambda: heard, 15)
        start = heard[0]
        wait_for("the history is asked", lambda: asked, 10)
        _appear(attacker, 3)
        gap = house.is_well(start)
        queryable.undeclare()
        asked.clear()
    return f"asked, longest gap {gap:.1f} s", watched


def last_number(house):
    """A2: the highest sequence, under the meter's key: in the clear, and sealed by a key that nobody knows."""
    start, watched = time.monotonic(), Watched(house.bridge)
    plain = sample(METER, 1, 2**64 - 1, frame(METER, FAKE))
    with stranger(ZENOH_PORT) as attacker:
        attacker.put(KEY, plain)
        attacker.put(KEY, sealed_by_a_stranger(BRIDGE_KEY, KEY, plain))
        time.sleep(2)
        gap = house.is_well(start)
    return f"refused, longest gap {gap:.1f} s", watched


def fake_values(house):
    """A5: an index in the clear, sealed by a stranger, sealed by the reader of another meter, and recordings again."""
    start, watched = time.monotonic(), Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        recorded = []
        recorder = attacker.declare_subscriber(KEY, lambda one: recorded.append(bytes(one.payload)))
        wait_for("messages to record", lambda: len(recorded) >= 3, 10)
        recorder.undeclare()
        plain = sample(METER, 7, 1, frame(METER, FAKE))
        liar = HostileReader(attacker, "000000000005").met()
        for number in range(1, 20):
            attacker.put(KEY, plain)
            attacker.put(KEY, sealed_by_a_stranger(BRIDGE_KEY, KEY, plain))
            liar.say(frame(METER, FAKE), number, meter=METER)
            liar.report("liar")
        for message in recorded:
            attacker.put(KEY, message)
            attacker.put("tic/v2/000000000005/sample", message)
        attacker.delete(KEY)
        time.sleep(2)
        gap = house.is_well(start)
    lines = house.bridge.said()
    require("another reader" in lines, "the bridge does not say that another reader speaks for the meter")
    require(f'"{FAKE}' not in json.dumps([payload.decode() for _, payload in house.states(start)]), "a fake index")
    return f"none published, longest gap {gap:.1f} s", watched


def tokens(house):
    """A6: 2100 meters that are nothing but a token. A token is a hint: nobody is told of them."""
    watched = Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        held = [attacker.liveliness().declare_token(f"tic/v2/{10**11 + n}/alive") for n in range(2100)]
        time.sleep(3)
        told = {meter for meter in house.meters() if meter.startswith("1000")}
        require(not told, f"{len(told)} meters that nobody has heard are told of")
        for token in held:
            token.undeclare()
    house.stays_small(watched)
    return "none is told of", watched


def idle_connections(house):
    """A13: 300 connections that say nothing; a reader that starts meanwhile must get in."""
    watched, connections = Watched(house.bridge), []
    for _ in range(300):
        connections.append(socket.create_connection((LOCAL, ZENOH_PORT), 5))
    start = time.monotonic()
    with stranger(ZENOH_PORT) as honest:
        reader = HostileReader(honest, "000000000013")
        require(reader.meet(20), "no reader gets in")
        took = time.monotonic() - start
    for connection in connections:
        connection.close()
    time.sleep(3)
    house.is_well(time.monotonic() - SHORT)
    require(took < 12, f"{took:.1f} s to get in")
    return f"a reader gets in after {took:.1f} s", watched


def foreign_keys(house):
    """B: keys with wildcards and strange names, and bytes that mean nothing, under every key that is listened to."""
    start, watched = time.monotonic(), Watched(house.bridge)
    keys = [KEY, "tic/v2/02186100000/sample", "tic/v2/0218610000zz/sample", "tic/v2/reader/x/status"]
    keys += ["tic/v2/reader/0123456789abcdef/hello", "tic/v2/reader/0123456789abcdef/pair"]
    with stranger(ZENOH_PORT) as attacker:
        for number in range(400):
            body = bytes((number * 7 + at * at) % 256 for at in range(number % 200))
            attacker.put(keys[number % len(keys)], bytes([2, number % 12, 0, 0]) + body)
        time.sleep(1)
        gap = house.is_well(start)
    house.stays_small(watched)
    require("panicked" not in house.bridge.said(), "a thread panicked")
    return f"400 refused, longest gap {gap:.1f} s", watched


def mqtt_by_zenoh(house):
    """A14: what the MQTT side publishes, put by a Zenoh client."""
    watched = Watched(house.bridge)
    with stranger(ZENOH_PORT) as attacker:
        for key in (f"teleinfo/{METER}", f"mqtt/teleinfo/{METER}", "homeassistant/switch/evil/config"):
            attacker.put(key, b"evil")
        time.sleep(1)
    said = [line for _, line in list(house.listener.messages.lines) if b"evil" in line]
    require(not said, f"{said[:2]}")
    return "nothing reaches MQTT", watched
