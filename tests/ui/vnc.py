# SPDX-License-Identifier: MIT
"""An emulator with a VNC server at a socket of its own, for tests that are its clients. The emulator is $LYREBIRD."""
import os
import time

import rfb
from window import Emulator


class Server(Emulator):
    """The monitor is at standard input and output unless the options say otherwise."""

    def __init__(self, folder, *options, properties="", display="none", environment=None):
        self.folder = folder
        self.address = os.path.join(folder, "vnc")
        super().__init__(None, *options, "-display", display, "-vnc", "unix:" + self.address + properties,
                         environment=environment or os.environ)

    def client(self, *arguments, **more):
        for _ in range(400):
            try:
                return rfb.Client(self.address, *arguments, **more)
            except (ConnectionRefusedError, FileNotFoundError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.fail("there is no server")

    def check(self, good, what):
        if not good:
            self.fail(what)

    def dump(self, name="dump.ppm"):
        path = os.path.join(self.folder, name)
        self.send("screendump %s\n" % path)
        self.monitor("info status", "VM status")
        return rfb.read_ppm(path)

    def same_picture(self, client, tries=20):
        """Whether the client sees what the monitor writes to a file; a cursor may blink in between."""
        for _ in range(tries):
            client.drain(0.1)
            if self.dump() == (client.width, client.height, client.rgb()):
                return True
        return False

    def memory(self):
        """KiB of the host's that are in use."""
        with open("/proc/%d/status" % self.process.pid) as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
