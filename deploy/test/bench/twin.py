"""A second bridge beside the one of a test, and the two are one group: what a test asks of one bridge holds for two.

With TELEINFO_TWIN=1 in the environment. The bridge of the test publishes nearly all meters, since its weight is so much
larger: what the test does to it is done to the one that matters. Readers know the addresses of both. The twin has the
same broker, names, prices and key, and no port of its own but that of Zenoh. A bridge that cannot have a twin is alone,
and the test says so: what it proves, it proves of one bridge.
"""

import os
import sys
import time

from bench import trust

GROUP = {"name": "twins"}
HEAVY, LIGHT = 100, 1
# Its port is so much higher: some tests have programs at the next ones.
HIGHER = 100
# Seconds after which the other one knows.
NOTICED = 2
DIVIDED = "the meters are divided among first, second"
# Why a bridge has no twin, as far as it was said.
SAID = set()
# Twins by the place of the bridge beside which they are.
OF = {}
# What only one of two on one machine can have.
OF_ONE = "page", "grid-meter", "influxdb", "updates"


def is_on():
    return os.environ.get("TELEINFO_TWIN") == "1"


def is_wanted(settings):
    """Whether a bridge is to have a twin. One of a group has others already; of one that can have none, it is said."""
    if not is_on() or "group" in settings:
        return False
    why = hindrance(settings)
    if why and why not in SAID:
        SAID.add(why)
        print(f"NOT CHECKED: TELEINFO_TWIN=1: this bridge has no twin: {why}", file=sys.stderr, flush=True)
    return not why


def hindrance(settings):
    """Why a bridge with these settings cannot be one of two, if it cannot."""
    if str(settings.get("mqtt", {}).get("url", "embedded")) == "embedded":
        return "it is its own broker, and a group has one that all know"
    return "" if settings.get("zenoh", {}).get("listen") else "it listens at no address that its readers are told"


def end_in(place):
    if place in OF:
        OF.pop(place).end()


def stop_all():
    """All twins end as one who stops them wants it, and the others have noticed."""
    for one in OF.values():
        one.stop()
    if OF:
        time.sleep(NOTICED)


def ports(port):
    """Where a reader looks for a bridge that listens at this port."""
    return (port, port + HIGHER) if is_on() else (port,)


def settings(of_one):
    """Those of the bridge of the test, and those of its twin."""
    listen = [beside(place) for place in of_one["zenoh"]["listen"]]
    first = of_one | {"group": GROUP | {"member": "first", "weight": HEAVY, "connect": here(listen)}}
    shared = {name: value for name, value in of_one.items() if name not in OF_ONE}
    twin = shared | {
        "zenoh": of_one["zenoh"] | {"listen": listen},
        "mqtt": of_one["mqtt"] | {"client-id": "twin"},
        "page": {"listen": "off"},
        "group": GROUP | {"member": "second", "weight": LIGHT, "connect": here(of_one["zenoh"]["listen"])},
    }
    return first, twin


def here(places):
    """The same machine as another program there names it."""
    return [place.replace("0.0.0.0", "127.0.0.1") for place in places]


def beside(place):
    """The port of the twin, beside this one."""
    address, _, port = place.rpartition(":")
    return f"{address}:{int(port) + HIGHER}"


def share_key(state, twin_state):
    """Both have one key, before either has made one."""
    key = state / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(f"{trust.BRIDGE[0]}\n")
    for name in "key", "readers", "code":
        if (state / name).exists() and not (twin_state / name).exists():
            (twin_state / name).touch(mode=0o600)
            (twin_state / name).write_bytes((state / name).read_bytes())
