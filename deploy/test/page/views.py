"""What is done and looked at in each view of the page, whoever started the programs behind it."""

import http.client
import json
import time

from bench.report import require, say
from bench.wait import wait_for

# Of the phone of the smallest width that WCAG asks for, a common phone, a desktop.
SIZES = {"small": (320, 720), "phone": (360, 780), "desktop": (1280, 800)}
LOOKS = (
    ("small", "light", "fr-FR"),
    ("phone", "dark", "fr-FR"),
    ("desktop", "light", "en-GB"),
    ("desktop", "dark", "fr-FR"),
)
VIEWS = "now", "day", "period", "frame", "state", "setup"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_RUN = f"axe.run(document, {{runOnly: {json.dumps(TAGS)}}})"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAINT = (
    "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    " - performance.getEntriesByType('navigation')[0].responseStart"
)
OUTSIDE = (
    "performance.getEntriesByType('resource').map(one => one.name).filter(name => !name.startsWith(location.origin))"
)
SIZE = (
    "performance.getEntriesByType('resource')"
    ".filter(one => !one.name.includes('/api/') && !one.name.endsWith('events'))"
    ".reduce((sum, one) => sum + one.transferSize, performance.getEntriesByType('navigation')[0].transferSize)"
)
# The first picture comes within this time after the first byte, in ms; a machine that is busy has more.
PICTURE_MS, BUSY_MS = 200, 1_000
BYTES_MAX = 100_000
WAIT_MS = 30_000


def until(page, condition, seconds=WAIT_MS / 1_000):
    """Asked again and again from outside: the policy of the page lets no text become a script."""
    wait_for(condition, lambda: page.evaluate(condition), seconds, 0.1)


class Views:
    def __init__(self, browser, address, axe, pictures):
        self.browser, self.address, self.axe, self.pictures = browser, address, axe, pictures

    def open(self, size="phone", colours="light", language="fr-FR", path="", prepare=None, **options):
        """A page, prepared before it loads, and what its browser complains of."""
        width, height = SIZES[size]
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=colours,
            locale=language,
            timezone_id="America/New_York",
            reduced_motion="reduce",
            **options,
        )
        page, complaints = context.new_page(), []
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(self.address + path)
        return page, complaints

    def shot(self, page, name):
        page.screenshot(path=self.pictures / f"{name}.png", full_page=True)

    def check(self, page, name, complaints=()):
        wider = page.evaluate(WIDER)
        require(wider <= 0, f"{name}: {wider} px wider than the screen")
        outside = page.evaluate(OUTSIDE)
        require(not outside, f"{name}: comes from elsewhere: {outside}")
        require(not complaints, f"{name}: the browser complains: {complaints}")
        page.evaluate(self.axe)
        found = page.evaluate(AXE_RUN)["violations"]
        broken = [(one["id"], [node["html"][:90] for node in one["nodes"]]) for one in found]
        require(not broken, f"{name}: {broken}")

    def nobody(self):
        """No reader yet: what to do, in the language of the browser. Others are told nothing."""
        for language, wanted in ("fr-FR", "Aucun lecteur vu"), ("en-GB", "No reader was seen"), ("de-DE", "No reader"):
            page, complaints = self.open(language=language)
            page.get_by_text(wanted).wait_for()
            require("apt install teleinfo-reader" in page.inner_text("main"), "the commands are missing")
            self.check(page, f"nobody, {language}", complaints)
            self.shot(page, f"nobody-{language[:2]}")
            page.context.close()
        connection = http.client.HTTPConnection("127.0.0.1", 8080)
        evil = "evil.example"
        for path, host, status in ("/", evil, 421), ("/api/now", evil, 421), ("/", "localhost", 200):
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            answer.read()
            require(answer.status == status, f"{path} for {host}: {answer.status}")
        policy = answer.getheader("Content-Security-Policy")
        require("default-src 'none'" in policy and "unsafe" not in policy, f"the policy is {policy}")

    def read(self):
        """A meter is read: its power is there, and moves."""
        page, complaints = self.open()
        until(page, "/[0-9]/.test(document.querySelector('#watts')?.textContent || '')")
        until(page, "document.querySelector('#link').textContent === 'en direct'")
        until(page, "document.querySelectorAll('#halves .bar').length > 0")
        for _ in range(3):
            shown, *known = page.evaluate(
                "new Promise(done => source.addEventListener('power', event => {"
                " const { value } = JSON.parse(event.data); requestAnimationFrame(() => requestAnimationFrame(() =>"
                " done([document.querySelector('#watts').textContent, value.power, meter().power])));"
                " }, { once: true }))"
            )
            digits = "".join(character for character in shown if character.isdigit())
            require(digits in [str(abs(power)) for power in known], f"{known} W came, and {shown} is shown")
        paint = sorted(self.first_picture() for _ in range(5))[2]
        require(paint <= BUSY_MS, f"the first picture took {paint:.0f} ms")
        size = page.evaluate(SIZE)
        require(size <= BYTES_MAX, f"{size} bytes are loaded")
        say(f"first picture {paint:.0f} ms after the first byte (wanted: {PICTURE_MS}), {size} bytes in all")
        self.check(page, "now", complaints)
        page.context.close()

    def first_picture(self):
        page, _ = self.open()
        until(page, "performance.getEntriesByName('first-contentful-paint').length > 0")
        paint = page.evaluate(PAINT)
        page.context.close()
        return paint

    def all_pictures(self):
        """Each view, in each size, colours and language."""
        for size, colours, language in LOOKS:
            page, complaints = self.open(size, colours, language)
            until(page, "/[0-9]/.test(document.querySelector('#watts')?.textContent || '')")
            for view in VIEWS:
                page.click(f"nav a[href='#/{view}']")
                page.wait_for_timeout(700)
                name = f"{view}-{size}-{colours}-{language[:2]}"
                self.seen(page, view, name)
                self.shot(page, name)
                self.check(page, name, complaints)
            page.context.close()

    def seen(self, page, view, name):
        """What must be there."""
        if view == "period":
            for period in range(3):
                page.locator(".bar-of-buttons button").nth(period).click()
                until(page, "document.querySelectorAll('#bars .bar').length > 0")
                until(page, "document.querySelector('#period').textContent.includes('€')")
                require(page.locator("#bars .before").count() == 1, f"{name}: no time before")
                self.shot(page, f"{name}-{period}")
            page.locator(".bar-of-buttons button").nth(1).click()
            page.get_by_text("←").click()
            until(page, "document.querySelectorAll('.month li svg').length > 25")
        if view == "day":
            until(page, "document.querySelectorAll('#halves .bar').length > 0")
            page.get_by_text("←").click()
            until(page, "document.querySelectorAll('#halves .bar').length >= 46")
            require("€" in page.inner_text("#day"), f"{name}: no costs")
            require(page.locator("#tariffs tbody tr").count() >= 3, f"{name}: no tariffs")
        if view == "frame":
            rows = page.locator("#rows tr").count()
            require(rows > 30, f"{name}: {rows} labels")
            page.fill("#filter", "EAST")
            require(page.locator("#rows tr:visible").count() == 1, f"{name}: the filter does not filter")
            page.fill("#filter", "")

    def keyboard(self):
        """Everything is reached by the tabulator, and shows that it is."""
        page, _ = self.open()
        page.wait_for_selector("#freeze")
        reached = []
        for _ in range(12):
            page.keyboard.press("Tab")
            one = page.evaluate(
                "(e => [e.id || e.hash || e.tagName, e.id === 'skip' || getComputedStyle(e).outlineStyle !== 'none'])"
                "(document.activeElement)"
            )
            if one[0] == "BODY":
                break
            require(one[1], f"{one[0]} does not show that it is reached")
            reached.append(one[0])
        require(reached[:3] == ["skip", "#/now", "#/day"] and "freeze" in reached, f"reached: {reached}")
        page.focus("#freeze")
        page.keyboard.press("Enter")
        require(page.get_attribute("#freeze", "aria-pressed") == "true", "it cannot be frozen")
        page.wait_for_timeout(100)
        before = page.inner_text("#watts")
        page.evaluate("show()")
        page.wait_for_timeout(4_000)
        require(page.inner_text("#watts") == before, "it moves though it is frozen")
        page.context.close()

    def clocks(self):
        """Midnight comes while somebody looks; nights on which the clock is moved have their hours; a week of which
        nothing is known yet shows the one before."""
        page, _ = self.open()
        page.wait_for_selector("#freeze")
        for day, hours in ("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-15", 24):
            path = f"energyPath('hour', '{day}', addDays('{day}', 1))"
            rows = page.evaluate(f"ask({path}).then(told => told.rows.length)")
            require(rows == hours, f"{day} has {rows} hours")
        page.click("nav a[href='#/day']")
        page.wait_for_selector("#h-day")
        before = page.inner_text("#h-day")
        page.evaluate("clockAhead += 86400; show()")
        until(page, f"document.querySelector('#h-day').textContent !== {json.dumps(before)}")
        page.evaluate("clockAhead += 6 * 86400")
        page.click("nav a[href='#/period']")
        until(page, "document.querySelector('#bars .before')")
        require("Rien n’est connu" in page.inner_text("#period"), "a week without a figure says something else")
        found = page.locator("#bars .bar, #tariffs table").count()
        require(found == 0, f"a week of which nothing is known has {found} bars and tables")
        page.context.close()

    def overtaken(self):
        """The first answer on what is now comes after the one that was asked for when the stream began."""
        asked = []

        def hold_the_first(route):
            asked.append(route)
            if len(asked) > 1:
                route.continue_()

        page, complaints = self.open(prepare=lambda page: page.route("**/api/now*", hold_the_first))
        until(page, "bridge !== null")
        page.wait_for_selector("#freeze")
        asked[0].continue_()
        until(page, "isLive")
        self.check(page, "overtaken", complaints)
        page.context.close()

    def ingress(self, address):
        """Through Home Assistant, in a frame of its own as the side bar has it, and live."""
        direct, self.address = self.address, address
        page, complaints = self.open()
        until(page, "document.querySelector('#link').textContent === 'en direct'")
        power = "new Promise(done => source.addEventListener('power', event => done(event.data), { once: true }))"
        require("power" in page.evaluate(power), "no power came as it happened")
        page.click("nav a[href='#/day']")
        until(page, "document.querySelectorAll('#halves .bar').length > 0")
        self.check(page, "ingress", complaints)
        page.context.close()
        self.address = direct
        for host, status in ("homeassistant.local:8123", 421), ("127.0.0.1:8080", 200):
            found = self.status("/", host)
            require(found == status, f"not by the Supervisor, for {host}: {found}")

    def status(self, path, host):
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status

    def locked(self, password):
        """With a password: without it nothing, with it everything."""
        for path in "/", "/page.js", "/events", "/api/now", "/metrics":
            status = self.status(path, "localhost")
            require(status == 401, f"{path} without a password: {status}")
        page, complaints = self.open(http_credentials={"username": "moi", "password": password})
        page.get_by_text("Aucun lecteur vu").wait_for()
        until(page, "isLive")
        require(not complaints, f"with the password: {complaints}")
        page.context.close()

    def away(self):
        """The reader is gone: what is old is said to be so."""
        page, complaints = self.open()
        until(page, "/aucune trame depuis/.test(document.querySelector('#link').textContent)")
        page.wait_for_selector("#watts.old")
        self.check(page, "away", complaints)
        self.shot(page, "away")
        page.click("nav a[href='#/setup']")
        page.get_by_text("Le compteur est muet").wait_for()
        self.shot(page, "away-setup")
        self.page = page

    def lost(self):
        """The bridge is gone."""
        until(self.page, "document.querySelector('#link').textContent === 'connexion perdue, nouvel essai'")
        self.shot(self.page, "lost")
        time.sleep(0.1)
