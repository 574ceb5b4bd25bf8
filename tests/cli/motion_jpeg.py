# SPDX-License-Identifier: Apache-2.0
"""Writes a Motion-JPEG .avi of JPEG files, so that tests have a video without a library."""

import struct


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def chunk_list(kind, *chunks):
    return chunk(b"LIST", kind + b"".join(chunks))


def write_video(path, jpegs, width, height, frames_per_second):
    """jpegs: bytes of each frame, all of that size."""
    count, largest = len(jpegs), max(map(len, jpegs))
    main = struct.pack("<14I", 1_000_000 // frames_per_second, largest * frames_per_second, 0, 0x10, count, 0, 1,
                       largest, width, height, 0, 0, 0, 0)
    stream = struct.pack("<4s4sIHHIIIIIIII4H", b"vids", b"MJPG", 0, 0, 0, 0, 1, frames_per_second, 0, count, largest,
                         0xFFFFFFFF, 0, 0, 0, width, height)
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", 3 * width * height, 0, 0, 0, 0)
    header = chunk_list(b"hdrl", chunk(b"avih", main),
                        chunk_list(b"strl", chunk(b"strh", stream), chunk(b"strf", picture)))
    frames, index, offset = [], b"", 4
    for jpeg in jpegs:
        frames.append(chunk(b"00dc", jpeg))
        index += struct.pack("<4sIII", b"00dc", 0x10, offset, len(jpeg))
        offset += len(frames[-1])
    body = b"AVI " + header + chunk_list(b"movi", *frames) + chunk(b"idx1", index)
    with open(path, "wb") as file:
        file.write(chunk(b"RIFF", body))
