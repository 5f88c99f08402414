"""A test that goes on reading what is said while it waits."""

import time

from bench.outputs import tails
from bench.report import Failure
from bench.wait import wait_for


class Patient:
    """Whoever is one has a `directory` with logs, and `update`, which reads on and is true."""

    def wait(self, condition, patience, what=None):
        """Reads on until the condition holds. When patience ends first it is False, or a failure if `what` is said."""
        try:
            wait_for(what, lambda: self.update() and condition(), patience, 0.02)
        except Failure as failure:
            if what:
                raise Failure(f"{failure}\n{tails(self.directory)}") from failure
            return False
        return True

    def sleep(self, seconds):
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= end, seconds + 1)
