"""Waiting for something to become true, with an end to patience."""

import time

from bench.report import Failure


def wait_for(what, condition, patience, pause=0.1):
    """Asks again and again until `condition()` is true; its value. `what` is said when it does not happen in time."""
    end = time.monotonic() + patience
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failure(f"not within {patience:g} s: {what}")
        time.sleep(pause)
    return value


def wait_for_all(what, missing, patience, pause=1):
    """Asks again and again until `missing()` names nothing; the failure says what it still names."""
    end = time.monotonic() + patience
    while still := missing():
        if time.monotonic() > end:
            raise Failure(f"{what}: after {patience:g} s still {still}")
        time.sleep(pause)
