"""Looks for services by mDNS for some seconds with python-zeroconf, which Home Assistant uses: ADDRESS SECONDS TYPE...

Prints a list for each instance: its type, name, host, port, addresses and properties.
"""

import asyncio
import json
import sys

from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf


async def find(address, seconds, kinds):
    network = AsyncZeroconf(interfaces=[address], ip_version=IPVersion.V4Only)
    seen, found = set(), []

    def note(service_type, name, state_change, **_):
        (seen.add if state_change.name == "Added" else seen.discard)((service_type, name))

    AsyncServiceBrowser(network.zeroconf, list(kinds), handlers=[note])
    await asyncio.sleep(seconds)
    for kind, name in sorted(seen):
        info = AsyncServiceInfo(kind, name)
        if not await info.async_request(network.zeroconf, 2000):
            continue
        properties = {key.decode(): value.decode() for key, value in info.properties.items() if value is not None}
        found.append([kind, name, info.server, info.port, info.parsed_addresses(), properties])
    await network.async_close()
    return found


print(json.dumps(asyncio.run(find(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))))
