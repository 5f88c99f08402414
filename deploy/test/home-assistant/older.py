"""What Home Assistant 2024.11 does otherwise than 2026.11, and what a check therefore does not ask of it.

This is the one place for that; docs/measurements.md tells it to owners. What only has another form there (a command's
keys) is written where it is sent, and nothing is asked less.
"""

from bench.report import say

# The first year of a version that is as the newest one, as far as it was tried.
AS_NEWEST = "2026"
# difference -> the reason, for the checks that ask `lacks`.
DIFFERENCES = {
    # leaving, meter-exchanged
    "entity ids come back": "an entity that was removed and comes back takes the id that its name gives now; only its "
    "internal id is the old one",
    # adopted
    "hours can be cleared": "statistics are cleared as a whole or not at all, so old hours stay, with 0 Wh each, and "
    "nothing else can come before ours",
    # grid-meters
    "a silent P1 is soon believed": "a P1 that has no value is asked five times, up to 15 s, and not three times, "
    "up to 3 s",
}


def lacks(ha, difference):
    """Whether this Home Assistant is without it; then it is said."""
    reason = DIFFERENCES[difference]
    is_older = ha.is_before(AS_NEWEST)
    if is_older:
        say(f"{ha.installed.version}: {reason}")
    return is_older
