# SPDX-License-Identifier: MIT
"""TigerVNC's viewer on an X screen of the test's own."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import rfb
from rfb_decode import Bytes, Decoder
from window import Screen, skip

PROGRAM = "xtigervncviewer"


class Viewer:
    """Shows a server's screen until it is closed. What it says goes to `output`."""

    def __init__(self, screen, server, folder, *options, address=None, password=None):
        self.screen, self.server, self.output = screen, server, ""
        environment = dict(screen.environment, HOME=folder)
        if password is not None:
            environment.update(VNC_USERNAME="lyrebird", VNC_PASSWORD=password)
        self.process = subprocess.Popen([PROGRAM, *options, "-AlertOnFatalError=0", "-ReconnectOnError=0", address or server.address],
                                        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.output += self.process.communicate(timeout=30)[0] if not self.process.stdout.closed else ""

    def wait_end(self):
        self.output += self.process.communicate(timeout=30)[0]
        return self.output

    def wait(self, good, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not good():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                self.server.fail("%s: %s" % (what, self.output))
            time.sleep(0.05)

    def window(self):
        """Its number, once it is there; it has the focus then."""
        found = []

        def look():
            run = subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(self.process.pid), "--name", "TigerVNC"],
                                 env=self.screen.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            found[:] = run.stdout.split()
            return found
        self.wait(look, "the viewer has no window")
        self.screen.xdotool("windowfocus", "--sync", found[-1])
        return found[-1]

    def place(self, window):
        """Where the window is: left, top, width, height."""
        shape = dict(line.split("=") for line in self.screen.xdotool("getwindowgeometry", "--shell", window).splitlines())
        return tuple(int(shape[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def rgb(self, window):
        """Width, height, and three bytes a pixel of what it shows."""
        return self.screen.rgb(*self.place(window))


class Recorder:
    """Stands between a server and one client, at a socket of its own, and keeps what the server says."""

    def __init__(self, server):
        self.address = os.path.join(server.folder, "recorder")
        self.said = bytearray()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        self.listener.listen(1)
        self.to_server = rfb.reach(server.address)
        self.to_server.settimeout(None)
        threading.Thread(target=self.relay, daemon=True).start()

    def relay(self):
        self.to_client, _ = self.listener.accept()
        threading.Thread(target=self.pass_on, args=(self.to_client, self.to_server, bytearray()), daemon=True).start()
        self.pass_on(self.to_server, self.to_client, self.said)

    @staticmethod
    def pass_on(source, sink, note):
        try:
            while data := source.recv(65536):
                note += data
                sink.sendall(data)
        except OSError:
            pass
        sink.close()

    def close(self):
        os.unlink(self.address)
        self.listener.close()

    def encodings(self, form):
        """Of the rectangles that came, without security: how many of each; all of what came is gone through."""
        data, decoder, found = Bytes(bytes(self.said)), Decoder(form), {}
        data.take(12 + 2 + 4 + 4 + 16)
        data.take(struct.unpack(">I", data.take(4))[0])
        while data.at < len(data.data):
            kind, _, count = struct.unpack(">BBH", data.take(4))
            if kind:
                raise AssertionError("message %d" % kind)
            for _ in range(count):
                _, _, width, height, encoding = struct.unpack(">HHHHi", data.take(12))
                found[encoding] = found.get(encoding, 0) + 1
                if encoding >= 0:
                    decoder.rect(encoding, width, height, data.take)
                elif encoding == rfb.CURSOR:
                    data.take((width * form.bytes + (width + 7) // 8) * height)
                elif encoding == rfb.EXTENDED_SIZE:
                    data.take(4 + 16 * data.data[data.at])
        return found


def open_screen():
    """A screen, or the test is skipped."""
    if not shutil.which(PROGRAM):
        skip("there is no " + PROGRAM)
    return Screen()
