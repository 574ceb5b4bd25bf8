# SPDX-License-Identifier: Apache-2.0
"""Data sets by name, made in a folder of their own from the sample's photographs (640x480) and from
pictures that are hard to decode. Every picture has a label."""

import os
import pathlib
import shutil

import pictures

NAMES = "names: [RBC, WBC, Platelets]\n"
BOX = "0 0.5 0.5 0.3 0.3\n"


class DataSet:
    """Being made: folders, labels, the YAML file."""

    def __init__(self, folder, sample):
        self.folder = pathlib.Path(folder)
        self._sample = pathlib.Path(sample)
        for kind in ("images", "labels"):
            for split in ("train", "val"):
                (self.folder / kind / split).mkdir(parents=True)
        self.yaml("train: images/train\nval: images/val\n" + NAMES)

    def yaml(self, text):
        (self.folder / "data.yaml").write_text(text)

    def photographs(self, split, count):
        """Copies of the sample's; where there are too few, links to them under other names."""
        names = sorted((self._sample / "images" / split).iterdir())
        for i in range(count):
            for kind, suffix in (("images", ".jpg"), ("labels", ".txt")):
                folder = self.folder / kind / split
                path = folder / f"photo{i:04d}{suffix}"
                if i < len(names):
                    source = names[i].stem + suffix
                    shutil.copy(self._sample / kind / split / source, path)
                else:
                    os.link(folder / f"photo{i % len(names):04d}{suffix}", path)

    def picture(self, split, name, write, *args, **more):
        """One that write(path, ...) makes, with a box in its middle."""
        write(str(self.folder / "images" / split / name), *args, **more)
        self.label(split, name).write_text(BOX)

    def label(self, split, name):
        return self.folder / "labels" / split / (os.path.splitext(name)[0] + ".txt")

    def labels(self):
        return sorted((self.folder / "labels").glob("*/*.txt"))


def photographs(data, train=16, val=4):
    data.photographs("train", train)
    data.photographs("val", val)


# One picture of each kind among photographs: its file and how it is written, without the size.
KINDS = {
    "png": ("png", pictures.write_png, {}),
    "png16": ("png", pictures.write_png, {"depth": 16}),
    "rgba": ("png", pictures.write_png, {"channels": 4}),
    "rgba16": ("png", pictures.write_png, {"channels": 4, "depth": 16}),
    "grey_png": ("png", pictures.write_png, {"channels": 1}),
    "interlaced": ("png", pictures.write_png, {"interlaced": True}),
    "jpeg": ("jpg", pictures.write_jpeg, {}),
    "grey_jpeg": ("jpg", pictures.write_jpeg, {"components": 1}),
    "progressive": ("jpg", pictures.write_jpeg, {"progressive": True}),
    "cmyk": ("jpg", pictures.write_jpeg, {"components": 4}),
    "progressive_cmyk": ("jpg", pictures.write_jpeg, {"components": 4, "progressive": True}),
    "turned": ("jpg", pictures.write_jpeg, {"orientation": 6}),
    "webp": ("webp", pictures.write_webp, {}),
    "bmp": ("bmp", pictures.write_bmp, {}),
    "bmp32": ("bmp", pictures.write_bmp, {"channels": 4}),
    "tiff": ("tif", pictures.write_tiff, {}),
    "tiff16": ("tif", pictures.write_tiff, {"depth": 16}),
}


def write_kind(path, kind, width, height):
    """The kind's bytes, whatever the path's suffix."""
    _, write, more = KINDS[kind]
    write(str(path), width, height, **more)


def add(data, kind, width, height, split="train", name="large"):
    suffix, write, more = KINDS[kind]
    data.picture(split, f"{name}.{suffix}", write, width, height, **more)


def one(kind, width, height, split="train", name="large"):
    """Photographs and one such picture."""
    def make(data):
        photographs(data)
        add(data, kind, width, height, split, name)
    return make


def many(kind, count, width, height):
    def make(data):
        data.photographs("val", 4)
        for i in range(count):
            add(data, kind, width, height, name=f"large{i:02d}")
    return make


def every_kind(width, height):
    """One picture of each, in both splits."""
    def make(data):
        photographs(data, 8, 4)
        for kind in KINDS:
            add(data, kind, width, height, name=kind)
            add(data, kind, width, height, "val", kind)
    return make


def classes(count):
    """The same boxes under so many class names."""
    def make(data):
        photographs(data)
        data.yaml("train: images/train\nval: images/val\n"
                  f"names: [{', '.join(f'c{i}' for i in range(count))}]\n")
        number = 0
        for label in data.labels():
            rows = [row.split(" ", 1) for row in label.read_text().splitlines()]
            label.write_text("".join(f"{(number + i) % count} {rest}\n"
                                     for i, (_, rest) in enumerate(rows)))
            number += len(rows)
    return make


def crowded(boxes=5000):
    """One image of each split with so many small objects."""
    def make(data):
        photographs(data)
        for split in ("train", "val"):
            data.label(split, "photo0000.jpg").write_text("".join(
                f"{i % 3} {(i % 100 + 0.5) / 100:.4f} {(i // 100 + 0.5) / 50:.4f} 0.008 0.016\n"
                for i in range(boxes)))
    return make


def splits(lines, test=True):
    """A YAML file with such lines for its splits."""
    def make(data):
        photographs(data)
        if test:
            for kind in ("images", "labels"):
                shutil.copytree(data.folder / kind / "val", data.folder / kind / "test")
        data.yaml(lines + NAMES)
    return make


DATA = {
    "few": photographs,
    "forty": lambda data: photographs(data, 40, 12),
    # More than the mosaic pool keeps: every epoch reads most files again.
    "hundred": lambda data: photographs(data, 100, 12),
    "many": lambda data: photographs(data, 2000, 40),
    "classes95": classes(95),
    "crowded": crowded(),
    "every_kind_2mp": every_kind(1600, 1200),
    "every_kind_12mp": every_kind(4000, 3000),
    "png_200mp": one("png", 20000, 10000),
    "png_200mp_val": one("png", 20000, 10000, "val"),
    "png16_100mp": one("png16", 12500, 8000),
    "rgba_100mp": one("rgba", 12500, 8000),
    "interlaced_100mp": one("interlaced", 12500, 8000),
    "webp_200mp": one("webp", 16000, 12500),
    "cmyk_100mp": one("cmyk", 12500, 8000),
    "progressive_100mp": one("progressive", 12500, 8000),
    "turned_100mp": one("turned", 12500, 8000),
    "bmp_100mp": one("bmp", 12500, 8000),
    "tiff16_100mp": one("tiff16", 12500, 8000),
    "twelve_png_24mp": many("png", 12, 6000, 4000),
    "bmp_100mp_first": one("bmp", 12500, 8000, name="a_large"),
    # Some MB that ask for tens of GB.
    "jpeg_bomb": one("progressive", 65500, 65500),
    "png_bomb": one("png", 60000, 60000),
    "test_but_no_val": splits("train: images/train\ntest: images/test\n"),
    "valid_for_val": splits("train: images/train\nvalid: images/val\ntest: images/test\n"),
    "no_val_at_all": splits("train: images/train\n", test=False),
}


def make(name, folder, sample):
    data = DataSet(folder, sample)
    DATA[name](data)
    return data
