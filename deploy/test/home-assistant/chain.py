"""Meters, readers and the bridge of one check, by their names: started, stopped and killed."""

import json
import pathlib

from bench import broker
from bench.outputs import tails
from bench.programs import FRAMES, Bridge, Meter, Reader, Replay, accept, locator

# A meter is unavailable after so many seconds without a good frame.
OFFLINE_AFTER = 6


def priced(table, lists):
    """The tables of price lists, by their date."""
    found = {}
    for date, keys in lists.items():
        found[f"{table}.{date}"] = {key: value for key, value in keys.items() if key != "kwh"}
        found[f"{table}.{date}.kwh"] = {json.dumps(tariff): price for tariff, price in keys["kwh"].items()}
    return found


class Chain:
    """What runs, by name. What a check wants to be otherwise is set before the bridge or the meter is started:

    language     of the bridge
    base         its base topic; None: as it is shipped
    options      what else stands in the table [homeassistant] of its configuration file
    publish      how often the bridge publishes a state
    pace         how often it tells Home Assistant of measurements; None: as it is shipped
    meters       tables [meter."ADDRESS"] of its configuration file
    prices       tables [prices.DATE] of its configuration file, by their date
    own_prices   the same of a meter, by its address
    grid_meters  tables [[grid-meter]] of its configuration file
    updates      the table [updates]
    environment  further variables of all programs
    of_readers   further variables of readers
    offline_after  after so many seconds without a good frame a meter is unavailable
    held         how many bytes of history a reader holds; None: as it is shipped
    """

    def __init__(self, directory):
        self.directory, self.running = pathlib.Path(directory), {}
        self.options, self.language, self.environment, self.of_readers = {}, "en", {}, {}
        self.base = None
        self.publish, self.pace, self.meters, self.held = "every-frame", None, {}, None
        self.offline_after = OFFLINE_AFTER
        self.prices, self.own_prices, self.grid_meters, self.updates = {}, {}, [], {}
        # Which reader has read which meter: the bridge believes a further one once it is accepted.
        self.read = set()
        self.directory.mkdir()

    def start(self, name, program):
        self.running[name] = program
        program.start()

    def stop(self, name):
        self.running.pop(name).stop(grace=20)

    def kill(self, name):
        self.running.pop(name).kill()

    def said(self, name):
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def bridge(self):
        pace = {} if self.pace is None else {"pace": self.pace}
        base = {} if self.base is None else {"base-topic": self.base}
        settings = {
            "language": self.language,
            "zenoh": {"listen": [locator(broker.HOST)], "scouting": False},
            "mqtt": {"url": f"mqtt://{broker.HOST}:{broker.PORT}", "publish": self.publish, **base},
            "homeassistant": {"offline-after": self.offline_after, **pace, **self.options},
            "log": {"level": "debug"},
            "grid-meter": self.grid_meters,
            "updates": self.updates,
            **{f'meter."{address}"': table for address, table in self.meters.items()},
            **priced("prices", self.prices),
            **{
                name: table
                for address, own in self.own_prices.items()
                for name, table in priced(f'meter."{address}".prices', own).items()
            },
        }
        self.start("bridge", Bridge(self.directory, settings, **self.environment))

    def meter(self, name, meter, options=""):
        """A simulated meter and its reader."""
        self.start(f"meter-{name}", self.new_meter(name, meter, *options.split()))
        self.reader(name)

    def replay(self, name, *files):
        """Frames of files, again and again, and their reader."""
        files = (FRAMES / file for file in files)
        self.start(f"meter-{name}", Replay(self.directory, *files, name=f"meter-{name}", **self.environment))
        self.reader(name)

    def reader(self, name):
        self.start(f"reader-{name}", self.new_reader(name))

    def unplug(self, name):
        """The meter is gone, and with it its reader."""
        self.stop(f"reader-{name}")
        self.kill(f"meter-{name}")

    def new_meter(self, name, meter, *options):
        """A meter whose reader is accepted, if it is another one than that which has read this meter before."""
        if (name, meter) not in self.read and meter in {read for _, read in self.read}:
            accept(self.directory, self.directory / "bridge-state", meter)
        self.read.add((name, meter))
        return Meter(self.directory, "--id", meter, *options, name=f"meter-{name}", **self.environment)

    def new_reader(self, name):
        """The reader of the meter with this name."""
        terminal = self.directory / f"meter-{name}.pty"
        settings = {"name": name, "led": {"mode": "off"}}
        settings |= {"history": {"size": self.held}} if self.held else {}
        how = {"name": f"reader-{name}", "settings": settings}
        return Reader(self.directory, terminal, broker.HOST, **how, **self.environment | self.of_readers)

    def truth(self, name):
        """The file with what the meter of this name has sent."""
        return self.directory / f"meter-{name}.truth"

    def logs(self):
        return tails(self.directory)

    def close(self):
        for name in list(self.running):
            self.kill(name)
