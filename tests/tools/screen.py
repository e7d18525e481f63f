# SPDX-License-Identifier: MIT
"""Watches and touches the screen of a machine that runs without a window: for tests of graphical guests.

    with Screen([emulator, "-kernel", ...], "folder/for/pictures") as screen:
        screen.wait_text(r"Press any key")
        screen.type("linux\\n")
        x, y = screen.expect("button.png")
        screen.move_to(x + 5, y + 5)
        screen.click()

The program (Lyrebird, or QEMU for comparison) gets its monitor on a pipe. Every wait has a deadline: when it passes, what the
screen shows then is saved as `failed.png` (and its text, where it has some), and ScreenError is raised. All pictures that are
saved stay in the folder, numbered, until the next run.
"""
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

from image import read_png, read_ppm, write_png

PROMPT = re.compile(rb"(?:^|\n)\((?:lyrebird|qemu)\) $")
POLL = 0.5  # seconds between two looks at the screen
POSITION_MAX = 0x7fff

# Keys of the US layout. Capital letters and these are typed with shift.
PLAIN = {" ": "spc", "\n": "ret", "\t": "tab", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
         ";": "semicolon", "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash"}
SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./"))


class ScreenError(Exception):
    pass


def key_of(character):
    """What sendkey calls it."""
    if character in SHIFTED:
        return "shift-" + key_of(SHIFTED[character])
    if character in PLAIN:
        return PLAIN[character]
    if character.isascii() and character.isalnum():
        return "shift-" + character.lower() if character.isupper() else character
    raise ValueError(f"the US layout has no {character!r}")


class Screen:
    def __init__(self, command, folder, timeout=120):
        """Starts the program. `timeout`: of each wait, in seconds, that has none of its own."""
        self.folder, self.timeout, self.saved = str(folder), timeout, 0
        os.makedirs(self.folder, exist_ok=True)
        for old in pathlib.Path(self.folder).glob("*.png"):
            old.unlink()
        self.scratch = tempfile.TemporaryDirectory()
        self.is_qemu = "qemu-system" in os.path.basename(command[0])
        self.qmp = os.path.join(self.scratch.name, "qmp")
        command = list(command) + self.display_options() + ["-monitor", "stdio"]
        command += ["-qmp", f"unix:{self.qmp},server=on,wait=off"] if self.is_qemu else []
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0,
                                            env=self.environment())
        self.started = time.monotonic()
        self._until_prompt("start")

    def display_options(self):
        return ["-display", "none"]

    def environment(self):
        return None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.scratch.cleanup()

    def wait_end(self, timeout=20):
        """Until the program has ended, of itself and with exit status 0."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail("end")
        if status:
            raise ScreenError(f"exit status {status} after {self.elapsed():.0f} s; see {self.folder}/log")

    def elapsed(self):
        """Seconds since the start."""
        return time.monotonic() - self.started

    # --- the monitor ---

    def _until_prompt(self, what, timeout=60):
        data, deadline = b"", time.monotonic() + timeout
        while not PROMPT.search(data.replace(b"\r", b"")):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            got = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not got:
                raise ScreenError(f"the monitor {'is silent' if not ready else 'has gone'} after {what!r}: see {self.folder}/log")
            data += got
        return data.replace(b"\r", b"").decode("utf-8", "replace")

    def monitor(self, command):
        """Runs a command and returns what it prints."""
        self.process.stdin.write(command.encode() + b"\n")
        answer = self._until_prompt(command)
        return answer.partition("\n")[2].rpartition("\n")[0]

    def _must(self, command):
        answer = self.monitor(command)
        if answer.strip():
            raise ScreenError(f"{command}: {answer}")

    # --- looking ---

    def text(self):
        """The text on the screen; None in graphics modes."""
        answer = self.monitor("info screen")
        return None if answer.startswith(("the screen is in a graphics mode", "no screen")) else answer

    def grab(self):
        """What the first display shows."""
        path = os.path.join(self.scratch.name, "screen.ppm")
        self._must(f"screendump {path}")
        return read_ppm(path)

    def save(self, name, image=None):
        """Keeps a picture (what is shown now) in the folder, as NN-name.png."""
        self.saved += 1
        path = os.path.join(self.folder, f"{self.saved:02}-{name}.png")
        write_png(path, image or self.grab())
        return path

    def _fail(self, what):
        if self.process.poll() is not None:
            raise ScreenError(f"no {what}, as the program has ended with status {self.process.returncode}; see {self.folder}/log")
        write_png(os.path.join(self.folder, "failed.png"), self.grab())
        text = "" if self.is_qemu else self.text()
        raise ScreenError(f"no {what} after {self.elapsed():.0f} s; see {self.folder}/failed.png{chr(10) + text if text else ''}")

    def wait(self, what, test, timeout=None, every=POLL):
        """Asks test() again and again until it returns something other than None or False, which is the result."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            result = test()
            if result is not None and result is not False:
                return result
            if time.monotonic() > deadline:
                self._fail(what)
            time.sleep(every)

    def wait_text(self, pattern, timeout=None):
        """Until the regular expression is found in the screen's text; returns the match."""
        return self.wait(f"text /{pattern}/", lambda: re.search(pattern, self.text() or "", re.MULTILINE), timeout)

    def wait_hash(self, hashes, region=None, timeout=None):
        """Until the screen, or a region (x, y, width, height) of it, has one of these hashes."""
        def look():
            image = self.grab()
            return (image.crop(*region) if region else image).hash() in hashes
        return self.wait(f"picture {' or '.join(hashes)}", look, timeout)

    def wait_picture(self, template, tolerance=0, timeout=None, what="picture"):
        """Until the template is found somewhere; returns where its left upper corner is."""
        return self.wait(what, lambda: self.grab().find(template, tolerance), timeout)

    def expect(self, path, tolerance=0, timeout=None, rest=0):
        """Until the picture in a PNG file is found, and nothing has changed for `rest` seconds; keeps what is shown, tells the
        time, and returns where it is."""
        name = pathlib.Path(path).stem
        place = self.wait_picture(read_png(path), tolerance, timeout, f"'{name}'")
        self.save(name, self.wait_settled(seconds=rest) if rest else None)
        print(f"{self.elapsed():5.1f} s  {name} at {place[0]}, {place[1]}", flush=True)
        return place

    def wait_change(self, before, region=None, timeout=None):
        """Until the screen, or a region of it, is unlike the picture `before` (of the whole screen); returns the new one."""
        def look():
            image = self.grab()
            pair = (before, image) if not region else (before.crop(*region), image.crop(*region))
            return image if pair[0].differs(pair[1]) else None
        return self.wait("change", look, timeout)

    def wait_settled(self, region=None, seconds=1, timeout=None):
        """Until the screen, or a region of it, has not changed for a time; returns the picture."""
        last, since = None, 0

        def look():
            nonlocal last, since
            image = self.grab()
            part = image.crop(*region) if region else image
            if last is None or last.differs(part):
                last, since = part, time.monotonic()
            return image if time.monotonic() - since >= seconds else None
        return self.wait("picture at rest", look, timeout, min(POLL, seconds / 4))

    def cursor(self):
        """Where the first display has its cursor, when the display draws that; None when it does not, or cannot tell."""
        match = re.search(r"^[^\n]*cursor at (-?\d+), (-?\d+)", self.monitor("info displays").partition("\n")[0])
        return match and (int(match[1]), int(match[2]))

    # --- touching ---

    def key(self, name, times=1):
        """Presses a key, or several at once ("ctrl-alt-f2"), in sendkey's names."""
        for _ in range(times):
            self._must(f"sendkey {name}")
            time.sleep(0.15)  # sendkey holds it for 0.1 s, and some guests miss one of two that come at once

    def type(self, text):
        """As on a keyboard of the US layout; a line ends with Return."""
        for character in text:
            self.key(key_of(character))

    def _qmp_input(self, *events):
        """QEMU's monitor moves mice alone, not tablets."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.qmp)
            stream = connection.makefile("rw")
            for command in ({"execute": "qmp_capabilities"},
                            {"execute": "input-send-event", "arguments": {"events": list(events)}}):
                stream.write(json.dumps(command))
                stream.flush()
                while "return" not in (line := stream.readline()):
                    if not line or "error" in line:
                        raise ScreenError(f"QMP: {line}")

    def move_to(self, x, y):
        """Puts the pointer of a tablet at a pixel."""
        image = self.grab()
        # The middle of the pixel, in steps of the tablet.
        x, y = ((2 * value + 1) * POSITION_MAX // (2 * side) for value, side in ((x, image.width), (y, image.height)))
        if self.is_qemu:
            self._qmp_input(*({"type": "abs", "data": {"axis": axis, "value": value}} for axis, value in (("x", x), ("y", y))))
        else:
            self._must(f"mouse_position {x} {y}")
        time.sleep(0.1)

    def move_by(self, dx, dy, step=1):
        """Moves a mouse, in steps so small that the guest does not take them for a fast motion."""
        while dx or dy:
            x, y = (max(-step, min(step, value)) for value in (dx, dy))
            self._must(f"mouse_move {x} {y}")
            dx, dy = dx - x, dy - y
            time.sleep(0.01)

    def steer(self, x, y, pointer, step=3):
        """Moves a mouse until its pointer, which looks like the template, is there: guests may speed its motion up."""
        def go():
            at = self.grab().find(pointer)
            if at and at != (x, y):
                self.move_by(x - at[0], y - at[1], step)
            return at == (x, y)
        self.wait(f"pointer at {x}, {y}", go)

    def click(self, button=1):
        """1 left, 2 middle, 4 right."""
        for state in (button, 0):
            self._must(f"mouse_button {state}")
            time.sleep(0.15)


def fetched(tool, *arguments):
    """The folder that a tests/tools/fetch-... prints. Ends the program when there is none, with status 77 if it may be left out."""
    path = pathlib.Path(__file__).resolve().parent / tool
    result = subprocess.run([path, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        sys.exit(77 if result.returncode == 77 else 1)
    return result.stdout.strip()


def run_test(command, folder, steps, kind=Screen):
    """Has steps(screen) use a machine, seen by a Screen of that kind. The exit status of a test: 0, or 1 after a message."""
    try:
        with kind(command, folder) as screen:
            steps(screen)
    except ScreenError as error:
        print(f"FAIL: {error}")
        return 1
    return 0
