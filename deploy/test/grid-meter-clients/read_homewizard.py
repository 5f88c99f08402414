"""Reads once with python-homewizard-energy, which Home Assistant uses: HOST PORT."""

import asyncio
import json
import sys

from homewizard_energy import HomeWizardEnergyV1


async def read(host, port):
    async with HomeWizardEnergyV1(f"{host}:{port}") as meter:
        serial = (await meter.device()).serial
        told = await meter.measurement()
        energies = told.energy_import_kwh * 1000, told.energy_export_kwh * 1000
        return {"power": told.power_w, "drawn": energies[0], "injected": energies[1], "serial": serial}


try:
    print(json.dumps(asyncio.run(read(*sys.argv[1:]))))
except Exception as error:
    print(type(error).__name__, file=sys.stderr)
    print("null")
