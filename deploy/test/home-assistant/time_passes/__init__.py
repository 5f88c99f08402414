"""Makes the statistics of the hours that a test has skipped, as Home Assistant itself does at its start."""

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import CompileMissingStatisticsTask
from homeassistant.helpers import config_validation

CONFIG_SCHEMA = config_validation.empty_config_schema("time_passes")


async def async_setup(hass, config):
    async def compile_missing(call):
        recorder = get_instance(hass)
        await recorder.async_block_till_done()
        recorder.queue_task(CompileMissingStatisticsTask())
        await recorder.async_block_till_done()

    hass.services.async_register("time_passes", "compile", compile_missing)
    return True
