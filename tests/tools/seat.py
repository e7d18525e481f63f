# SPDX-License-Identifier: MIT
"""A machine seen and touched as by a user at a window: the program's own, or that of a VNC client, on an X screen of its own.
Pictures are what is on that screen, keys and pointer go by xdotool. Waits and the rest are those of screen.Screen."""
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ui"))
import window as x_window  # noqa: E402
from image import Image  # noqa: E402
from screen import Screen, ScreenError  # noqa: E402

KEYS = {"ret": "Return", "esc": "Escape", "spc": "space", "up": "Up", "down": "Down", "left": "Left", "right": "Right",
        "tab": "Tab", "f1": "F1", "f2": "F2", "f10": "F10"}
BUTTONS = {1: 1, 2: 3, 4: 2}  # the monitor's numbers, and X's
ROOM = "1600x1200"


def free_number():
    """Of a VNC display nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return port - 5900 if port >= 5900 else free_number()


class Seat(Screen):
    """`view`: "sdl", the program's own window, or "vnc", TigerVNC's."""

    def __init__(self, command, folder, view, timeout=120):
        self.x, self.view, self.viewer = x_window.Screen(ROOM), view, None
        self.number = free_number() if view == "vnc" else None
        try:
            super().__init__(command, folder, timeout)
            if view == "vnc":
                self._start_viewer()
            self.window = self._find_window()
        except BaseException:
            self.close()
            raise

    def display_options(self):
        return ["-vnc", f"127.0.0.1:{self.number}"] if self.view == "vnc" else ["-display", "sdl"]

    def environment(self):
        return self.x.environment

    def _start_viewer(self):
        viewer = shutil.which("xtigervncviewer")
        if not viewer:
            x_window.skip("there is no xtigervncviewer")
        self.wait("VNC server", self._server_listens, 10)
        self.viewer = subprocess.Popen([viewer, "-DotWhenNoCursor=0", "-RemoteResize=0", f"127.0.0.1::{5900 + self.number}"],
                                       env=self.x.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _server_listens(self):
        try:
            socket.create_connection(("127.0.0.1", 5900 + self.number)).close()
        except OSError:
            return False
        return True

    def _find_window(self):
        owner = self.viewer or self.process
        name = "TigerVNC" if self.viewer else "Lyrebird"

        def look():
            found = subprocess.run(["xdotool", "search", "--pid", str(owner.pid), "--name", name], env=self.x.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.split()
            return found[-1] if found else None
        found = self.wait("window", look, 20)
        self.x.xdotool("windowmove", found, 0, 0)
        self.x.xdotool("windowfocus", "--sync", found)
        return found

    def close(self):
        if hasattr(self, "process"):
            super().close()
        if self.viewer:
            self.viewer.terminate()
            self.viewer.wait()
        self.x.close()

    def grab(self):
        """What the window shows."""
        if not hasattr(self, "window"):
            return super().grab()
        shape = self.x.xdotool("getwindowgeometry", "--shell", self.window)
        left, top, width, height = (int(re.search(rf"^{name}=(\d+)", shape, re.MULTILINE)[1]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return Image(*self.x.rgb(left, top, width, height))

    def key(self, name, times=1):
        word = "+".join(KEYS.get(part, part) for part in name.split("-"))
        for _ in range(times):
            self.x.xdotool("key", "--delay", 60, word)
            time.sleep(0.1)

    def type(self, text):
        for line in text.splitlines(keepends=True):
            self.x.xdotool("type", "--delay", 80, "--", line.rstrip("\n"))
            if line.endswith("\n"):
                self.key("ret")

    def move_to(self, x, y):
        # TigerVNC's viewer takes no notice of a pointer that only jumps.
        step = -1 if x == 0 else 1
        self.x.xdotool("mousemove", "--window", self.window, x - step, y)
        self.x.xdotool("mousemove_relative", "--", step, 0)
        time.sleep(0.1)

    def move_by(self, dx, dy, step=1):
        while dx or dy:
            x, y = (max(-step, min(step, value)) for value in (dx, dy))
            self.x.xdotool("mousemove_relative", "--", x, y)
            dx, dy = dx - x, dy - y
            time.sleep(0.02)

    def steer(self, x, y, pointer, step=3):
        # The window must hold the pointer for a mouse.
        if "is held" not in self.x.xdotool("getwindowname", self.window):
            self.move_to(100, 100)
            self.x.xdotool("click", 1)
            self.wait("grab", lambda: "is held" in self.x.xdotool("getwindowname", self.window), 10)
        super().steer(x, y, pointer, step)

    def click(self, button=1):
        for action in ("mousedown", "mouseup"):
            self.x.xdotool(action, BUTTONS[button])
            time.sleep(0.15)


__all__ = ["Seat", "ScreenError"]
