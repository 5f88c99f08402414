"""Pictures of the real frontend for the documentation: the device page of a meter, and the Energy dashboard.

Chromium is driven by its own chromedriver (W3C WebDriver) and logged in by the token. The hours that the dashboard
shows are those of a winter day in a small house: a meter of today has none yet.
"""

import base64
import json
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
    "--lang=en",
)
SIZE_MAX = 200_000
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
        browser.picture(f"/config/devices/device/{device['id']}", (1340, 2980), "home-assistant-device.png")
        browser.picture("/energy/electricity", (1340, 1080), "home-assistant-energy.png")


def fill(ha, entity_id, hours):
    """The hours of today that are over."""
    midnight = int(ha.post("/api/template", {"template": "{{ today_at('00:00').timestamp() }}"}))
    total = 0
    for hour in range(-1, 24):
        total += hours.get(hour, 0)
        if midnight + (hour + 1) * 3600 <= time.time():
            ha.import_row(entity_id, midnight + hour * 3600, total, total)


class Browser:
    def __init__(self, house):
        self.house, self.session = house, None
        self.profile = pathlib.Path(house.directory) / "browser"
        self.driver = None

    def __enter__(self):
        log, zone = f"{self.profile}.log", environment(TZ="Europe/Paris")
        self.driver = Process(log, "chromedriver", "--port=9515", environment=zone).start()
        options = {"args": [*FLAGS, f"--user-data-dir={self.profile}"]}
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
        return self

    def __exit__(self, *_):
        self.driver.stop()

    def picture(self, page, size, name):
        self.call("/window/rect", {"width": size[0], "height": size[1]})
        self.go(page)
        time.sleep(25)
        file = PROJECT / "docs" / name
        file.write_bytes(base64.b64decode(self.call("/screenshot")))
        call("pngquant", "--force", "--strip", "--speed", "1", "--quality", "70-98", "--output", file, file)
        require(file.stat().st_size <= SIZE_MAX, f"{name}: {file.stat().st_size} bytes")
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
