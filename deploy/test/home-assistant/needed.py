"""Runs in Home Assistant's own Python: prints its file of constraints, then what the integrations that run here
require."""

import json
import pathlib

import homeassistant
from homeassistant import bootstrap
from homeassistant.const import Platform

PACKAGE = pathlib.Path(homeassistant.__file__).parent
# Those that start by themselves, those in configuration.yaml, and every kind of entity.
WANTED = {*bootstrap.CRITICAL_INTEGRATIONS, *bootstrap.DEFAULT_INTEGRATIONS, *(platform.value for platform in Platform)}
WANTED |= {"api", "config", "energy", "hassio", "history", "http", "logbook", "mqtt", "recorder", "websocket_api"}
# What checks set up besides.
WANTED |= {"utility_meter", "homewizard", "shelly", "zeroconf"}

requirements, seen = set(), set()
while WANTED - seen:
    name = (WANTED - seen).pop()
    seen.add(name)
    manifest = PACKAGE / "components" / name / "manifest.json"
    if manifest.exists():
        manifest = json.loads(manifest.read_text())
        requirements.update(manifest.get("requirements", []))
        WANTED.update(manifest.get("dependencies", []))
print(PACKAGE / "package_constraints.txt", *sorted(requirements), sep="\n")
