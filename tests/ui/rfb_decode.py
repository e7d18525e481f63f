# SPDX-License-Identifier: MIT
"""Rectangles of the Remote Framebuffer Protocol as pixels: raw, Tight (without JPEG) and ZRLE, in every format with true colors."""
import struct
import zlib

RAW, TIGHT, ZRLE = 0, 7, 16


class Malformed(Exception):
    """What came is no picture."""


class Format:
    """A PIXEL_FORMAT: bits of a pixel, depth, order of bytes, the largest red, green and blue, and where they are."""

    def __init__(self, bits, depth, big, *colors):
        self.bits, self.depth, self.big, self.maxima, self.shifts = bits, depth, big, colors[:3], colors[3:]
        self.bytes = bits // 8

    def message(self):
        return struct.pack(">BBBBHHHBBBxxx", self.bits, self.depth, self.big, 1, *self.maxima, *self.shifts)

    def pixel(self, red, green, blue):
        """As it goes over the wire, of colors of 8 bits."""
        value = sum((color * most + 127) // 255 << shift for color, most, shift in zip((red, green, blue), self.maxima, self.shifts))
        return self.wire(value)

    def wire(self, value):
        return value.to_bytes(self.bytes, "big" if self.big else "little")

    def short(self):
        """How many bytes a CPIXEL has, and where among those of a pixel they are, the lowest first."""
        used = sum(most << shift for most, shift in zip(self.maxima, self.shifts))
        if self.bits != 32 or self.depth > 24 or (used >> 24 and used & 0xff):
            return self.bytes, 0
        return 3, 1 if used >> 24 else 0

    def has_colors_of_bytes(self):
        return self.bits == 32 and self.depth == 24 and self.maxima == (255, 255, 255)


NATIVE = Format(32, 24, 0, 255, 255, 255, 16, 8, 0)


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed("%d bytes are missing" % (count - len(self.data) + self.at))
        self.at += count
        return self.data[self.at - count:self.at]

    def end(self):
        if self.at != len(self.data):
            raise Malformed("%d bytes too many" % (len(self.data) - self.at))


class Decoder:
    def __init__(self, form=NATIVE):
        self.format = form
        self.zrle = zlib.decompressobj()
        self.tight = [zlib.decompressobj() for _ in range(4)]
        self.kinds = {}  # of rectangles and tiles that were seen: how many pixels

    def rect(self, encoding, width, height, take):
        """Its pixels as in the format, of what take(count) gives."""
        if encoding == RAW:
            return take(width * height * self.format.bytes)
        if encoding == TIGHT:
            return self.tight_rect(width, height, take)
        return self.zrle_rect(width, height, take)

    def note(self, kind, pixels):
        self.kinds[kind] = self.kinds.get(kind, 0) + pixels

    # --- ZRLE (RFC 6143, 7.7.6) ---

    def zrle_rect(self, width, height, take):
        data = Bytes(self.zrle.decompress(take(struct.unpack(">I", take(4))[0])))
        size = self.format.bytes
        out = bytearray(width * height * size)
        for top in range(0, height, 64):
            for left in range(0, width, 64):
                w, h = min(64, width - left), min(64, height - top)
                tile = self.tile(data, w, h)
                for row in range(h):
                    at = ((top + row) * width + left) * size
                    out[at:at + w * size] = tile[row * w * size:(row + 1) * w * size]
        data.end()
        return out

    def cpixel(self, data):
        count, low = self.format.short()
        if count == self.format.bytes:
            return data.take(count)
        part = data.take(3)
        return part + b"\0" if bool(low) == bool(self.format.big) else b"\0" + part

    @staticmethod
    def run(data):
        length = 1
        while True:
            part = data.take(1)[0]
            length += part
            if part != 255:
                return length

    def tile(self, data, width, height):
        kind, count = data.take(1)[0], width * height
        self.note("zrle %d" % kind, count)
        if kind == 0:
            return b"".join(self.cpixel(data) for _ in range(count))
        if kind == 1:
            return self.cpixel(data) * count
        out = bytearray()
        if kind < 128:
            colors = [self.cpixel(data) for _ in range(kind)]
            bits = 1 if kind == 2 else 2 if kind <= 4 else 4
            for _ in range(height):
                row = data.take((width * bits + 7) // 8)
                for i in range(width):
                    out += colors[row[i * bits // 8] >> (8 - bits - i * bits % 8) & ((1 << bits) - 1)]
            return out
        colors = [self.cpixel(data) for _ in range(kind - 128)]
        while len(out) < self.format.bytes * count:
            if kind == 128:
                out += self.cpixel(data) * self.run(data)
            else:
                index = data.take(1)[0]
                out += colors[index & 127] * (self.run(data) if index & 128 else 1)
        return out

    # --- Tight, of the protocol's registry ---

    def tight_rect(self, width, height, take):
        if width > 2048:
            raise Malformed("%d pixels in a line are too many for Tight" % width)
        control = take(1)[0]
        for i in range(4):
            if control >> i & 1:
                self.tight[i] = zlib.decompressobj()
        if control >> 4 == 8:
            self.note("fill", width * height)
            return self.tpixels(take(self.tpixel_bytes())) * (width * height)
        if control >> 7:
            raise Malformed("Tight's method %d" % (control >> 4))
        stream = control >> 4 & 3
        kind = take(1)[0] if control & 0x40 else 0
        if kind == 0:
            self.note("copy in stream %d" % stream, width * height)
            return self.tpixels(self.tight_data(stream, width * height * self.tpixel_bytes(), take))
        if kind != 1:
            raise Malformed("Tight's filter %d" % kind)
        return self.tight_palette(stream, width, height, take)

    def tight_palette(self, stream, width, height, take):
        count = take(1)[0] + 1
        if count < 2:
            raise Malformed("a palette of one color")
        size = self.tpixel_bytes()
        colors = take(count * size)
        colors = [self.tpixels(colors[i * size:(i + 1) * size]) for i in range(count)]
        if len(set(colors)) != count:
            raise Malformed("a color is twice in a palette")
        self.note("%s in stream %d" % ("two colors" if count == 2 else "palette", stream), width * height)
        if count > 2:
            return b"".join([colors[i] for i in self.tight_data(stream, width * height, take)])
        stride = (width + 7) // 8
        data = self.tight_data(stream, stride * height, take)
        return b"".join([colors[data[y * stride + x // 8] >> (7 - x % 8) & 1] for y in range(height) for x in range(width)])

    def tight_data(self, stream, length, take):
        if length < 12:
            return take(length)
        packed = 0
        for i in range(3):
            part = take(1)[0]
            packed |= (part if i == 2 else part & 0x7f) << 7 * i
            if part < 0x80:
                break
        data = self.tight[stream].decompress(take(packed))
        if len(data) != length:
            raise Malformed("%d bytes, not %d" % (len(data), length))
        return data

    def tpixel_bytes(self):
        return 3 if self.format.has_colors_of_bytes() else self.format.bytes

    def tpixels(self, data):
        """As in the format."""
        if not self.format.has_colors_of_bytes():
            return data
        out = bytearray(len(data) // 3 * 4)
        for i, shift in enumerate(self.format.shifts):
            out[(3 - shift // 8 if self.format.big else shift // 8)::4] = data[i::3]
        return bytes(out)
