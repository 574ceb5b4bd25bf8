#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of docs/gallery.md, as small PNGs, from the folder of a finished training.

usage: make_gallery.py RUN_FOLDER [MANY_CLASSES_RUN_FOLDER]

Needs Pillow, and for the screenshots of report.html Chromium with its driver
(scripts/install_deps.sh --tools). docs/gallery.md says which trainings were shown.
"""

import pathlib
import sys
import tempfile

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/gallery"
sys.path.insert(0, str(ROOT / "tests/report"))
import web_driver  # noqa: E402: found by the line above

# Source, name, width in pixels, colours.
CHARTS = [("results.png", 900, 128), ("memory.png", 800, 256), ("BoxPR_curve.png", 640, 128),
          ("BoxF1_curve.png", 640, 128), ("confusion_matrix.png", 640, 128), ("labels.jpg", 560, 128)]
PHOTOS = [("val_batch0_labels.jpg", 400, 256), ("val_batch0_pred.jpg", 400, 256)]
MANY = [("labels.jpg", 480, 128)]


def shrink(source, target, width, colours):
    image = Image.open(source).convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.LANCZOS)
    image.quantize(colours, kmeans=1, dither=Image.Dither.NONE).save(target, optimize=True)


def crop_corner(source, target, share, width, colours):
    """The upper left part of a lattice of pictures."""
    image = Image.open(source)
    part = image.crop((0, 0, int(image.width * share), int(image.height * share)))
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        part.save(file.name)
        shrink(file.name, target, width, colours)


def after_closing(run):
    """The first picture of a training batch without mosaic."""
    numbers = sorted(int(f.stem.removeprefix("train_batch")) for f in run.glob("train_batch*.jpg"))
    return run / f"train_batch{numbers[min(3, len(numbers) - 1)]}.jpg"


def screenshots(page):
    if web_driver.missing():
        print("no screenshots:", web_driver.missing())
        return
    browser = web_driver.Browser()
    try:
        for name, width, dark in (("report-light", 1280, False), ("report-dark", 1280, True),
                                  ("report-phone", 390, False)):
            browser.set_width(width, 1000, mobile=width < 500)
            browser.set_dark(dark)
            browser.open(page.as_uri())
            with tempfile.TemporaryDirectory() as folder:
                shot = pathlib.Path(folder, "shot.png")
                browser.screenshot(shot)
                image = Image.open(shot)
                image.crop((0, 0, image.width, min(image.height, round(1.2 * width)))).save(shot)
                shrink(shot, TARGET / f"{name}.png", 600 if width > 500 else 300, 128)
    finally:
        browser.close()


def main():
    run = pathlib.Path(sys.argv[1]).resolve()
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, width, colours in CHARTS:
        shrink(run / name, TARGET / f"{pathlib.Path(name).stem}.png", width, colours)
    for name, width, colours in PHOTOS:
        crop_corner(run / name, TARGET / f"{pathlib.Path(name).stem}.png", 0.5, width, colours)
    crop_corner(run / "train_batch0.jpg", TARGET / "train_batch.png", 0.5, 400, 256)
    crop_corner(after_closing(run), TARGET / "train_batch_without_mosaic.png", 0.5, 400, 256)
    screenshots(run / "report.html")
    if len(sys.argv) > 2:
        for name, width, colours in MANY:
            shrink(pathlib.Path(sys.argv[2], name), TARGET / f"many-{pathlib.Path(name).stem}.png",
                   width, colours)
    total = sum(file.stat().st_size for file in TARGET.glob("*.png"))
    print(f"{total / 1024:.0f} KiB in {TARGET}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
