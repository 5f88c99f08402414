"""How a test says what it does, and how it ends."""

import time

STARTED = time.monotonic()


class Failure(Exception):
    """Something is not as it should be."""


def require(condition, message):
    if not condition:
        raise Failure(message)


def say(*words):
    print(f"[{time.monotonic() - STARTED:6.1f} s]", *words, flush=True)


def verdict(bad, well):
    """Prints what is bad, or that all is well; the exit code of the test."""
    print("\n".join(["", "BAD:", *bad]) if bad else f"\n{well}", flush=True)
    return 1 if bad else 0
