# SPDX-License-Identifier: MIT
"""Pictures for tests of screens: PNG and PPM files, parts, hashes, and finding one picture in another.

Nothing but Python's standard library. Pixels are bytes, three each (red, green, blue), line after line.
"""
import hashlib
import re
import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_TRUECOLOR = 2
ANY = b"\xff\x00\xff"  # in a template: a pixel of any color


class Image:
    def __init__(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, pixels

    def line(self, y):
        return self.pixels[y * self.width * 3:(y + 1) * self.width * 3]

    def pixel(self, x, y):
        return tuple(self.pixels[(y * self.width + x) * 3:][:3])

    def crop(self, x, y, width, height):
        lines = (self.line(row)[x * 3:(x + width) * 3] for row in range(y, min(y + height, self.height)))
        pixels = b"".join(lines)
        width = min(width, self.width - x)
        return Image(width, len(pixels) // (3 * width), pixels)

    def hash(self):
        """Of the size and all pixels."""
        return hashlib.sha256(b"%d %d " % (self.width, self.height) + self.pixels).hexdigest()[:16]

    def differs(self, other, tolerance=0):
        """Whether the size differs, or a color of a pixel by more than the tolerance."""
        if (self.width, self.height) != (other.width, other.height):
            return True
        if self.pixels == other.pixels:
            return False
        return not tolerance or any(abs(a - b) > tolerance for a, b in zip(self.pixels, other.pixels))

    def changes(self, other):
        """The smallest rectangle (x, y, width, height) outside of which both are the same; None: there is no difference."""
        if (self.width, self.height) != (other.width, other.height):
            return 0, 0, self.width, self.height
        rows = [y for y in range(self.height) if self.line(y) != other.line(y)]
        if not rows:
            return None
        columns = [x // 3 for y in rows for x, (a, b) in enumerate(zip(self.line(y), other.line(y))) if a != b]
        return min(columns), rows[0], max(columns) - min(columns) + 1, rows[-1] - rows[0] + 1

    def _exact_places(self, template):
        """Where that line of the template is that has most edges, as (x, y) of the template's corner."""
        def edges(y):
            line = template.line(y)
            return sum(a != b for a, b in zip(line, line[3:]))
        best = max(range(template.height), key=edges)
        wanted = template.line(best)
        for y in range(best, self.height - template.height + best + 1):
            line, at = self.line(y), -1
            while (at := line.find(wanted, at + 1)) >= 0:
                if at % 3 == 0:
                    yield at // 3, y - best

    def _find_exactly(self, template):
        for x, y in self._exact_places(template):
            if self.crop(x, y, template.width, template.height).pixels == template.pixels:
                return x, y
        return None

    def _find_nearly(self, template, tolerance):
        row, stride = template.width * 3, self.width * 3
        probes = [(i // row * stride + i % row, template.pixels[i]) for i in range(len(template.pixels))
                  if template.pixels[i // 3 * 3:][:3] != ANY]
        # Neighbours are alike: most places fail early when the order is mixed.
        probes = [probes[i * 37 % len(probes)] for i in range(len(probes))] if len(probes) % 37 else probes
        pixels = self.pixels
        for y in range(self.height - template.height + 1):
            for at in range(y * stride, y * stride + (self.width - template.width) * 3 + 1, 3):
                if all(-tolerance <= pixels[at + offset] - value <= tolerance for offset, value in probes):
                    return at % stride // 3, y
        return None

    def find(self, template, tolerance=0):
        """Where the template is (x, y of its left upper corner), None if it is nowhere. ANY stands for any color."""
        if template.width > self.width or template.height > self.height:
            return None
        masked = any(template.pixels[i:i + 3] == ANY for i in range(0, len(template.pixels), 3))
        return self._find_nearly(template, tolerance) if tolerance or masked else self._find_exactly(template)


def _unfilter(kind, line, above):
    """Undoes a PNG filter of 3-byte pixels (Portable Network Graphics, third edition, chapter 9)."""
    for i in range(len(line)):
        left = line[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        up = above[i]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
        line[i] = (line[i] + guess) & 0xff


def read_png(path):
    """A picture of 8-bit red, green, blue that is not interlaced."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(PNG_SIGNATURE):
        raise ValueError(f"{path} is no PNG")
    at, packed, width, height = len(PNG_SIGNATURE), b"", 0, 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if (depth, color, interlaced) != (8, PNG_TRUECOLOR, 0):
                raise ValueError(f"{path} is not 8-bit RGB")
        packed += body if kind == b"IDAT" else b""
        at += length + 12
    raw, above, pixels = zlib.decompress(packed), bytes(width * 3), bytearray()
    for start in range(0, height * (width * 3 + 1), width * 3 + 1):
        line = bytearray(raw[start + 1:start + 1 + width * 3])
        if raw[start]:
            _unfilter(raw[start], line, above)
        pixels += line
        above = line
    return Image(width, height, bytes(pixels))


def write_png(path, image):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    raw = b"".join(b"\0" + image.line(y) for y in range(image.height))
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, PNG_TRUECOLOR, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 6)) + chunk(b"IEND", b""))


def read_ppm(path):
    with open(path, "rb") as file:
        data = file.read()
    match = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
    if not match:
        raise ValueError(f"{path} is no PPM")
    width, height = int(match[1]), int(match[2])
    return Image(width, height, data[match.end():match.end() + width * height * 3])
