# SPDX-License-Identifier: Apache-2.0
"""Pictures that are huge to decode and small to write, in every format that the program reads, with
nothing but the standard library. All are of one colour: a decoder holds the same bytes for them as
for a photograph of their size. Writing takes a few MB of memory, whatever the size asked for."""

import os
import struct
import zlib

BLOCK = 1 << 20


class _Bits:
    """Bits in a row, the first one in the lowest bit of a byte (WebP)."""

    def __init__(self):
        self._value = self._count = 0

    def put(self, value, count):
        self._value |= value << self._count
        self._count += count

    def bytes(self):
        return self._value.to_bytes((self._count + 7) // 8, "little")


def _deflated_zeros(count):
    """A zlib stream of so many zero bytes, in pieces. A block that was flushed in full refers to
    nothing before it, so that it may be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x78\xda"
    for _ in range(count // BLOCK):
        yield block
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    yield packer.compress(bytes(count % BLOCK)) + packer.flush(zlib.Z_FINISH)
    # Adler-32 of zeros: its low half stays 1, and the high half counts the bytes.
    yield struct.pack(">I", (count % 65521) << 16 | 1)


def _png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Adam7: where each pass begins and how far apart its pixels are, across and down.
_PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2)]


def write_png(path, width, height, channels=3, depth=8, interlaced=False):
    """1: grey, 2: grey and alpha, 3: RGB, 4: RGBA."""
    def rows(across, down):
        return down * (1 + (across * channels * depth + 7) // 8) if across and down else 0

    total = rows(width, height)
    if interlaced:
        total = sum(rows((width - x + dx - 1) // dx, (height - y + dy - 1) // dy)
                    for x, y, dx, dy in _PASSES)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n")
        out.write(_png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0,
                                                  interlaced)))
        for piece in _deflated_zeros(total):
            out.write(_png_chunk(b"IDAT", piece))
        out.write(_png_chunk(b"IEND", b""))


def _marker(code, data=b""):
    return struct.pack(">BBH", 0xFF, code, len(data) + 2) + data


def _zero_bits(out, count):
    """So many zero bits, then ones up to a whole byte."""
    whole = count // 8
    for at in range(0, whole, BLOCK):
        out.write(bytes(min(BLOCK, whole - at)))
    if count % 8:
        out.write(bytes([0xFF >> (count % 8)]))


def write_jpeg(path, width, height, components=3, progressive=False, orientation=None):
    """1: grey, 3: YCbCr 4:2:0, 4: CMYK. Every Huffman table has one code of one bit: no difference
    from the block before, or the end of the block."""
    twice = components == 3  # The first component has 2x2 blocks in a unit.
    sampling = [0x22 if twice and c == 0 else 0x11 for c in range(components)]
    side = 16 if twice else 8
    units = -(-width // side) * -(-height // side)
    blocks = units * (components + 3 if twice else components)
    one_code = bytes([1] + [0] * 15 + [0])
    with open(path, "wb") as out:
        out.write(b"\xff\xd8")
        if orientation is not None:
            tiff = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, orientation, 0)
            out.write(_marker(0xE1, b"Exif\0\0" + tiff))
        if components == 4:
            out.write(_marker(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)))
        out.write(_marker(0xDB, bytes([0]) + bytes([16] * 64)))
        frame = struct.pack(">BHHB", 8, height, width, components)
        for c in range(components):
            frame += bytes([c + 1, sampling[c], 0])
        out.write(_marker(0xC2 if progressive else 0xC0, frame))
        for table in (0x00, 0x10):
            out.write(_marker(0xC4, bytes([table]) + one_code))
        everyone = b"".join(bytes([c + 1, 0]) for c in range(components))
        last = 0 if progressive else 63
        out.write(_marker(0xDA, bytes([components]) + everyone + bytes([0, last, 0])))
        _zero_bits(out, blocks if progressive else 2 * blocks)
        for c in range(components if progressive else 0):
            out.write(_marker(0xDA, bytes([1, c + 1, 0, 1, 63, 0])))
            shrink = 2 if twice and c > 0 else 1
            across, down = (-(-(-(-side_ // shrink)) // 8) for side_ in (width, height))
            _zero_bits(out, across * down)
        out.write(b"\xff\xd9")


def write_webp(path, width, height):
    """Lossless, up to 16383x16383. Five prefix codes of one symbol each: a pixel takes no bit."""
    bits = _Bits()
    bits.put(0x2F, 8)
    bits.put(width - 1, 14)
    bits.put(height - 1, 14)
    bits.put(0, 1 + 3)  # No alpha, version 0.
    bits.put(0, 1 + 1 + 1)  # No transform, no colour cache, one group of codes.
    for symbol in (90, 90, 90, 255, 0):  # Green, red, blue, alpha, distance.
        bits.put(1, 1)  # A simple code
        bits.put(0, 1)  # of one symbol
        bits.put(1, 1)  # of eight bits.
        bits.put(symbol, 8)
    data = bits.bytes() + bytes(8)
    data += bytes(len(data) % 2)
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data
    with open(path, "wb") as out:
        out.write(b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk)


def _zeros_up_to(out, size):
    """Makes the file so long with a hole, which takes no room on the disk."""
    out.flush()
    os.truncate(out.fileno(), size)


def write_bmp(path, width, height, channels=3):
    row = (width * channels + 3) // 4 * 4
    size = 54 + row * height
    with open(path, "wb") as out:
        out.write(b"BM" + struct.pack("<IHHI", size & 0xFFFFFFFF, 0, 0, 54))
        out.write(struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8 * channels, 0, row * height,
                              2835, 2835, 0, 0))
        _zeros_up_to(out, size)


def write_tiff(path, width, height, depth=8, deflated=True):
    """RGB in one strip."""
    total = width * height * 3 * (depth // 8)
    with open(path, "wb") as out:
        out.write(b"II*\0" + bytes(4) + struct.pack("<HHH", depth, depth, depth))
        if deflated:
            for piece in _deflated_zeros(total):
                out.write(piece)
        else:
            _zeros_up_to(out, 14 + total)
            out.seek(0, os.SEEK_END)
        strip = out.tell() - 14
        out.write(bytes(strip % 2))
        directory = out.tell()
        fields = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 8),
                  (259, 3, 1, 8 if deflated else 1), (262, 3, 1, 2), (273, 4, 1, 14),
                  (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, strip)]
        out.write(struct.pack("<H", len(fields)))
        for field in fields:
            out.write(struct.pack("<HHII", *field))
        out.write(bytes(4))
        out.seek(4)
        out.write(struct.pack("<I", directory))


def write_picture(path, width, height):
    """An ordinary one, in the format of its suffix."""
    writers = {".png": write_png, ".jpg": write_jpeg, ".webp": write_webp, ".bmp": write_bmp,
               ".tif": write_tiff}
    writers[os.path.splitext(path)[1]](path, width, height)
