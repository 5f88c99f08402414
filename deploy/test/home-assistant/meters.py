"""The meters of the tests, one of each kind, and what their entities must be in Home Assistant: key -> (platform,
class, unit)."""

ENERGY = ("sensor", "energy", "kWh")
VA = ("sensor", "apparent_power", "VA")
AMPERE = ("sensor", "current", "A")
VOLT = ("sensor", "voltage", "V")
WATT = ("sensor", "power", "W")
ENUM = ("sensor", "enum", None)
TEXT = ("sensor", None, None)
TIME = ("sensor", "timestamp", None)
PROBLEM = ("binary_sensor", "problem", None)
SWITCH = ("binary_sensor", None, None)

EVERYONE = {
    "apparent_power": VA,
    "subscribed_power": VA,
    "overload": PROBLEM,
    "last_frame": TIME,
    "mode": ENUM,
    "reader_version": TEXT,
    "bridge_version": TEXT,
    "line": ENUM,
    "reading": ("binary_sensor", "connectivity", None),
    "reception": ("sensor", None, "%"),
}
HISTORIC = EVERYONE | {"tariff": ENUM, "contract": ENUM}
STANDARD = EVERYONE | {
    "tariff": TEXT,
    "contract": TEXT,
    "energy_total": ENERGY,
    "cut_off_power": VA,
    "overvoltage": PROBLEM,
    "dry_contact": SWITCH,
    "cut_off_device": ENUM,
    "clock_degraded": PROBLEM,
    "producer_mode": SWITCH,
    "max_power_today": VA,
    "max_power_yesterday": VA,
    "load_curve": WATT,
    "tomorrow_profile": TEXT,
    "message": TEXT,
}
THREE = {f"current_{phase}": AMPERE for phase in (1, 2, 3)}

# name -> (meter, options of the simulator, entities)
METERS = {
    "base": ("900061000001", "--mode historic --contract base", HISTORIC | {"energy_base": ENERGY, "current": AMPERE}),
    "hc": (
        "900061000002",
        "--mode historic --contract hc --index 4000000",
        HISTORIC | {"current": AMPERE, "energy_total": ENERGY},
    ),
    "ejp": (
        "900061000003",
        "--mode historic --contract ejp",
        HISTORIC | {"energy_ejphn": ENERGY, "peak_notice": SWITCH, "peak_running": SWITCH},
    ),
    "tempo": (
        "900061000004",
        "--mode historic --contract tempo",
        HISTORIC | {"tempo_today": ENUM, "tempo_tomorrow": ENUM, "energy_total": ENERGY},
    ),
    "three": (
        "900063000005",
        "--mode historic --contract base --phases 3",
        HISTORIC | THREE | {"energy_base": ENERGY, "missing_phase": PROBLEM, "max_power_yesterday": VA},
    ),
    "consumer": (
        # Its maker writes hours in decimal: its off-peak hours would last eight hours in either base.
        "030061000006",
        "--mode standard --contract hc",
        STANDARD | {"current": AMPERE, "voltage": VOLT, "tariff_index": TEXT},
    ),
    "producer": (
        "900061000007",
        "--mode standard --contract base --producer",
        STANDARD | {"apparent_power_injected": VA, "injecting": SWITCH, "max_injected_today": VA},
    ),
    "tempo-three": (
        "900063000008",
        "--mode standard --contract tempo --phases 3",
        STANDARD
        | THREE
        | {
            "tempo_today": ENUM,
            "tempo_tomorrow": ENUM,
            "peak_notice": SWITCH,
            "voltage_2": VOLT,
            "apparent_power_3": VA,
        },
    ),
}
# About how a meter is read: there although the meter is not.
ABOUT_READING = {"reading", "last_frame", "line", "reception", "reader_version", "bridge_version"}
KINDS = ("power", "tariff", "tempo", "peak", "message", "contract", "mode", "cut_off", "cut_off_alert", "data", "hours")
# Right until something happens: an estimate needs two steps of the index, a first day has no yesterday, no load
# leads to a cut-off, and off-peak hours are learnt in two days where the meter does not send them, and with them the
# next price.
MAY_BE_UNKNOWN = {"power_estimated", "cutoff_s", "power_injected_estimated", "tempo_tomorrow", "peak_start", "peak_end"}
MAY_BE_UNKNOWN |= {"price_next", "price_next_time"}
MAY_BE_UNKNOWN |= {f"event_{kind}" for kind in KINDS}
MAY_BE_UNKNOWN |= {f"offpeak_{what}" for what in ("next_start", "next_end", "today", "tomorrow")}
