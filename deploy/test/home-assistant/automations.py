"""The blueprints as an owner uses them: each becomes an automation, and is fired by what truly happens."""

import json
import time

from house import check, is_, known, unavailable, unique
from meters import METERS

from bench.programs import PROJECT
from bench.report import require, say
from bench.wait import wait_for_all

BLUEPRINTS = PROJECT / "deploy/home-assistant/blueprints"
LANGUAGES = "en", "fr"
TEMPO, OFF_PEAK, BASE = METERS["tempo-three"][0], METERS["consumer"][0], METERS["base"][0]
# A load of 3.6 kVA is switched on 40 s after its start, and cut off some 15 s later.
OVERLOADED = "900061000021"
SHORT = {"seconds": 2}
# Longer than any restart here.
LONG = {"seconds": 45}
# meter, options: what happens to each within a minute and a half, once automations can be there.
HOUSES = {
    "tempo": (TEMPO, "--mode standard --contract tempo --phases 3 --start 2026-09-15T19:58:40"),
    "off-peak": (OFF_PEAK, "--mode standard --contract hc --seed 3 --start 2026-09-15T22:28:40"),
    "base": (BASE, METERS["base"][1]),
    "overloaded": (OVERLOADED, "--mode standard --power 9 --cut-off 1 --seed 16 --start 2026-01-12T18:30:00"),
}
# blueprint: its entity and input, the inputs that are actions, other inputs.
USES = {
    "tempo-tomorrow": ((TEMPO, "event_tempo", "event_entity"), ["do"], {"colours": ["blue"]}),
    "overload": ((OVERLOADED, "event_cut_off_alert", "event_entity"), ["shed", "restore"], {"wait": SHORT}),
    "off-peak": ((OFF_PEAK, "offpeak", "offpeak_entity"), ["begin"], {}),
    "reader-silent": ((BASE, "reading", "reading_entity"), ["dead", "back"], {"wait": LONG}),
    "hours-changed": ((OFF_PEAK, "event_hours", "event_entity"), ["do"], {}),
}


@check("short")
def automations(house):
    """Every blueprint, in both languages, is imported and does what it says; a restart fires nothing."""
    import_blueprints(house)
    house.chain.bridge()
    for name, (meter, options) in HOUSES.items():
        house.chain.meter(name, meter, options)
    for name in USES:
        use(house, name)
    house.wait("off-peak hours", {unique(OFF_PEAK, "offpeak"): is_("off"), unique(BASE, "reading"): is_("on")})
    house.chain.stop("reader-base")
    wait_fired(house, "reader-silent", "dead")
    house.chain.reader("base")
    wait_fired(house, "reader-silent", "back")
    # Hours move at most once in a year, and are believed after two days.
    change = {"event_type": "offpeak_hours_change", "from": "22:30-06:30", "to": "23:30-07:30", "day": "2026-09-16"}
    house.broker.publish(f"teleinfo/{OFF_PEAK}/event", json.dumps({**change, "time": "2026-09-15T20:30:00Z"}))
    for name, (_, actions, _) in USES.items():
        for action in actions:
            wait_fired(house, name, action)
    house.quiet()
    nothing_again(house)


def import_blueprints(house):
    for language in LANGUAGES:
        for name in USES:
            text = (BLUEPRINTS / language / f"{name}.yaml").read_text()
            path = f"teleinfo/{language}-{name}"
            house.ha.ask({"type": "blueprint/save", "domain": "automation", "path": path, "yaml": text})
    found = house.ha.ask({"type": "blueprint/list", "domain": "automation"})
    ours = {path: said for path, said in found.items() if path.startswith("teleinfo/")}
    require(len(ours) == len(LANGUAGES) * len(USES), f"blueprints: {sorted(ours)}")
    wrong = {path: said["error"] for path, said in ours.items() if "error" in said}
    require(not wrong, f"blueprints: {wrong}")


def use(house, name):
    """An automation of each language, whose actions leave a notification."""
    (meter, key, input_name), actions, others = USES[name]
    entity = house.wait_there(unique(meter, key))["entity_id"]
    for language in LANGUAGES:
        inputs = {action: notify(language, name, action) for action in actions}
        blueprint = {"path": f"teleinfo/{language}-{name}.yaml", "input": {input_name: entity, **inputs, **others}}
        # What has a default needs nothing.
        body = {"alias": f"{language} {name}", "use_blueprint": blueprint}
        answer = house.ha.post(f"/api/config/automation/config/{language}_{name.replace('-', '_')}", body)
        require(answer == {"result": "ok"}, f"{language} {name}: {answer}")


def notify(language, name, action):
    data = {"notification_id": f"{language}-{name}-{action}", "message": "{{ trigger.to_state.attributes }}"}
    return [{"action": "persistent_notification.create", "data": data}]


def fired(house):
    """The notifications that are there."""
    return {entry["notification_id"] for entry in house.ha.ask({"type": "persistent_notification/get"})}


def wait_fired(house, name, action):
    wanted = {f"{language}-{name}-{action}" for language in LANGUAGES}
    wait_for_all(f"{name} does what it should ({action})", lambda: sorted(wanted - fired(house)), 150)


def nothing_again(house):
    """A restart of the bridge, of the broker and of Home Assistant is no event."""
    back = {unique(BASE, "reading"): is_("on"), unique(OFF_PEAK, "offpeak"): known}
    for entry in fired(house):
        house.ha.post("/api/services/persistent_notification/dismiss", {"notification_id": entry})
    house.chain.stop("bridge")
    house.chain.bridge()
    still(house, back, "bridge")
    house.broker.stop()
    house.wait("unavailable", dict.fromkeys(back, unavailable))
    house.broker.start()
    still(house, back, "broker")
    house.ha.restart()
    still(house, back, "Home Assistant")


def still(house, back, what):
    """All is there again, and nothing was done."""
    house.wait(f"states after the {what}'s restart", back, 120)
    time.sleep(10)
    require(not fired(house), f"fired again by the {what}'s restart: {sorted(fired(house))}")
    say(f"the {what}'s restart fired nothing")
