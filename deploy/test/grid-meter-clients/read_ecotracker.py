"""Reads once with everHome's own client: HOST PORT."""

import asyncio
import json
import sys

from ecotracker import EcoTracker


async def read(host, port):
    meter = EcoTracker(host, int(port))
    if not await meter.async_update():
        return None
    energies = meter.get_energy_counter_in(), meter.get_energy_counter_out()
    return {"power": meter.get_power(), "drawn": energies[0], "injected": energies[1], "serial": meter.get_serial()}


print(json.dumps(asyncio.run(read(*sys.argv[1:]))))
