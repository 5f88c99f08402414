"""Files that programs write while they are read here."""

import pathlib
import threading
import time

# How often a file is looked at: the time of a line is not known better than this.
LOOK = 0.01


class Lines:
    """A file that grows; each line is kept with the moment it was seen."""

    def __init__(self, path):
        self.path, self.lines, self.ended = pathlib.Path(path), [], False
        self.path.touch()
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def take(self, index):
        """A line that will not be asked for again."""
        line, self.lines[index] = self.lines[index], None
        return line

    def close(self):
        self.ended = True
        self.thread.join()

    def _follow(self):
        rest = b""
        with open(self.path, "rb") as file:
            while True:
                ended = self.ended
                chunk = file.read()
                now = time.monotonic()
                *lines, rest = (rest + chunk).split(b"\n")
                self.lines.extend((now, line) for line in lines)
                if ended:
                    return
                time.sleep(LOOK)


def tails(directory, lines=25):
    """The last lines of each log in a directory, for whoever has to find out what went wrong."""
    logs = sorted(pathlib.Path(directory).glob("*.log"))
    return "\n".join(f"--- {path.name}\n{_last(path, lines)}" for path in logs)


def _last(path, lines):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
