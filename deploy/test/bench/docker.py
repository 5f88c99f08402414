"""A Docker of a test's own: in its network, with all it keeps in the directory of the test."""

import json
import os
import subprocess

from bench.process import Process, call, works
from bench.wait import wait_for


class Docker(Process):
    """Commands of Docker reach it by themselves, since the environment says where it is."""

    def __init__(self, work):
        self.work = work
        os.environ["DOCKER_HOST"] = f"unix://{work}/socket"
        places = ["--data-root", work / "data", "--exec-root", work / "exec", "--pidfile", work / "pid"]
        alone_here = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs"]
        super().__init__(work / "dockerd.log", "dockerd", *places, *alone_here, "-H", os.environ["DOCKER_HOST"])

    def start(self):
        super().start()
        wait_for("Docker runs", lambda: works("docker", "version"), 60)
        return self

    @staticmethod
    def inspect(what, template):
        return json.loads(call("docker", "inspect", "--format", "{{json " + template + "}}", what))

    @staticmethod
    def containers():
        return subprocess.run(["docker", "ps", "-aq"], capture_output=True, text=True).stdout.split()

    def logs(self):
        """The end of what each container has said."""
        return [call("docker", "logs", "--tail", "25", container) for container in self.containers()]

    def finish(self):
        """Ends it with its containers."""
        for container in self.containers():
            works("docker", "rm", "-f", container)
        self.stop()
        # The network of the machine, as containers get it, is a mount.
        works("umount", self.work / "exec/netns/default")
