"""A newer version of this software is shown, to who wants that."""

import json

from house import check, is_, known, unique

from bench.report import require
from bench.wait import wait_for

NEWEST = "9.0.0"


@check("usual")
def an_update_is_shown(house):
    """What a release tells is an update in Home Assistant, and gone again once nobody wants to know."""
    update, connection = unique("bridge_teleinfo", "update"), unique("bridge_teleinfo", "connection")
    file = house.chain.directory / "newest.json"
    file.write_text(json.dumps({"version": NEWEST}))
    house.chain.bridge()
    house.wait("the bridge", {connection: known})
    require(update not in house.ha.entities(), "an update, though nobody wants to know")
    house.chain.stop("bridge")
    house.chain.updates = {"url": f"file://{file}"}
    house.chain.bridge()
    house.wait("an update", {update: is_("on")}, 60)
    told = house.ha.entities()[update]
    shown = told["attributes"]
    require(shown["latest_version"] == NEWEST and shown["installed_version"] != NEWEST, f"shown: {shown}")
    require(told["name"] == "Update" and told["device"] == "teleinfo bridge", f"told: {told}")
    house.chain.stop("bridge")
    house.chain.updates = {}
    house.chain.bridge()
    wait_for("no update any more", lambda: update not in house.ha.entities(), 30)
    house.quiet()
