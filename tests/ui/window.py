# SPDX-License-Identifier: MIT
"""A screen of its own (Xvfb) with an emulator's window on it, for tests that touch windows as a user does."""
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")


def skip(why):
    print(why)
    sys.exit(77)


class Screen:
    def __init__(self, size="1600x1200"):
        for tool in ("Xvfb", "xdotool"):
            if not shutil.which(tool):
                skip("there is no " + tool)
        self.manager = None
        self.folder = tempfile.mkdtemp()
        read, write = os.pipe()
        # Without -noreset it begins anew when its last client goes, and may turn away the one that comes then.
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-noreset", "-screen", "0", size + "x24", "-fbdir",
                                        self.folder],
                                       pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as number:
            self.display = ":" + number.readline().strip()
        self.environment = dict(os.environ, DISPLAY=self.display)
        self.environment.pop("WAYLAND_DISPLAY", None)

    def manage(self):
        """Starts a window manager, for what windows ask of one."""
        if not shutil.which("openbox"):
            skip("there is no openbox")
        # The server tells of a new keyboard at xdotool's first key: a manager that is there binds all its keys anew then, and misses
        # what is pressed meanwhile.
        self.xdotool("key", "Shift_L")
        self.manager = subprocess.Popen(["openbox", "--sm-disable"], env=self.environment, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def close(self):
        if self.manager:
            self.manager.terminate()
            self.manager.wait()
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.folder)

    def xdotool(self, *arguments, script=None):
        """Runs one command, or a script of one a line; what it prints."""
        command = ["xdotool"] + ([str(a) for a in arguments] if script is None else ["-"])
        return subprocess.run(command, env=self.environment, input=script, text=True, check=True, stdout=subprocess.PIPE,
                              timeout=120).stdout.strip()

    def pixels(self):
        """Width, height and rows of the screen as bytes, four for each pixel: blue, green, red, nothing."""
        with open(os.path.join(self.folder, "Xvfb_screen0"), "rb") as file:
            data = file.read()
        words = [int.from_bytes(data[i:i + 4], "big") for i in range(0, 100, 4)]
        header, width, height, stride, colors = words[0], words[4], words[5], words[12], words[19]
        start = header + colors * 12
        return width, height, [data[start + y * stride:start + y * stride + width * 4] for y in range(height)]

    def rgb(self, left=0, top=0, width=None, height=None):
        """Width, height and pixels of the screen or a part of it, three bytes for each."""
        full_width, full_height, rows = self.pixels()
        width, height = width or full_width - left, height or full_height - top
        lines = []
        for row in rows[top:top + height]:
            part = row[left * 4:(left + width) * 4]
            line = bytearray(len(part) // 4 * 3)
            line[0::3], line[1::3], line[2::3] = part[2::4], part[1::4], part[0::4]
            lines.append(bytes(line))
        return len(lines[0]) // 3, len(lines), b"".join(lines)


class Emulator:
    """The program under test with its standard input and output piped."""

    def __init__(self, screen, *options, environment=None):
        self.screen = screen
        self.output = ""
        self.process = subprocess.Popen([os.environ["LYREBIRD"], *options], env=environment or screen.environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def fail(self, what):
        print("FAIL: %s\n--- output:\n%s" % (what, self.output))
        self.process.kill()
        sys.exit(1)

    def wait_for(self, pattern, seconds=60):
        """Reads output until the pattern is in it, and forgets what comes before its end; the match."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.output)
            if match:
                self.output = self.output[match.end():]
                return match
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            part = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not part:
                self.fail("no output like '%s'" % pattern)
            self.output += part.decode(errors="replace").replace("\r", "")

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def monitor(self, command, pattern):
        self.send(command + "\n")
        return self.wait_for(pattern)

    def window(self, name="Lyrebird"):
        """The window's number, once it is there; it has the focus then."""
        for _ in range(200):
            found = subprocess.run(["xdotool", "search", "--pid", str(self.process.pid), "--name", name], text=True,
                                   env=self.screen.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.split()
            if found:
                self.screen.xdotool("windowfocus", "--sync", found[-1])
                return found[-1]
            time.sleep(0.05)
        self.fail("no window")

    def wait_title(self, window, pattern):
        for _ in range(200):
            title = self.screen.xdotool("getwindowname", window)
            if re.search(pattern, title):
                return title
            time.sleep(0.05)
        self.fail("the title is '%s', not like '%s'" % (title, pattern))

    def wait_size(self, window, width, height):
        for _ in range(100):
            shape = self.screen.xdotool("getwindowgeometry", "--shell", window)
            if "WIDTH=%d\nHEIGHT=%d" % (width, height) in shape:
                return
            time.sleep(0.05)
        self.fail("the window is not %dx%d: %s" % (width, height, shape))

    def wait_end(self, status):
        try:
            if self.process.wait(20) != status:
                self.output += self.process.stdout.read().decode(errors="replace")
                self.fail("status %d, not %d" % (self.process.returncode, status))
        except subprocess.TimeoutExpired:
            self.fail("it does not end")


def linux_guest(folder, script, arch="arm64", programs=()):
    """Options of an emulator for Debian's kernel with the modules of displays and an /init of ours. `programs` of tests, as
    "bench/work-display", are compiled for the host's processor and in its root folder."""
    fetch = subprocess.run([os.path.join(TOOLS, "fetch-display-guest"), arch], stdout=subprocess.PIPE, text=True)
    if fetch.returncode:
        skip("there is no guest")
    guest = fetch.stdout.strip()
    tree = os.path.join(folder, "tree")
    shutil.copytree(os.path.join(guest, "modules"), os.path.join(tree, "modules"))
    with open(os.path.join(tree, "init"), "w") as init:
        init.write("""#!/bin/busybox sh
/bin/busybox --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module; done
""" + script)
    os.chmod(init.name, 0o755)
    for program in programs:
        source, binary = os.path.join(TOOLS, "..", program + ".c"), os.path.join(tree, os.path.basename(program))
        subprocess.run(["gcc", "-O2", "-static", source, "-o", binary], check=True)
    initrd = os.path.join(folder, "initrd.gz")
    subprocess.run([os.path.join(TOOLS, "make-initramfs"), os.path.join(guest, "busybox"), initrd, tree], check=True)
    machine = ["-M", "virt", "-cpu", "cortex-a72"] if arch == "arm64" else ["-M", "pc", "-cpu", "max"]
    console = "ttyAMA0" if arch == "arm64" else "ttyS0"
    return machine + ["-m", "512M", "-kernel", os.path.join(guest, "vmlinuz"), "-initrd", initrd, "-append",
                      "console=%s quiet" % console]
