"""A machine in QEMU that boots, the shell in it through which everything is asked, and its USB socket."""

import contextlib
import json
import pathlib
import re
import shlex
import shutil
import tempfile
import threading
import time

from bench.process import Process
from bench.report import Failure, require, say
from bench.wait import wait_for
from pi.wire import connect

# Until the machine answers. One that boots has taken 33 to 131 s; DEAD tells the others sooner.
BOOT = 600
# A Pi 3: the first serial line is its PL011, the second its mini-UART.
PI = ("-M", "raspi3b")
# A machine that no one sells, with USB sockets and a network as this machine's loopback: 10.0.2.2 is the host.
VIRT = ("-M", "virt", "-cpu", "cortex-a53", "-m", "512", "-smp", "2", "-device", "qemu-xhci,id=usb")
NETWORK = ("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=")
# What no kernel recovers from.
DEAD = re.compile(rb"hard LOCKUP|rcu_sched (self-)?detected|Kernel panic")


class StandsStill(Failure):
    """The emulated machine does not answer any more."""


class Machine(Process):
    """A machine whose `lines` are sockets of that name, the console among them; the directory keeps what it says."""

    def __init__(self, directory, kernel, kind, lines, append, *options):
        self.directory, self.kernel, self.text, self.asked = directory, kernel, bytearray(), 0
        # The path of a socket has at most 107 bytes; that of a project can be any.
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="machine-"))
        words = ["qemu-system-aarch64", *kind, "-display", "none", "-nodefaults", "-no-reboot", "-kernel", kernel.image]
        for name in lines:
            words += ["-chardev", self.socket(name), "-serial", f"chardev:{name}"]
        words += ["-qmp", f"unix:{self.path('qmp')},server=on,wait=off"]
        words += ["-append", f"rdinit=/init quiet panic=-1 {append}"]
        super().__init__(directory / "qemu.log", *words, *options)

    def path(self, name):
        """Of a socket of QEMU."""
        return self.sockets / name

    def socket(self, name):
        return f"socket,id={name},path={self.path(name)},server=on,wait=off"

    def end(self):
        super().end()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def start(self):
        began = time.monotonic()
        super().start()
        self.console = self._reach("console")
        threading.Thread(target=self._listen, daemon=True).start()
        self.monitor = Monitor(self._reach("qmp"))
        if not self._comes(b"the machine listens", BOOT):
            raise StandsStill(f"no shell after {BOOT} s")
        say(f"kernel {self.run('uname -r')} answers after {time.monotonic() - began:.0f} s")
        return self

    def _reach(self, name):
        """A socket that QEMU makes in a moment, unless it ends with a complaint."""
        with contextlib.suppress(Failure):
            return connect(self.path(name))
        raise Failure(f"QEMU makes no socket {name}:\n{self.said()[-2000:]}")

    def _listen(self):
        with open(self.directory / "console.log", "ab", buffering=0) as log:
            while data := self._receive():
                log.write(data)
                self.text += data

    def _receive(self):
        try:
            return self.console.recv(4096)
        except OSError:
            return b""

    def _comes(self, pattern, patience):
        """What comes on the console, or None."""
        end = time.monotonic() + patience
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            if dead := DEAD.search(self.text):
                raise StandsStill(f"the kernel says: {dead.group().decode()}")
            if time.monotonic() > end or not self.alive():
                return None
            time.sleep(0.02)
        return found

    # What is asked of it.

    def ask(self, command, patience=30):
        """Runs a command in the machine; its exit code and what it said."""
        self.asked += 1
        begin, end = f"<{self.asked}<", f">{self.asked}>"
        # The marks do not stand in the question as they do in the answer: a console may echo.
        words = f"printf '<%s<' {self.asked}; {{ {command}\n}} 2>&1; printf '>%s>%s;' {self.asked} $?\n"
        self.console.sendall(words.encode())
        found = self._comes(rf"{begin}(.*?){end}(\d+);".encode(), patience)
        if found is None:
            why = "no answer" if self.alive() else "QEMU has ended"
            raise StandsStill(f"{command}: {why} after {patience} s")
        return int(found.group(2)), found.group(1).decode(errors="replace").replace("\r", "").strip()

    def run(self, command, patience=30):
        """What a command says that must end well."""
        code, said = self.ask(command, patience)
        if code:
            raise Failure(f"in the machine, {command} ended with {code}:\n{said}")
        return said

    def wait(self, what, command, patience=30):
        """Until a command ends well; what it says then."""
        return wait_for(what, lambda: (answer := self.ask(command))[0] == 0 and (answer[1] or "yes"), patience, 0.3)

    def background(self, command, name):
        """Starts something that goes on; what it says goes into a file of the machine."""
        self.run(f"{command} </dev/null >/run/{name} 2>&1 &\necho $! >/run/{name}.pid")

    def said(self, name):
        return self.run(f"cat /run/{name}")

    def wait_said(self, name, words, times=1, patience=40):
        """Until a program in the background has said something."""
        count = f"grep -cF {shlex.quote(words)} /run/{name}"
        with contextlib.suppress(Failure):
            self.wait(f"{name} says {words!r}", f"[ $({count}) -ge {times} ] || ! {self._alive(name)}", patience)
        said = self.said(name)
        require(said.count(words) >= times, f"{name} does not say {words!r} {times} times:\n{said}")

    @staticmethod
    def _alive(name):
        return f"[ -d /proc/$(cat /run/{name}.pid) ]"

    def stop(self, name):
        """Ends a program in the background, as systemd would."""
        self.run(f"kill $(cat /run/{name}.pid); while {self._alive(name)}; do sleep 0.1; done", 15)

    def settings(self, line):
        """What the kernel says of a serial line, as words of stty."""
        return self.run(f"stty -F {line} -a").replace(";", " ").split()


class Monitor:
    """QEMU's own console: devices come and go."""

    def __init__(self, end):
        self.socket = end
        self.socket.settimeout(30)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.file.readline()
        self.tell("qmp_capabilities")

    def tell(self, command, until=None, **arguments):
        """A command of QEMU; with `until` it is done when that has been reported."""
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        done = reported = False
        while not done or (until and not reported):
            reply = json.loads(self.file.readline())
            if "error" in reply:
                raise Failure(f"QEMU, {command}: {reply['error']['desc']}")
            done, reported = done or "return" in reply, reported or reply.get("event") == until
