"""Pictures of the real frontend for the documentation: the device page of a meter, and the Energy dashboard; and
all that an owner looks at, in French, on a phone and on a desktop, to be looked at before a release.

Chromium is driven by its own chromedriver (W3C WebDriver) and logged in by the token. The hours that the dashboard
shows are those of a winter day in a small house: a meter of today has none yet.
"""

import base64
import json
import os
import pathlib
import time
import urllib.request

import api
from checks import grid
from house import check, known, unique
from meters import METERS

from bench.need import missing_tools
from bench.process import Process, call, environment
from bench.programs import PROJECT
from bench.report import require, say

METER, OPTIONS = "042176000009", METERS["tempo-three"][1]
DRIVER = "http://127.0.0.1:9515"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
)
DOCS, SIZE_MAX = PROJECT / "docs", 200_000
# Wh of each hour: off-peak until 06:00 and from 22:00, peak in between.
OFF_PEAK = {0: 1850, 1: 2100, 2: 1650, 3: 620, 4: 410, 5: 480, 22: 1900, 23: 2050}
PEAK = {
    6: 730,
    7: 1240,
    8: 980,
    9: 460,
    10: 380,
    11: 790,
    12: 1310,
    13: 690,
    14: 350,
    15: 320,
    16: 410,
    17: 870,
    18: 1480,
    19: 1760,
    20: 1240,
    21: 830,
}


# The meters whose pages a French owner looks at: name -> address, options, prices, which energies stand in the Energy
# dashboard, each with the entity of its cost, and which are returned.
OWNERS = {
    "heures-creuses": (
        "021861000002",
        "--mode historic --contract hc --index 14234567",
        {"HC": 0.1589, "HP": 0.2142},
        {"energy_hchc": "cost_hc", "energy_hchp": "cost_hp"},
    ),
    "tempo": (
        METER,
        f"{OPTIONS} --power 9 --index 18234567",
        {
            "HC BLEU": 0.1356,
            "HP BLEU": 0.1654,
            "HC BLANC": 0.1536,
            "HP BLANC": 0.1921,
            "HC ROUGE": 0.1615,
            "HP ROUGE": 0.7295,
        },
        {"energy_easf01": "cost_hc_bleu", "energy_easf02": "cost_hp_bleu"},
    ),
    "producteur": (
        "042161000007",
        "--mode standard --contract base --producer --index 9234567",
        {"BASE": 0.2001},
        {"energy_total": "cost_total"},
    ),
}
FROM = "2026-08-01"
PHONE, DESKTOP = (412, 3400), (1340, 2400)


@check("long", language="fr")
def pictures_for_an_owner(house):
    """Writes all of them into TELEINFO_PICTURES, or else /tmp/teleinfo-pictures."""
    folder = pathlib.Path(os.environ.get("TELEINFO_PICTURES", "/tmp/teleinfo-pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    house.chain.language = "fr"
    house.chain.own_prices = {
        address: {FROM: {"kwh": kwh, "subscription": 15.86}} for address, _, kwh, _ in OWNERS.values()
    }
    house.chain.bridge()
    # Late enough that both tariffs of the day have counted, and before the sun is gone.
    start = f"--start {time.strftime('%Y-%m-%d')}T13:55:00"
    for name, (address, options, _, _) in OWNERS.items():
        house.chain.meter(name, address, f"{options} {start}")
    for address, _, _, energies in OWNERS.values():
        house.wait("states", {unique(address, "price"): known, unique(address, "energy_total"): known}, 240)
        for cost in energies.values():
            enable(house.ha, house.ha.entities()[unique(address, cost)]["entity_id"])
    # Home Assistant adds what was enabled half a minute later.
    time.sleep(120)
    with Browser(house, "fr") as browser:
        for name, (address, _, _, energies) in OWNERS.items():
            ours = ["mqtt", f"teleinfo_{address}"]
            device = next(device for device in house.ha.devices() if ours in device["identifiers"])
            dashboard(house.ha, address, energies)
            for form, size in (("bureau", DESKTOP), ("telephone", PHONE)):
                browser.picture(f"/config/devices/device/{device['id']}", size, folder / f"{name}-appareil-{form}.png")
                browser.picture("/energy/electricity", (size[0], 1500), folder / f"{name}-energie-{form}.png")
        (bridge,) = [device for device in house.ha.ask({"type": "config/device_registry/list"}) if is_bridge(device)]
        page = f"/config/devices/device/{bridge['id']}"
        for form, size in (("bureau", DESKTOP), ("telephone", PHONE)):
            browser.picture(page, (size[0], 1300), folder / f"passerelle-{form}.png")


def is_bridge(device):
    return any(name.startswith("teleinfo_bridge_") for kind, name in device["identifiers"] if kind == "mqtt")


def enable(ha, entity_id):
    ha.ask({"type": "config/entity_registry/update", "entity_id": entity_id, "disabled_by": None})


def dashboard(ha, address, energies):
    """What an owner sets up: each energy with its cost, the return, and the power."""
    found = ha.entities()
    entity = lambda key: found[unique(address, key)]["entity_id"]  # noqa: E731
    sources = []
    for (energy, cost), hours in zip(energies.items(), (OFF_PEAK, PEAK), strict=False):
        prices = dict.fromkeys(range(24), 0.16)
        fill(ha, entity(energy), hours)
        fill(ha, entity(cost), {hour: wh * prices[hour] for hour, wh in hours.items()}, ("EUR", None))
        sources.append(grid(entity(energy), stat_cost=entity(cost)))
    if unique(address, "energy_injected") in found:
        sources[0] |= {"stat_energy_to": entity("energy_injected")}
    sources[-1] |= {"stat_rate": entity("grid_power")}
    ha.ask({"type": "energy/save_prefs", "energy_sources": sources, "device_consumption": []})


@check("long")
def screenshot(house):
    """Writes docs/home-assistant-device.png and docs/home-assistant-energy.png."""
    lacking = missing_tools("chromedriver", "pngquant")
    require(not lacking, f"missing: {', '.join(lacking)}")
    house.chain.bridge()
    # From the day's index to the night's, so that both have counted.
    start = f"--start {time.strftime('%Y-%m-%d')}T21:58:30"
    house.chain.meter("tempo", METER, f"{OPTIONS} --power 9 --index 18234567 {start}")
    night, day = unique(METER, "energy_easf01"), unique(METER, "energy_easf02")
    house.wait("states", {night: known, day: known, unique(METER, "power_estimated"): known}, 240)
    found = house.ha.entities()
    fill(house.ha, found[night]["entity_id"], OFF_PEAK)
    fill(house.ha, found[day]["entity_id"], PEAK)
    sources = [grid(found[key]["entity_id"]) for key in (night, day)]
    sources[1] |= {"stat_rate": found[unique(METER, "power_estimated")]["entity_id"]}
    house.ha.ask({"type": "energy/save_prefs", "energy_sources": sources, "device_consumption": []})
    (device,) = house.ha.devices()
    with Browser(house) as browser:
        browser.picture(f"/config/devices/device/{device['id']}", (1340, 2980), DOCS / "home-assistant-device.png")
        browser.picture("/energy/electricity", (1340, 1080), DOCS / "home-assistant-energy.png")


def fill(ha, entity_id, hours, unit=("kWh", "energy")):
    """The hours of today that are over."""
    midnight = int(ha.post("/api/template", {"template": "{{ today_at('00:00').timestamp() }}"}))
    total = 0
    for hour in range(-1, 24):
        total += hours.get(hour, 0)
        if midnight + (hour + 1) * 3600 <= time.time():
            ha.import_rows(entity_id, unit, {midnight + hour * 3600: {"sum": total / 1000, "state": total / 1000}})


class Browser:
    def __init__(self, house, language="en"):
        self.house, self.language, self.session = house, language, None
        self.profile = pathlib.Path(house.directory) / "browser"
        self.driver = None

    def __enter__(self):
        log, zone = f"{self.profile}.log", environment(TZ="Europe/Paris")
        self.driver = Process(log, "chromedriver", "--port=9515", environment=zone).start()
        options = {"args": [*FLAGS, f"--lang={self.language}", f"--user-data-dir={self.profile}"]}
        end = time.monotonic() + 30
        while not self.session:
            try:
                answer = self.call("/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}, "")
                self.session = answer["sessionId"]
            except urllib.error.URLError:
                require(time.monotonic() < end, "chromedriver does not start")
                time.sleep(0.5)
        # A page of the same origin, to leave the token at.
        self.go("/manifest.json")
        tokens = {
            "access_token": self.house.ha.token,
            "token_type": "Bearer",
            "expires_in": 10**9,
            "hassUrl": api.URL,
            "clientId": f"{api.URL}/",
            "expires": int(time.time() * 1000) + 10**12,
            "refresh_token": "",
        }
        self.run("localStorage.setItem('hassTokens', arguments[0])", json.dumps(tokens))
        self.run("localStorage.setItem('dockedSidebar', arguments[0])", json.dumps("always_hidden"))
        self.run("localStorage.setItem('selectedLanguage', arguments[0])", json.dumps(self.language))
        return self

    def __exit__(self, *_):
        self.driver.stop()

    def picture(self, page, size, file):
        # A window of a real desktop is never as narrow as a phone.
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.call("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": screen})
        self.go(page)
        time.sleep(20)
        file.write_bytes(base64.b64decode(self.call("/screenshot")))
        call("pngquant", "--force", "--strip", "--speed", "1", "--quality", "70-98", "--output", file, file)
        require(file.stat().st_size <= SIZE_MAX, f"{file.name}: {file.stat().st_size} bytes")
        say(f"{file}: {file.stat().st_size} bytes")

    def go(self, page):
        self.call("/url", {"url": f"{api.URL}{page}"})

    def run(self, script, *arguments):
        return self.call("/execute/sync", {"script": script, "args": arguments})

    def call(self, path, body=None, session=None):
        prefix = f"/session/{self.session}{path}" if session is None else path
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(DRIVER + prefix, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"browser: {error.read().decode(errors='replace')[:1000]}") from error
