"""Another wall clock for a program, by libfaketime."""

import pathlib
import time

# Without the second one each wait for another thread is much longer than it should be.
MONOTONIC_ALONE = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0"}


def library(root="/"):
    """libfaketime below a root, or None if it is not installed."""
    return next(iter(sorted(pathlib.Path(root).glob("usr/lib/*/faketime/libfaketimeMT.so.1"))), None)


def shifted(seconds, library):
    """The environment of a program whose clocks are both off by so many seconds: timers of threads hang otherwise."""
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{seconds:+d}s"}


def told_by(file, library):
    """The environment of a program whose clock is what a file says at each moment; its monotonic one is left alone."""
    where = {"FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
    return {"LD_PRELOAD": str(library), **where, **MONOTONIC_ALONE}


def set_clock(file, to):
    """What such a file says from now on: this time, in s since 1970, and on from there."""
    new = file.with_suffix(".new")
    new.write_text(f"{to - time.time():+.3f}")
    new.rename(file)


def is_told(environment):
    return any("FAKETIME" in name for name in environment)


def true(environment):
    """The same environment with the machine's own clock."""
    return {name: value for name, value in environment.items() if "FAKETIME" not in name and name != "LD_PRELOAD"}
