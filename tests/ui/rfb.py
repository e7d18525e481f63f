# SPDX-License-Identifier: MIT
"""A client of the Remote Framebuffer Protocol (RFC 6143 and the community's registry), for tests: pictures, keys, pointers."""
import socket
import ssl
import struct
import time

from rfb_decode import NATIVE, RAW, TIGHT, ZRLE, Decoder

CURSOR, DESKTOP_SIZE, EXTENDED_KEYS, EXTENDED_SIZE = -239, -223, -258, -308
COMPRESS = -256  # and levels up to 9
NONE, VENCRYPT, X509_PLAIN = 1, 19, 262
TIMEOUT = 20


class Refused(Exception):
    """The server has ended the conversation."""


def reach(address):
    """A socket connected to a port of 127.0.0.1, to (host, port), or to a path."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address)  # waits while many others do
        sock.settimeout(TIMEOUT)
        return sock
    return socket.create_connection(("127.0.0.1", address) if isinstance(address, int) else address, TIMEOUT)


class Client:
    taken = 0  # bytes

    def __init__(self, address, encodings=(RAW, DESKTOP_SIZE, EXTENDED_KEYS), user=None, password=None, security=None,
                 shared=1, form=NATIVE):
        self.socket = reach(address)
        self.extended = False  # the server takes keys by their places
        self.cursor = None
        self.rects = []  # of the last update
        self.layouts = []  # reason, status, width, height and screens of each that came
        self.decoder = Decoder(form)
        try:
            self.shake_hands(security or (NONE if password is None else VENCRYPT), user, password)
            self.send(struct.pack(">B", shared))
            self.width, self.height = struct.unpack(">HH", self.take(4))
            self.take(16)  # the server's format
            self.name = self.take(self.take_number(">I")).decode()
        except (OSError, Refused):
            self.socket.close()
            raise
        self.clear()
        self.send(struct.pack(">Bxxx", 0) + form.message())
        self.set_encodings(encodings)

    def __enter__(self):
        return self

    def clear(self):
        self.pixels = bytearray(self.width * self.height * self.decoder.format.bytes)

    def __exit__(self, *error):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Refused(str(error)) from error

    def take(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                part = self.socket.recv(min(count - len(data), 1 << 20))
            except (ConnectionError, ssl.SSLError) as error:
                raise Refused(str(error)) from error
            if not part:
                raise Refused("the server has hung up")
            data += part
        self.taken += count
        return bytes(data)

    def take_number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    # --- the beginning ---

    def shake_hands(self, security, user, password):
        version = self.take(12)
        if not version.startswith(b"RFB 003.008"):
            raise Refused("version %r" % version)
        self.send(b"RFB 003.008\n")
        self.offered = list(self.take(self.take_number(">B")))
        self.send(struct.pack(">B", security))
        if security == VENCRYPT:
            self.encrypt(user, password)
        if self.take_number(">I"):
            raise Refused(self.take(self.take_number(">I")).decode())

    def encrypt(self, user, password):
        self.start_tls()
        user, password = user.encode(), password.encode()
        self.send(struct.pack(">II", len(user), len(password)) + user + password)

    def start_tls(self):
        """VeNCrypt 0.2 with X509Plain."""
        if self.take(2) != b"\0\2":
            raise Refused("the version of VeNCrypt")
        self.send(b"\0\2")
        if self.take_number(">B"):
            raise Refused("the server does not like 0.2")
        kinds = struct.unpack(">%dI" % (count := self.take_number(">B")), self.take(4 * count))
        if X509_PLAIN not in kinds:
            raise Refused("kinds %s" % (kinds,))
        self.send(struct.pack(">I", X509_PLAIN))
        if self.take_number(">B") != 1:
            raise Refused("the kind of VeNCrypt")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    # --- what a client says ---

    def set_encodings(self, encodings):
        self.send(struct.pack(">BxH%di" % len(encodings), 2, len(encodings), *encodings))

    def request(self, incremental=1, area=None):
        self.send(struct.pack(">BBHHHH", 3, incremental, *(area or (0, 0, self.width, self.height))))

    def key(self, keysym, down):
        self.send(struct.pack(">BBxxI", 4, down, keysym))

    def place(self, code, down, keysym=0):
        """A key by its scan code of set 1; those with the prefix 0xe0 have bit 7."""
        self.send(struct.pack(">BBHII", 255, 0, down, keysym, code))

    def press(self, *keysyms):
        """Presses the keys one after the other, and lets go of them in the other order."""
        for keysym in keysyms:
            self.key(keysym, 1)
        for keysym in reversed(keysyms):
            self.key(keysym, 0)

    def press_places(self, *codes):
        for code in codes:
            self.place(code, 1)
        for code in reversed(codes):
            self.place(code, 0)

    def point(self, x, y, buttons=0):
        self.send(struct.pack(">BBHH", 5, buttons, x, y))

    def set_size(self, width, height, screens=None):
        """The screens are tuples of id, x, y, width, height, flags; without them, one is as large as all."""
        screens = [(0, 0, 0, width, height, 0)] if screens is None else screens
        self.send(struct.pack(">BxHHBx", 251, width, height, len(screens)) + b"".join(struct.pack(">IHHHHI", *s) for s in screens))

    # --- what it is told ---

    def update(self, seconds=TIMEOUT):
        """Waits for one update and draws it; false when none comes."""
        self.socket.settimeout(seconds)
        try:
            kind = self.take_number(">B")
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(TIMEOUT)
        if kind == 2:
            return self.update(seconds)
        if kind != 0:
            raise Refused("message %d" % kind)
        self.take(1)
        self.rects, self.new_layout = [], False
        for _ in range(self.take_number(">H")):
            self.take_rect(*struct.unpack(">HHHHi", self.take(12)))
        return True

    def take_rect(self, x, y, width, height, encoding):
        if encoding == DESKTOP_SIZE:
            self.width, self.height = width, height
            self.clear()
        elif encoding == EXTENDED_SIZE:
            self.take_layout(x, y, width, height)
        elif encoding == EXTENDED_KEYS:
            self.extended = True
        elif encoding == CURSOR:
            self.cursor = (x, y, width, height, self.take(width * height * self.decoder.format.bytes),
                           self.take((width + 7) // 8 * height))
        elif encoding in (RAW, TIGHT, ZRLE):
            if x + width > self.width or y + height > self.height:
                raise Refused("%dx%d at %d,%d lies outside" % (width, height, x, y))
            self.rects.append((x, y, width, height))
            self.draw(x, y, width, height, self.decoder.rect(encoding, width, height, self.take))
        else:
            raise Refused("encoding %d" % encoding)

    def take_layout(self, reason, status, width, height):
        count = self.take(4)[0]
        screens = [struct.unpack(">IHHHHI", self.take(16)) for _ in range(count)]
        self.layouts.append((reason, status, width, height, screens))
        self.new_layout = True
        if (reason, bool(status)) != (1, True) and (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self.clear()

    def draw(self, x, y, width, height, data):
        size = self.decoder.format.bytes
        for row in range(height):
            at = ((y + row) * self.width + x) * size
            self.pixels[at:at + width * size] = data[row * width * size:(row + 1) * width * size]

    def drain(self, quiet=0.4):
        """Asks and draws until nothing changes for a while."""
        self.request()
        while self.update(quiet):
            self.request()

    def full(self):
        """A complete picture."""
        self.request(0)
        while True:
            if not self.update():
                raise Refused("no picture")
            if self.rects:
                return
            if not self.new_layout:  # which comes beside what was asked for
                self.request(0)

    def rgb(self):
        """Three bytes a pixel of the native format."""
        out = bytearray(self.width * self.height * 3)
        out[0::3], out[1::3], out[2::3] = self.pixels[2::4], self.pixels[1::4], self.pixels[0::4]
        return bytes(out)

    def wait_picture(self, good, what, seconds=30):
        """Draws until good(self)."""
        deadline = time.monotonic() + seconds
        self.request(0)
        while not good(self):
            if time.monotonic() > deadline:
                raise AssertionError("no picture in which " + what)
            if self.update(0.5):
                self.request()


def read_ppm(path):
    """Width, height, and three bytes a pixel."""
    with open(path, "rb") as file:
        kind, size, depth, pixels = file.read().split(b"\n", 3)
    if kind != b"P6" or depth != b"255":
        raise AssertionError("%s is no picture" % path)
    width, height = map(int, size.split())
    return width, height, pixels
