"""A Home Assistant that runs: started with an owner and the broker set up, restarted, its clock moved, asked what
it has."""

import json
import pathlib
import re
import time

from api import PATIENCE, URL, Refused, WebSocket, rest

from bench import broker
from bench.clock import MONOTONIC_ALONE, shifted
from bench.process import Process
from bench.wait import wait_for

# Frontend, onboarding, authentication and the like start by themselves.
CONFIGURATION = """homeassistant:
  name: Home
  latitude: 48.85
  longitude: 2.35
  elevation: 35
  unit_system: metric
  currency: EUR
  country: FR
  time_zone: Europe/Paris
  language: {language}
api:
config:
websocket_api:
recorder:
  commit_interval: 1
history:
logbook:
energy:
automation: !include automations.yaml
persistent_notification:
logger:
  default: warning
{more}"""
# Of the steps for a new user only the owner is left: the others would use the network.
ONBOARDING = {"version": 4, "key": "onboarding", "data": {"done": ["core_config", "analytics", "integration"]}}
OWNER = {"name": "Owner", "username": "owner", "password": "only-in-here"}
CLIENT = f"{URL}/"
START = 300
# The broker's form, the newest first.
BROKER_FORMS = ({"other_settings": {"set_client_cert": False, "set_ca_cert": "off"}}, {})
# What its log may say in any house: of this machine, of the tests' own component, and of a network that is not there.
NOT_OURS = (
    r"custom integration|haffmpeg|aiohttp|asyncio|marketplace"
    r"|components\.(usb|bluetooth|zeroconf|ssdp|dhcp|analytics|cloud|marketplace|camera|network|ffmpeg|go2rtc|stream)"
)


def at(seconds):
    """A time in s since 1970, as its commands want it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class HomeAssistant:
    def __init__(self, installed, directory, inside, language="en", more="", clock=None):
        """`inside` is how Home Assistant sees `directory`; `more`: further lines of its configuration; `clock`: the
        environment in which its clock is another one."""
        self.installed, self.directory, self.inside = installed, pathlib.Path(directory), pathlib.Path(inside)
        self.process, self.token, self.clock = None, None, clock or {}
        self.directory.mkdir(exist_ok=True)
        (self.directory / "configuration.yaml").write_text(CONFIGURATION.format(language=language, more=more))
        (self.directory / "automations.yaml").write_text("[]\n")
        (self.directory / ".storage").mkdir()
        (self.directory / ".storage/onboarding").write_text(json.dumps(ONBOARDING))

    def start(self, offset=None):
        """`offset`: seconds that its clock is off."""
        clock = self.clock if offset is None else shifted(offset, self.installed.faketime()) | MONOTONIC_ALONE
        command = self.installed.command("hass", "-c", self.inside, "--skip-pip", environment=clock)
        self.process = Process(self.directory / "hass.log", *command).start()
        self._wait(self._answers)
        if not self.token:
            self._first_time()
        self._wait(self._is_running)

    def stop(self):
        self.process.stop(grace=120)

    def end(self):
        if self.process:
            self.stop()

    def restart(self, offset=None):
        self.stop()
        self.start(offset)

    def ask(self, *commands):
        """WebSocket commands; the result of the last."""
        with WebSocket(self.token) as socket:
            return [socket.ask(command) for command in commands][-1]

    def get(self, path):
        return rest(path, token=self.token)

    def post(self, path, body, patience=PATIENCE):
        return rest(path, body, token=self.token, patience=patience)

    def set_up(self, integration, *forms):
        """An integration, with what its owner writes into its forms, one after the other."""
        flow = "/api/config/config_entries/flow"
        step = self.post(flow, {"handler": integration, "show_advanced_options": True})
        for form in forms:
            step = self.post(f"{flow}/{step['flow_id']}", form)
        if step["type"] != "create_entry":
            raise RuntimeError(f"{integration} cannot be set up: {step}")

    def entities(self):
        """All of MQTT, by unique id: `entity_id`, `name`, `device`, `disabled`, `category`, `state`, `attributes`."""
        states = {state["entity_id"]: state for state in self.get("/api/states")}
        with WebSocket(self.token) as socket:
            registry = socket.ask({"type": "config/entity_registry/list"})
            devices = {device["id"]: device["name"] for device in socket.ask({"type": "config/device_registry/list"})}
        found = {}
        for entry in registry:
            if entry["platform"] == "mqtt":
                state = states.get(entry["entity_id"], {})
                found[entry["unique_id"]] = {
                    "entity_id": entry["entity_id"],
                    "name": entry["original_name"],
                    "device": devices.get(entry["device_id"]),
                    "disabled": bool(entry["disabled_by"]),
                    "category": entry["entity_category"],
                    "state": state.get("state"),
                    "attributes": state.get("attributes", {}),
                }
        return found

    def devices(self):
        """Those of MQTT that are meters: the bridge is a device too."""
        found = self.ask({"type": "config/device_registry/list"})
        meter = re.compile(r"teleinfo_\d+").fullmatch
        ours = [[name for kind, name in device["identifiers"] if kind == "mqtt"] for device in found]
        return [device for device, names in zip(found, ours, strict=True) if any(map(meter, names))]

    def history(self, entity_id):
        """States since the start, oldest first. Two events of one millisecond differ in their attributes alone."""
        rows = self.get(f"/api/history/period?filter_entity_id={entity_id}&significant_changes_only=0")
        return rows[0] if rows else []

    def complaints(self, about=".", but=NOT_OURS):
        """Warnings and errors, of any of its loggers, each with the end of its exception."""
        log = self.ask({"type": "system_log/list"})
        lines = [(f"{entry['level']}: {' '.join([entry['name'], *entry['message']])}", entry) for entry in log]
        ours = [(line, entry) for line, entry in lines if re.search(about, line) and not re.search(but, line)]
        return [" ".join([line, *entry["exception"].strip().splitlines()[-3:]]) for line, entry in ours]

    def hourly(self, entity_id, since):
        """Rows of the hourly statistics: start in s -> `sum`, `state` and `change`, energy in Wh."""
        return self.rows(entity_id, "hour", since)

    def rows(self, entity_id, period, since):
        """The same for another period ("5minute")."""
        kinds = ["sum", "state", "change"]
        rows = self.ask(
            {
                "type": "recorder/statistics_during_period",
                "start_time": at(since),
                "statistic_ids": [entity_id],
                "period": period,
                "types": kinds,
                "units": {"energy": "Wh"},
            }
        )
        # What is kept in kWh comes back in Wh with a remainder far behind the point.
        exact = lambda number: number if number is None else round(number, 6)  # noqa: E731
        return {int(row["start"] / 1000): {kind: exact(row[kind]) for kind in kinds} for row in rows.get(entity_id, [])}

    def import_rows(self, statistic_id, unit, rows, mean=False):
        """Puts rows into the hourly statistics, by their start: sums, or means. `unit`: its name and its class. What
        one version requires another refuses."""
        kind = {"has_sum": not mean, "has_mean": mean}
        newer = {} if self.is_before("2025") else {"mean_type": int(mean), "unit_class": unit[1]}
        source = statistic_id.partition(":")[0] if ":" in statistic_id else "recorder"
        about = {"source": source, "statistic_id": statistic_id, "name": None, "unit_of_measurement": unit[0]}
        stats = [{"start": at(start), **row} for start, row in rows.items()]
        self.ask({"type": "recorder/import_statistics", "metadata": about | kind | newer, "stats": stats})

    def is_before(self, version):
        """Whether it is older. A form that it does not know is not tried: it would log an error."""
        return self.installed.version < version

    def _wait(self, condition):
        wait_for("Home Assistant starts", lambda: not self.process.alive() or condition(), START, 0.3)
        if not self.process.alive():
            raise RuntimeError(f"Home Assistant does not start: {self.process.said()[-3000:]}")

    def _answers(self):
        try:
            return rest("/api/onboarding") is not None
        except Refused:
            # There is nothing left to do for a new user.
            return self.token

    def _is_running(self):
        config = self.get("/api/config")
        entries = self.get("/api/config/config_entries/entry?domain=mqtt") or []
        return config and config["state"] == "RUNNING" and [entry["state"] for entry in entries] == ["loaded"]

    def _first_time(self):
        """An owner, a token that outlives the test, and the broker."""
        code = rest("/api/onboarding/users", {**OWNER, "client_id": CLIENT, "language": "en"})["auth_code"]
        grant = {"client_id": CLIENT, "grant_type": "authorization_code", "code": code}
        self.token = rest("/auth/token", grant, form=True)["access_token"]
        self.token = self.ask({"type": "auth/long_lived_access_token", "client_name": "test", "lifespan": 3650})
        self._wait(lambda: self.get("/api/config")["state"] == "RUNNING")
        flow = "/api/config/config_entries/flow"
        step = self.post(flow, {"handler": "mqtt", "show_advanced_options": True})
        if step["type"] == "menu":
            step = self.post(f"{flow}/{step['flow_id']}", {"next_step_id": "broker"})
        answers = []
        for form in BROKER_FORMS:
            try:
                address = {"broker": broker.HOST, "port": broker.PORT}
                answers.append(self.post(f"{flow}/{step['flow_id']}", address | form))
            except Refused as refused:
                answers.append({"type": str(refused)})
            if answers[-1]["type"] == "create_entry":
                return
        raise RuntimeError(f"the broker cannot be set up, the form is another one now: {answers}")
