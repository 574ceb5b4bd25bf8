#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures far larger than the rest, from the start and put in place of others in mid-run, under real
limits: memory cgroups (v1, as root).

usage: picture_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import os
import struct
import time
import unittest
import zlib

from cgroup import Cgroup, cgroups_missing
from run_case import RunCase, main


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, side, padding=0):
    """A square of one colour, RGB; `padding` bytes behind its end change no pixel."""
    packer = zlib.compressobj(1)
    row = b"\0" + bytes((200, 120, 90)) * side
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    content = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
               chunk(b"IDAT", pixels) + chunk(b"IEND", b"") + bytes(padding))
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)  # At once, as a careful program would.


HUGE = 14142  # 200 megapixels, 600 MB as pixels.
LARGE = 4900  # 24 megapixels, 72 MB.


@unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
class PictureTest(RunCase):
    copies = 1

    def keep(self, count):
        """Only so many training pictures."""
        for file in sorted((self.data / "images/train").iterdir())[count:]:
            file.unlink()

    def add(self, name, side, split="train"):
        path = self.data / "images" / split / f"{name}.png"
        write_png(path, side)
        (self.data / "labels" / split / f"{name}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
        return path

    def in_group(self, limit_mb, command, expect=0, during=None):
        group = Cgroup(limit_mb << 20)
        try:
            run = self.start(command, group)
            if during:
                during()
            output = self.finish(run, expect)
            self.assertEqual(group.oom_kills(), 0, output[-3000:])
            return output
        finally:
            group.close()

    def other(self, mode, *words):
        return [self.yolo, mode, f"model={self.dir}/run/weights/last.pt", f"project={self.dir}",
                f"name={mode}", "imgsz=160", *words]

    def wait_for(self, path, lines):
        for _ in range(1800):
            if path.exists() and path.read_text().count("\n") > lines:
                return
            time.sleep(0.1)
        self.fail(f"{path} does not grow")

    def test_one_huge_picture_among_small_ones(self):
        self.keep(16)
        self.add("huge", HUGE)
        self.in_group(1280, self.command("imgsz=160", "batch=4", "workers=2", "epochs=2"))
        planned, measured = self.assertPlanHolds()
        self.assertGreater(measured, 600e6)  # It was decoded.

    def test_a_training_that_one_picture_makes_too_large_names_it(self):
        self.keep(16)
        huge = self.add("huge", HUGE)
        output = self.in_group(700, self.command("imgsz=160", "batch=4", "workers=2"), expect=4)
        self.assertIn(f"The picture that takes most is {huge} (PNG, {HUGE}x{HUGE} px)", output)

    def test_many_large_pictures_and_more_workers_than_fit(self):
        self.keep(4)
        for i in range(12):
            self.add(f"large{i}", LARGE)
        for limit, workers in ((1310, 12), (1400, 16)):
            output = self.in_group(
                limit, self.command("imgsz=160", "batch=16", f"workers={workers}", "epochs=2"))
            self.assertRegex(output, r"workers \d+ -> \d+")
            self.assertPlanHolds()

    def test_pictures_replaced_in_mid_run(self):
        pictures = sorted((self.data / "images/train").glob("*.jpg"))[:3]
        self.add("val", 200, "val")
        held = self.data / "images/val/val.png"

        def replace():
            self.wait_for(self.dir / "run/results.csv", 1)
            for picture in pictures[:2]:
                write_png(picture, HUGE)
            write_png(pictures[2], LARGE)
            write_png(held, 200, padding=300 << 20)  # Its size is the same, its file is not.

        output = self.in_group(800, self.command("imgsz=160", "batch=4", "workers=4", "epochs=12"),
                               during=replace)
        self.assertIn("12 epochs", output)
        self.assertPlanHolds()
        for picture in pictures:
            self.assertEqual(output.count(f"{picture}: it was replaced: "), 1, output[-3000:])
        self.assertRegex(output, f"{held}: it was replaced: reading it takes 300 MiB now")

    def test_val_names_the_picture_that_does_not_fit(self):
        self.train("imgsz=160", "batch=4", "epochs=1", "fraction=8")
        huge = self.add("huge", HUGE, "val")
        words = self.other("val", f"data={self.data}/data.yaml", "workers=2")
        output = self.in_group(700, words, expect=4)
        self.assertIn(f"The picture that takes most is {huge} (PNG, {HUGE}x{HUGE} px)", output)
        self.in_group(1280, words)  # Where it fits it is used.

    def test_predict_passes_over_what_does_not_fit_and_goes_on(self):
        self.train("imgsz=160", "batch=4", "epochs=1", "fraction=8")
        folder = self.data / "images/val"
        huge = self.add("aaa_huge", HUGE, "val")
        names = {p.stem for p in folder.glob("*.jpg")}
        words = self.other("predict", f"source={folder}", "save_txt=True", "exist_ok=True", "conf=0.001")
        output = self.in_group(700, words, expect=4)
        self.assertIn(f"{huge} is passed over: its {HUGE}x{HUGE} pixels take", output)
        self.assertEqual({p.stem for p in (self.dir / "predict").glob("*.jpg")}, names)
        # Room to read it, none to write it as a JPEG.
        output = self.in_group(1280, words, expect=4)
        self.assertIn(f"{huge}: what was found is drawn nowhere", output)
        self.assertNotIn("passed over", output)
        self.assertEqual({p.stem for p in (self.dir / "predict").glob("*.jpg")}, names)
        self.assertTrue((self.dir / "predict/labels/aaa_huge.txt").exists())


if __name__ == "__main__":
    main()
