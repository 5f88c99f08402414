"""What a bridge may say again, and when. Everything else that is said twice is a fault.

The present   after it has found its broker, and after it has announced a meter: somebody may just begin to listen
The past      after it has begun again, until it says something new: after a kill it knows only how far it was before;
              the same when another member of its group goes on
"""

# How often the present may be said again for each reason ...
ONLINE, ANNOUNCED = 1, 2
# ... and within how many seconds: the last repetition comes after eight.
WITHIN = 15


class Repetitions:
    """The reasons that there are at a moment. Each is used up by one repetition."""

    def __init__(self):
        self.ends, self.past_may_come, self.count = [], False, 0

    def handle_online(self, at):
        self.past_may_come = True
        self.ends += [at + WITHIN] * ONLINE

    def handle_member(self):
        """Another one speaks from now on: it knows how far the last one was at the broker a moment before."""
        self.past_may_come = True

    def handle_announcement(self, at):
        self.ends += [at + WITHIN] * ANNOUNCED

    def handle_news(self):
        """Something was said that nobody had heard before."""
        self.past_may_come = False

    def take_reason(self, is_present, at):
        """Something is said again; whether there is a reason, which is then used up."""
        self.count += 1
        self.ends = [end for end in self.ends if end >= at]
        if self.past_may_come:
            return True
        return bool(is_present and self.ends and self.ends.pop(0))
