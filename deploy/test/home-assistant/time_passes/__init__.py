"""Makes the statistics of the hours that a test has skipped, as Home Assistant itself does at its start."""

import asyncio
from dataclasses import dataclass

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import CompileMissingStatisticsTask, RecorderTask
from homeassistant.helpers import config_validation

CONFIG_SCHEMA = config_validation.empty_config_schema("time_passes")


@dataclass
class Done(RecorderTask):
    """Comes after all that stood before it: async_block_till_done does not wait for what is under way."""

    event: asyncio.Event

    def run(self, instance):
        instance.hass.loop.call_soon_threadsafe(self.event.set)


async def async_setup(hass, config):
    async def compile_missing(call):
        recorder, event = get_instance(hass), asyncio.Event()
        recorder.queue_task(CompileMissingStatisticsTask())
        recorder.queue_task(Done(event))
        await event.wait()

    hass.services.async_register("time_passes", "compile", compile_missing)
    return True
