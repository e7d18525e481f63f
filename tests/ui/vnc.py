# SPDX-License-Identifier: MIT
"""An emulator with a VNC server at a socket of its own, for tests that are its clients. The emulator is $LYREBIRD."""
import os
import socket
import subprocess
import time

import rfb
from window import Emulator


def make_password(folder, password="secret"):
    """Properties of a server that asks for one, with a certificate that it has signed itself."""
    paths = [os.path.join(folder, name) for name in ("password", "key.pem", "cert.pem")]
    with open(paths[0], "w") as file:
        file.write(password + "\n")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", paths[1], "-out", paths[2]], check=True,
                   stderr=subprocess.DEVNULL)
    return ",password-file=%s,tls-key=%s,tls-cert=%s" % tuple(paths)


def free_port(host="127.0.0.1"):
    """One of those that have numbers, held until it is closed."""
    for number in range(40, 3000):
        holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            holder.bind((host, 5900 + number))
            holder.listen(1)
            return number, holder
        except OSError:
            holder.close()
    raise SystemExit("FAIL: no free port")


class Server(Emulator):
    """The monitor is at standard input and output unless the options say otherwise."""

    def __init__(self, folder, *options, properties="", display="none", environment=None, port=None):
        self.folder = folder
        self.address = port or os.path.join(folder, "vnc")
        listen = "127.0.0.1:%d" % (port - 5900) if port else "unix:" + self.address
        super().__init__(None, *options, "-display", display, "-vnc", listen + properties,
                         # The address sanitizer keeps what was freed, which counts as memory.
                         environment=dict(environment or os.environ, ASAN_OPTIONS="quarantine_size_mb=4"))

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
