#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a short training leaves to be looked at: every picture, and report.html in a real browser.

usage: report_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
HEADROOM_SCREENSHOTS=folder keeps screenshots of the report, to be looked at.
"""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import web_driver

YOLO = SAMPLE = None
PHONE, DESKTOP = 390, 1280
SVG_TITLES = ["Losses and metrics over the epochs", "Memory over the run",
              "Precision over recall (IoU 0.5)", "Precision over confidence",
              "Recall over confidence", "F1 over confidence", "Confusion matrix",
              "Confusion matrix, shares of each true class", "Labels of the training set"]
CHARTS = {"results.png": (2568, 1196), "memory.png": (2250, None),
          "confusion_matrix.png": (3000, 2250), "confusion_matrix_normalized.png": (3000, 2250),
          **{f"Box{name}_curve.png": (2250, 1500) for name in ("PR", "P", "R", "F1")}}
# 40 pictures in batches of 8: five iterations an epoch, mosaic closes before the third epoch.
TRAIN_BATCHES = [0, 1, 2, 10, 11, 12]


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data.rstrip(b"\0").endswith(b"IEND\xaeB`\x82"), path
    return struct.unpack(">II", data[16:24])


def jpeg_size(path):
    data = path.read_bytes()
    assert data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9", path
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5:at + 9])
    return width, height


class RunFolder:
    """One training for all tests."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        shutil.copytree(SAMPLE, self.dir / "data", ignore=shutil.ignore_patterns("*.headroom"))
        self.words = [f"data={self.dir}/data/data.yaml", "model=yolo11n.yaml", "imgsz=96", "batch=8",
                      "close_mosaic=1", "workers=1", "amp=False"]
        self.yolo("train", *self.words, "epochs=3", "name=run")
        self.path = self.dir / "runs/detect/run"
        self.page = self.path / "report.html"

    def yolo(self, *words):
        done = subprocess.run([YOLO, "detect", *words], cwd=self.dir, capture_output=True, text=True,
                              timeout=600)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def setUpModule():
    global RUN
    RUN = RunFolder()


def tearDownModule():
    RUN.close()


class PicturesTest(unittest.TestCase):
    def test_charts_are_there_in_their_sizes(self):
        for name, (width, height) in CHARTS.items():
            size = png_size(RUN.path / name)
            self.assertEqual(size[0], width, name)
            if height is not None:
                self.assertEqual(size[1], height, name)
        self.assertEqual(jpeg_size(RUN.path / "labels.jpg"), (1600, 1600))

    def test_three_batches_are_drawn_at_the_start_and_three_without_mosaic(self):
        drawn = sorted(int(re.search(r"\d+", f.name).group()) for f in RUN.path.glob("train_batch*"))
        self.assertEqual(drawn, TRAIN_BATCHES)
        for batch in drawn:  # 8 pictures of 96 pixels in a lattice of 3 x 3.
            self.assertEqual(jpeg_size(RUN.path / f"train_batch{batch}.jpg"), (288, 288))

    def test_validation_is_drawn_as_labels_and_predictions(self):
        for kind in ("labels", "pred"):
            width, height = jpeg_size(RUN.path / f"val_batch0_{kind}.jpg")
            self.assertLessEqual(max(width, height), 1920)
            self.assertFalse((RUN.path / f"val_batch3_{kind}.jpg").exists())

    def test_val_draws_its_curves_matrices_and_pictures(self):
        RUN.yolo("val", f"model={RUN.path}/weights/best.pt", f"data={RUN.dir}/data/data.yaml",
                 "imgsz=96", "name=val", "save_json=True")
        folder = RUN.dir / "runs/detect/val"
        for name, size in CHARTS.items():
            if name not in ("results.png", "memory.png"):
                self.assertEqual(png_size(folder / name), size, name)
        for kind in ("labels", "pred"):
            self.assertTrue((folder / f"val_batch0_{kind}.jpg").exists())
        self.assertTrue((folder / "predictions.json").exists())
        RUN.yolo("val", f"model={RUN.path}/weights/best.pt", f"data={RUN.dir}/data/data.yaml",
                 "imgsz=96", "name=plain", "plots=False")
        self.assertFalse((RUN.dir / "runs/detect/plain").exists(), "nothing was written")

    def plan_of(self, name):
        return json.loads((RUN.dir / "runs/detect" / name / "memory_plan.json").read_text())["host"]

    def test_where_the_plan_needs_their_room_plots_wait(self):
        # Few pictures a batch, so that drawing the labels at the start is the peak of all.
        words = [*RUN.words, "batch=2", "epochs=1", "fraction=0.3"]
        RUN.yolo("train", *words, "name=roomy")
        phases = self.plan_of("roomy")["phases"]
        for name in ("setup", "train step", "end"):
            self.assertIn("plots", phases[name]["rows"])
        with_plots = max(phase["total_bytes"] for phase in phases.values())
        without = max(phase["total_bytes"] - phase["rows"].get("plots", {"bytes": 0})["bytes"]
                      for phase in phases.values())
        self.assertGreater(with_plots - without, 8 * 2**20)
        folder = RUN.dir / "runs/detect/tight"
        folder.mkdir()
        (folder / "memory.csv").write_text("time_s,rss_mb\n9999,1\n")
        output = RUN.yolo("train", *words, "name=tight", "exist_ok=True",
                          f"memory={(with_plots + without) // 2**21}M")
        self.assertIn("to fit the limit: plots are drawn when there is room for them", output)
        self.assertNotIn("micro-batches", output)
        self.assertNotIn("9999", (folder / "memory.csv").read_text(), "of a run before this one")
        rows = self.plan_of("tight")["phases"]["train step"]["rows"]
        self.assertNotIn("plots", rows)
        for name in ("results.png", "BoxPR_curve.png", "report.html"):
            self.assertTrue((folder / name).exists(), output)
        self.assertIn("plots are drawn when there is room", (folder / "report.html").read_text())


@unittest.skipIf(web_driver.missing(), web_driver.missing())
class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = web_driver.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.browser.set_width(DESKTOP)
        self.browser.set_dark(False)
        self.browser.open(RUN.page.as_uri())

    def keep(self, name):
        folder = os.environ.get("HEADROOM_SCREENSHOTS")
        if folder:
            self.browser.screenshot(pathlib.Path(folder) / f"{name}.png")

    def color(self, selector, property_name):
        text = self.browser.run(
            "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector,
            property_name)
        return [int(part) for part in re.findall(r"\d+", text)[:3]]

    def test_it_fetches_nothing_and_logs_nothing(self):
        self.browser.requests(), self.browser.logged("browser")
        self.browser.open(RUN.page.as_uri())
        fetched = [url for url in self.browser.requests() if not url.startswith("data:")]
        self.assertEqual(fetched, [RUN.page.as_uri()])
        self.assertEqual(self.browser.logged("browser"), [])

    def test_it_shows_all_there_is(self):
        titles = self.browser.run(
            "return [...document.querySelectorAll('figure > svg, .wide > svg')]"
            ".map(s => s.querySelector('title').textContent)")
        self.assertEqual(titles, SVG_TITLES)
        self.assertEqual(self.browser.run("return document.querySelectorAll('#epochs ~ div tbody tr.best').length"), 1)
        pictures = self.browser.run(
            "return [...document.images].map(i => i.complete && i.naturalWidth > 0)")
        self.assertEqual(pictures, [True] * 3)
        for heading in ("charts", "pictures", "memory", "adaptations", "epochs", "arguments", "environment"):
            self.assertEqual(self.browser.run(
                "return document.querySelectorAll('nav a[href=\"#' + arguments[0] + '\"]').length"
                " + document.querySelectorAll('h2#' + arguments[0]).length", heading), 2, heading)
        self.keep("light")

    def test_no_text_of_a_chart_leaves_it(self):
        outside = self.browser.run("""
            return [...document.querySelectorAll('figure svg text')].filter(t => {
              const svg = t.closest('figure').querySelector('svg').getBoundingClientRect();
              const box = t.getBoundingClientRect();
              return box.left < svg.left - 1 || box.right > svg.right + 1 ||
                     box.top < svg.top - 1 || box.bottom > svg.bottom + 1;
            }).map(t => t.textContent);""")
        self.assertEqual(outside, [])

    def test_it_is_dark_where_the_reader_wants_that(self):
        light = self.color("body", "backgroundColor"), self.color(".fill-ink", "fill")
        self.browser.set_dark(True)
        dark = self.color("body", "backgroundColor"), self.color(".fill-ink", "fill")
        self.assertGreater(min(light[0]), 200)
        self.assertLess(max(light[1]), 80)
        self.assertLess(max(dark[0]), 60)
        self.assertGreater(min(dark[1]), 180)
        self.keep("dark")

    def test_it_fits_a_phone(self):
        self.browser.set_width(PHONE, 844, mobile=True)
        self.browser.open(RUN.page.as_uri())
        self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), PHONE)
        self.keep("phone")

    def test_it_prints_on_a_few_pages(self):
        pdf = self.browser.pdf()
        pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
        self.assertGreaterEqual(pages, 4)
        self.assertLessEqual(pages, 12)
        folder = os.environ.get("HEADROOM_SCREENSHOTS")
        if folder:
            (pathlib.Path(folder) / "print.pdf").write_bytes(pdf)


if __name__ == "__main__":
    YOLO, SAMPLE = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
