"""The language of names and readable values is another one than before.

A sensor with a list of choices shows a word of the old list when it is told of the new one. Home Assistant logs that as
an error, unless the sensor is unavailable meanwhile.
"""

from house import check, is_, known, unique
from meters import METERS

from bench import twin
from bench.report import say

WORDS = {"en": "Reading", "fr": "En lecture"}


@check("short")
def another_language(house):
    """English, French and English again, with Home Assistant running and over its restart: no word of the log is ours,
    no entity is another one, and all are known."""
    chain = house.chain
    chain.bridge()
    for name in ("consumer", "tempo"):
        meter, options, _ = METERS[name]
        chain.meter(name, meter, options)
    lines = [unique(METERS[name][0], "line") for name in ("consumer", "tempo")]
    house.wait("English", dict.fromkeys(lines, is_(WORDS["en"])), 120)
    settle(house, lines)
    before = house.entity_ids()
    shown = [key for key, entity in house.ha.entities().items() if known(entity["state"])]

    say_in(house, "fr", lines)
    house.wait("all in French", dict.fromkeys(shown, known))
    quiet(house)
    # Killed: the broker says for it that it is gone, and the meters seem to be there.
    say_in(house, "en", lines, end=chain.kill)
    quiet(house)

    # Home Assistant is away when the words change.
    twin.stop_all()
    chain.stop("bridge")
    house.ha.stop()
    chain.language = "fr"
    chain.bridge()
    house.ha.start()
    house.wait("French after a restart", dict.fromkeys(lines, is_(WORDS["fr"])), 90)
    house.wait("all in French", dict.fromkeys(shown, known))
    quiet(house)
    house.require_same(before)


def say_in(house, language, lines, end=None):
    """The bridge ends, and begins again in this language. Members of a group speak one, so all of them end."""
    twin.stop_all()
    (end or house.chain.stop)("bridge")
    house.chain.language = language
    house.chain.bridge()
    house.wait(language, dict.fromkeys(lines, is_(WORDS[language])))
    settle(house, lines)


def quiet(house):
    """Members of a group do not wait for each other with new words, so there Home Assistant may log a word that it does
    not know."""
    if twin.is_on():
        say("not looked at with a group: what Home Assistant logs")
    else:
        house.quiet()


def settle(house, lines):
    """Everything else has been said by then."""
    house.wait("readings", {line.removesuffix("line") + "reading": is_("on") for line in lines})
