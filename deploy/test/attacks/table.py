"""All attacks, in the order of the review that found them, with what came of each before."""

from typing import NamedTuple

from attacks import clients, files, insiders, network, routers, services


class Attack(NamedTuple):
    """One row."""

    name: str
    what: str
    before: str
    function: object


# Those that all happen to one house, one after the other.
HOUSE = [
    Attack("A2", "a stranger puts the highest sequence", "the meter is silent for good", network.last_number),
    Attack("A2b", "a reader's own highest sequence", "the meter is silent for good", insiders.sequence_jump),
    Attack("A3", "300 messages of 1 MB", "MQTT stops for all meters; 317 MB", network.large_samples),
    Attack("A4", "a mute history, tokens", "no value for 118 s", network.mute_queryable),
    Attack("A5", "fake values and recordings", "published after 11 ms", network.fake_values),
    Attack("A6", "2100 tokens", "275 MB, 1800 devices", network.tokens),
    Attack("A7", "600 MB as replies", "624 MB", network.large_replies),
    Attack("A9", "12 000 labels", "+18 MB, a file of 1.3 MB twice a second", insiders.labels),
    Attack("A10", "forged and very many lines", "a forged line, 1710 lines", insiders.forged_lines),
    Attack("A13", "300 idle connections", "a reader gets in after 10.5 s", network.idle_connections),
    Attack("A14", "MQTT by Zenoh", "published", network.mqtt_by_zenoh),
    Attack("A1", "flipped bits in the reader's history", "a wrong index, live", files.spoilt_history),
    Attack("B1", "bytes that mean nothing", "held", network.foreign_keys),
    Attack("B2", "templates in values", "held", insiders.templates),
    Attack("A6b", "2200 meters of hostile readers", "275 MB, 1800 devices, others locked out", insiders.many_meters),
]

# Those that take the port of MQTT or the group of scouting, one after the other.
FIRST = [
    Attack("A14b", "the embedded broker", "open to all", services.embedded),
    Attack("A14c", "20 MQTT clients that read nothing", "all is held: 240 MB", clients.mute),
    Attack("A14d", "200 idle MQTT clients, and 200 MB at once", "all is held: 200 MB", clients.crowd),
    Attack("R2", "lies to a reader that looks for its bridge", "not tried", routers.lying_scouting),
]

# Those that have programs of their own.
ALONE = [
    Attack("A8", "a router that asks for no password", "all samples", services.rogue_router),
    Attack("A11", "an access list that denies", "silence", services.refusing_broker),
    Attack("A11b", "a broker with small packets", "15 reconnections in 14 s, no entity", services.small_packets),
    Attack("A12", "20 000 entities", "138 MB: killed", services.big_registry),
    Attack("A12b", "20 MB of lists of Home Assistant", "some 500 MB", services.hostile_registry),
    Attack("A12c", "60 MB of Home Assistant at once", "2.0 GB", services.large_registry),
    Attack("R1", "a router that lies, floods, never ends", "3.2 MB, no gap above 1.7 s", routers.lying_router),
    Attack("A15", "secrets that others read", "silence", files.open_secrets),
    Attack("A16", "a broker that never acknowledges", "silence for ever", services.mute_broker),
    Attack("A17", "two bridges of one name", "2 lines a second, no cause", services.twins),
    Attack("B3", "spoilt state files", "held", files.spoilt_state),
    Attack("B4", "links in place of state", "held", files.links),
]
