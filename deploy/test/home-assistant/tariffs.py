"""What an owner plans by: off-peak hours, Tempo's days, mobile peaks. Each is followed to its end.

A meter cannot be put forward. So it is taken away and comes back a little before the next thing happens.
"""

from house import check, is_, known, unique

from bench.report import require, say

# Its maker writes hours in decimal.
OFF_PEAK = "030061000031"
AUTUMN, SPRING = "030061000032", "030061000033"
SEASON, LATE, PEAKS_OF_TEMPO = "030061000034", "030061000035", "030061000036"
EJP, STANDARD_EJP = "900061000037", "900061000038"
# What a house draws between two of its appearances, in Wh.
STEP = 60
# Until what the meter shows next is there, in s.
SOON = 150


class Comings:
    """Meters that come, and come back later in their own time."""

    def __init__(self, house):
        self.house, self.counted = house, 4_000_000

    def come(self, meter, options, start):
        self.counted += STEP
        running = self.house.chain.running
        if f"meter-{meter}" in running:
            self.house.chain.unplug(meter)
        self.house.chain.meter(meter, meter, f"{options} --power 9 --index {self.counted} --start {start}")


def moment(text):
    """A state of Home Assistant that is this moment, in UTC."""
    return is_(f"{text}:00+00:00")


def attribute(house, unique_id, name):
    return house.ha.entities()[unique_id]["attributes"].get(name)


def kinds(house, meter):
    """The kinds of all events so far. After its own restart Home Assistant shows the last one again, with its time."""
    seen = dict.fromkeys((event["event_type"], event["time"]) for event in house.events(meter))
    return [kind for kind, _ in seen]


def require_events(house, meter, *wanted):
    """These came once each, and in this order."""
    ours = set(wanted)
    found = [kind for kind in kinds(house, meter) if kind in ours]
    require(found == list(wanted), f"{meter}: events {found}, expected {list(wanted)}")


def restart_bridge(house):
    house.chain.stop("bridge")
    house.chain.bridge()


@check("usual")
def off_peak_hours(house):
    """Off-peak now, its next start and end, the hours of today and tomorrow, on days of 23 and of 25 hours too; hours
    that move are told once, also where the bridge is restarted before and after."""
    house.chain.bridge()
    comings = Comings(house)
    # This house has 01:00-06:00 and 12:30-15:30, those have 22:30-06:30. 2026-12-01 is a Tuesday.
    comings.come(OFF_PEAK, "--mode standard --contract hc --seed 1", "2026-12-01T12:28:30")
    comings.come(AUTUMN, "--mode standard --contract hc --seed 3", "2026-10-24T22:31:00")
    comings.come(SPRING, "--mode standard --contract hc --seed 3", "2027-03-27T22:31:00")
    now, start, end, today, tomorrow = (
        unique(OFF_PEAK, f"offpeak{what}") for what in ("", "_next_start", "_next_end", "_today", "_tomorrow")
    )
    hours = "01:00–06:00, 12:30–15:30"
    next_ones = {start: moment("2026-12-01T11:30"), end: moment("2026-12-01T14:30")}
    house.wait("before", {now: is_("off"), today: is_(hours), tomorrow: is_(hours), **next_ones})
    house.wait(
        "the long and the short night",
        {
            unique(AUTUMN, "offpeak"): is_("on"),
            unique(AUTUMN, "offpeak_next_end"): moment("2026-10-25T05:30"),
            unique(AUTUMN, "offpeak_next_start"): moment("2026-10-25T21:30"),
            unique(SPRING, "offpeak_next_end"): moment("2027-03-28T04:30"),
            unique(SPRING, "offpeak_next_start"): moment("2027-03-28T20:30"),
        },
    )
    day = [("2026-12-02T00:00", "2026-12-02T05:00"), ("2026-12-02T11:30", "2026-12-02T14:30")]
    require_periods(house, tomorrow, day)
    night = [("2026-10-24T22:00", "2026-10-25T05:30"), ("2026-10-25T21:30", "2026-10-25T23:00")]
    require_periods(house, unique(AUTUMN, "offpeak_tomorrow"), night)
    house.wait("after the switch", {now: is_("on"), start: moment("2026-12-02T00:00"), end: next_ones[end]}, SOON)
    restart_bridge(house)
    house.wait("after a restart", {now: is_("on"), today: is_(hours)})
    # A week later Enedis has moved them, as it does in a night.
    comings.come(OFF_PEAK, "--mode standard --contract hc --seed 2", "2026-12-08T10:00:00")
    moved = "13:56–16:26, 23:56–05:26"
    house.wait("hours that moved", {now: is_("off"), today: is_(moved), tomorrow: is_(moved)}, SOON)
    change = house.wait_event(OFF_PEAK, "offpeak_hours_change")
    seen = [change.get(key) for key in ("from", "to", "day")]
    require(seen == [hours, moved, "2026-12-08"], f"change of hours {seen}")
    restart_bridge(house)
    house.wait("after another restart", {today: is_(moved), start: moment("2026-12-08T12:56")})
    house.ha.restart()
    house.wait("after Home Assistant's restart", {today: is_(moved)}, 120)
    require_events(house, OFF_PEAK, "offpeak_hours_change")
    house.quiet()


def require_periods(house, unique_id, wanted):
    """The periods that an automation reads, in UTC."""
    found = attribute(house, unique_id, "periods")
    wanted = [{"start": f"{start}:00Z", "end": f"{end}:00Z"} for start, end in wanted]
    require(found == wanted, f"{unique_id}: {found}, expected {wanted}")


@check("usual")
def tempo_season(house):
    """Days used and left by colour: whole from the first of September on, partial where the season began before, or
    where a day was not seen; a restart forgets nothing. Tomorrow is never blue on a white or red day."""
    house.chain.bridge()
    comings = Comings(house)
    tempo = "--mode standard --contract tempo"
    comings.come(SEASON, tempo, "2026-09-01T12:00:00")
    # With this seed, 3 February is red and the fourth is white.
    comings.come(LATE, f"{tempo} --seed 2", "2027-02-03T20:30:00")
    wait_season(house, SEASON, {"blue_used": 1, "blue_left": 299, "white_left": 43, "red_left": 22}, False)
    wait_season(house, LATE, {"blue_used": 0, "red_used": 1, "red_left": 21, "white_left": 43}, True)
    profile, colours = unique(LATE, "tomorrow_profile"), ("tempo_today", "tempo_tomorrow")
    wanted = dict(zip((unique(LATE, key) for key in colours), (is_("Red"), is_("White")), strict=True))
    wanted[unique(LATE, "offpeak_tomorrow")] = is_("22:00–06:00")
    house.wait("colours", wanted)
    house.wait("tomorrow", {profile: lambda state: known(state) and "BLANC" in state and "BLEU" not in state})
    say(f"tomorrow: {house.ha.entities()[profile]['state']}")
    comings.come(SEASON, tempo, "2026-09-02T12:00:00")
    comings.come(LATE, f"{tempo} --seed 2", "2027-02-04T12:00:00")
    wait_season(house, SEASON, {"blue_used": 2, "blue_left": 298}, False)
    wait_season(house, LATE, {"red_used": 1, "white_used": 1, "white_left": 42}, True)
    restart_bridge(house)
    wait_season(house, SEASON, {"blue_used": 2, "blue_left": 298}, False)
    # Nobody saw the third.
    comings.come(SEASON, tempo, "2026-09-04T12:00:00")
    wait_season(house, SEASON, {"blue_used": 3, "blue_left": 297}, True)
    house.quiet()


def wait_season(house, meter, days, partial):
    """These counts, and whether they are said to be partial."""
    wanted = {unique(meter, f"tempo_{name}"): is_(str(count)) for name, count in days.items()}
    house.wait(f"days of {meter}", wanted, SOON)
    for key in wanted:
        seen = attribute(house, key, "partial")
        require(seen == partial, f"{key}: partial is {seen}")


@check("usual")
def mobile_peaks(house):
    """Notice, begin and end of a peak: EJP in both modes, and a red day of Tempo. Each is told once, though the bridge
    is restarted while the peak runs."""
    house.chain.bridge()
    comings = Comings(house)
    # With these seeds, 12 January is a peak day of EJP; 3 February is red, and the fifth blue again.
    ejp, standard = "--mode historic --contract ejp --seed 6", "--mode standard --contract ejp --seed 6"
    tempo = "--mode standard --contract tempo --seed 2"
    # meter -> its options, and when it comes: before the notice, before the begin, before the end.
    meters = {
        EJP: (ejp, ("2027-01-12T06:28:50", "2027-01-12T06:58:50", "2027-01-13T00:58:50")),
        STANDARD_EJP: (standard, ("2027-01-12T06:28:50", "2027-01-12T06:58:50", "2027-01-13T00:58:50")),
        PEAKS_OF_TEMPO: (tempo, ("2027-02-02T19:58:50", "2027-02-03T05:58:50", "2027-02-05T05:58:50")),
    }
    for step, (notice, running) in enumerate((("on", "off"), ("off", "on"), (None, "off"))):
        for meter, (options, starts) in meters.items():
            comings.come(meter, options, starts[step])
        before = "on" if step == 2 else "off"
        house.wait("before", {unique(meter, "peak_running"): is_(before) for meter in meters})
        if step == 0:
            house.wait("no notice yet", {unique(meter, "peak_notice"): is_("off") for meter in (EJP, STANDARD_EJP)})
        wanted = {unique(meter, "peak_running"): is_(running) for meter in meters}
        if notice:
            wanted |= {unique(meter, "peak_notice"): is_(notice) for meter in (EJP, STANDARD_EJP)}
        house.wait(f"step {step + 1}", wanted, SOON)
        if step == 0:
            times = {"peak_start": moment("2027-01-12T06:00"), "peak_end": moment("2027-01-13T00:00")}
            house.wait("times", {unique(STANDARD_EJP, key): wanted for key, wanted in times.items()})
        if step == 1:
            restart_bridge(house)
            house.wait("the peak after a restart", {unique(meter, "peak_running"): is_("on") for meter in meters})
    for meter in meters:
        house.wait_event(meter, "peak_end")
        require_events(house, meter, "peak_notice", "peak_begin", "peak_end")
    house.quiet()
