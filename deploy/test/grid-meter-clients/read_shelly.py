"""Reads once with aioshelly over a WebSocket, as Home Assistant does: HOST PORT [SECONDS].

With seconds it stays so long, and says whether values were pushed, and which power it has at the end.
"""

import asyncio
import json
import sys

import aiohttp
from aioshelly.common import ConnectionOptions, get_info, is_firmware_supported
from aioshelly.rpc_device import RpcDevice, WsServer


async def read(host, port, seconds="0"):
    async with aiohttp.ClientSession() as session:
        info = await get_info(session, host, port=int(port))
        assert is_firmware_supported(info["gen"], info["model"], info["fw_id"])
        device = await RpcDevice.create(session, WsServer(), ConnectionOptions(host, port=int(port)))
        try:
            await device.initialize()
            told = {"power": device.status["em:0"]["total_act_power"], "serial": info["mac"]}
            told["drawn"] = device.status["emdata:0"]["total_act"]
            told["injected"] = device.status["emdata:0"]["total_act_ret"]
            if float(seconds):
                pushes = []
                device.subscribe_updates(lambda _, kind: pushes.append(kind.name))
                await asyncio.sleep(float(seconds))
                told |= {"pushes": len(pushes), "at_last": device.status["em:0"]["total_act_power"]}
            return told
        finally:
            await device.shutdown()


try:
    print(json.dumps(asyncio.run(read(*sys.argv[1:]))))
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
    print("null")
