"""Makes the statistics of the hours that a test has skipped, as Home Assistant itself does at its start."""

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import CompileMissingStatisticsTask
from homeassistant.helpers import config_validation

CONFIG_SCHEMA = config_validation.empty_config_schema("time_passes")


def stop_own_statistics(recorder):
    """Those that Home Assistant makes each five minutes: after a leap of the clock the newest five minutes would come
    first, and then those before them are never made."""
    if recorder._periodic_listener:
        recorder._periodic_listener()
        recorder._periodic_listener = None


async def async_setup(hass, config):
    async def compile_missing(call):
        recorder = get_instance(hass)
        stop_own_statistics(recorder)
        await recorder.async_block_till_done()
        recorder.queue_task(CompileMissingStatisticsTask())
        await recorder.async_block_till_done()

    stop_own_statistics(get_instance(hass))
    hass.services.async_register("time_passes", "compile", compile_missing)
    return True
