#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`yolo data convert` and `yolo data check` as a user types them.

usage: data_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import hashlib
import json
import shutil

import program

CATEGORIES = [{"id": 1, "name": "RBC"}, {"id": 18, "name": "globule – 血"}, {"id": 90, "name": "it's: #1"}]


def contents(folder):
    """Every file's checksum and time of change."""
    return {str(p.relative_to(folder)): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns)
            for p in folder.rglob("*") if p.is_file()}


class ConvertTest(program.ProgramTest):
    def convert(self, kind, source, *words, code=0, contains=(), dst="out"):
        return self.expect(code, "data", "convert", f"from={kind}", f"src={source}", f"dst={dst}", *words,
                           contains=contains)

    def coco(self, split, names, annotations, images=None):
        """COCO's own layout: <root>/<split>/ and <root>/annotations/instances_<split>.json."""
        root = self.dir / "coco"
        folder = self.pictures(len(names), f"coco/{split}")
        for i, name in enumerate(names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / f"p{i:04d}.jpg").rename(folder / name)
        images = images or [{"id": i + 1, "file_name": name, "width": 640, "height": 480, "license": 3,
                             "date_captured": "2013-11-14"} for i, name in enumerate(names)]
        (root / "annotations").mkdir(exist_ok=True)
        text = json.dumps({"info": {"year": 2017, "images": []}, "licenses": [{"id": 1, "name": "x"}],
                           "images": images, "annotations": annotations, "categories": CATEGORIES},
                          ensure_ascii=split == "train2017")
        (root / f"annotations/instances_{split}.json").write_text(text)
        return root

    def annotation(self, image, category, box, crowd=0, **more):
        x, y, w, h = box
        segmentation = {"counts": [5, 3, 2], "size": [480, 640]} if crowd else [[x, y, x + w, y, x + w, y + h]]
        return {"id": 1000 + image, "image_id": image, "category_id": category, "bbox": box, "area": w * h,
                "iscrowd": crowd, "segmentation": segmentation, **more}

    def test_coco(self):
        root = self.coco("train2017", ["a.jpg", "Zelle – 血.jpg", "empty.jpg"], [
            self.annotation(1, 18, [64, 48, 128, 96]), self.annotation(1, 1, [0, 0, 640, 480], crowd=1),
            self.annotation(2, 90, [600.5, 0, 80, 48]), self.annotation(2, 1, [10, 10, 0, 30]),
            self.annotation(99, 1, [1, 1, 5, 5])])
        self.coco("val2017", ["sub/c.jpg"], [self.annotation(1, 1, [320, 240, 64, 48])])
        (root / "annotations/captions_val2017.json").write_text('{"images": [], "annotations": []}')
        before = contents(root)
        output = self.convert("coco", root, contains=["train: 3 images", "val: 1 images", "3 boxes of 3 classes"])
        self.assertIn("2 boxes skipped", output)
        self.assertEqual(contents(root), before)
        out = self.dir / "out"
        self.assertEqual((out / "labels/train/a.txt").read_text(), "1 0.2 0.2 0.2 0.2\n")
        self.assertRegex((out / "labels/train/Zelle – 血.txt").read_text(), r"^2 0\.9691\d+ 0\.05 0\.0617\d+ 0\.1\n$")
        self.assertFalse((out / "labels/train/empty.txt").exists())
        self.assertEqual((out / "labels/val/sub/c.txt").read_text(), "0 0.55 0.55 0.1 0.1\n")
        # What comes out is a data set for this program, names included.
        output = self.expect(0, "data", "check", f"data={out}/data.yaml")
        for name in ("RBC", "globule – 血", "it's: #1"):
            self.assertIn(name, output)
        self.assertIn("0 corrupt", output)

    def test_coco_with_missing_and_hostile_images(self):
        root = self.coco("train2017", ["a.jpg"], [self.annotation(1, 1, [1, 1, 9, 9])], images=[
            {"id": i + 1, "file_name": name, "width": 640, "height": 480}
            for i, name in enumerate(["a.jpg", "gone.jpg", "../../../etc/passwd", "/etc/passwd"])])
        output = self.convert("coco", root, contains=["3 images missing", "gone.jpg"])
        self.assertIn("there is no val split", output)
        self.assertEqual([p.name for p in (self.dir / "out/images").rglob("*.*")], ["a.jpg"])

    def test_coco_as_annotation_tools_export_it(self):
        for split in ("train", "valid"):
            folder = self.pictures(2, f"rf/{split}")
            (folder / "_annotations.coco.json").write_text(json.dumps({
                "images": [{"id": i, "file_name": f"p{i:04d}.jpg", "width": 640, "height": 480} for i in range(2)],
                "annotations": [self.annotation(0, 1, [64, 48, 64, 48])], "categories": CATEGORIES[:1]}))
        self.convert("coco", self.dir / "rf", contains=["train: 2 images", "val: 2 images", "2 boxes"])

    VOC_OBJECT = ("<object><name>{name}</name><pose>Left</pose><truncated>1</truncated><difficult>{difficult}</difficult>"
                  "<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>")

    def voc(self):
        root = self.dir / "VOC2007"
        self.pictures(4, "VOC2007/JPEGImages")
        (root / "Annotations").mkdir()
        (root / "ImageSets/Main").mkdir(parents=True)
        box = self.VOC_OBJECT.format
        objects = [
            box(name="Katze – 猫", difficult=0, x1=1, y1=1, x2=65, y2=49) + box(name="dog", difficult=1, x1=5, y1=5, x2=9, y2=9),
            box(name="dog", difficult=0, x1=321.5, y1=241, x2=700, y2=481),
            box(name="dog", difficult=0, x1=50, y1=50, x2=50, y2=60),
            "",
            box(name="dog", difficult=0, x1=1, y1=1, x2=9, y2=9),
        ]
        for i, text in enumerate(objects):
            (root / f"Annotations/p{i:04d}.xml").write_text(
                f'<?xml version="1.0" encoding="UTF-8"?>\n<annotation><folder>VOC2007</folder><filename>p{i:04d}.jpg'
                f"</filename><size><width>640</width><height>480</height><depth>3</depth></size>{text}</annotation>")
        (root / "ImageSets/Main/train.txt").write_text("p0000\np0001\np0004\n")
        (root / "ImageSets/Main/val.txt").write_text("p0002\r\np0003\r\n")
        (root / "ImageSets/Main/dog_train.txt").write_text("p0000 -1\n")
        return root

    def test_voc(self):
        root = self.voc()
        before = contents(root)
        output = self.convert("voc", root, contains=["train: 2 images", "val: 2 images", "2 boxes of 2 classes",
                                                     "2 boxes skipped", "1 images missing", "p0004"])
        self.assertNotIn("there is no val split", output)
        self.assertEqual(contents(root), before)
        labels = self.dir / "out/labels"
        self.assertEqual((labels / "train/p0000.txt").read_text(), "0 0.05 0.05 0.1 0.1\n")
        self.assertRegex((labels / "train/p0001.txt").read_text(), r"^1 0\.750\d+ 0\.75 0\.499\d+ 0\.5\n$")
        self.assertFalse((labels / "val/p0002.txt").exists())
        self.assertIn("Katze – 猫", self.expect(0, "data", "check", "data=out/data.yaml"))

    def test_wrong_input(self):
        self.expect(2, "data", contains=["convert", "check"])
        self.expect(2, "data", "convert", contains=["from= is missing", "yolo data convert"])
        self.convert("yolo", self.dir, code=2, contains=["from=yolo", "coco and voc"])
        self.expect(2, "data", "convert", "from=coco", "source=x", contains=["'source=x'", "src"])
        self.convert("coco", "nowhere", code=2, contains=["src=nowhere: there is no such file"])
        self.convert("voc", "nowhere", code=2, contains=["src=nowhere"])
        (self.dir / "bad.json").write_text('{"images": [')
        self.convert("coco", "bad.json", code=3, contains=["bad.json"])
        (self.dir / "full").mkdir()
        (self.dir / "full/x").write_text("")
        self.convert("coco", self.coco("val2017", ["a.jpg"], []), code=2, contains=["not empty"], dst="full")
        (self.dir / "file").write_text("")
        self.convert("coco", self.dir / "coco", code=6, contains=["file/x"], dst="file/x")

    def test_words_may_stand_apart_and_the_command_can_be_pasted(self):
        root = self.coco("train2017", ["a.jpg"], [self.annotation(1, 1, [1, 1, 9, 9])])
        output = self.expect(0, "data", "convert", "from", "=", "coco", "src=", root, "dst", "=my set")
        self.assertIn("Train with: yolo train 'data=my set/data.yaml'", output)


class CheckTest(program.ProgramTest):
    def test_a_good_set(self):
        data = self.data_yaml()
        before = contents(data.parent)
        output = self.expect(0, "data", "check", f"data={data}")
        boxes = [line.split() for split in ("train", "val") for p in (data.parent / "labels" / split).glob("*.txt")
                 for line in p.read_text().splitlines()]
        train = sum(len(p.read_text().splitlines()) for p in (data.parent / "labels/train").glob("*.txt"))
        images = len(list((data.parent / "images/train").iterdir()))
        self.assertIn(f"train: {images} images, 0 backgrounds, 0 corrupt; {train} boxes, {train / images:.1f} an image",
                      output)
        rows = [line.split() for line in output.splitlines()]
        for class_id, name in enumerate(("RBC", "WBC", "Platelets")):
            self.assertEqual(sum(int(row[2]) for row in rows if row[:1] == [name]),
                             sum(box[0] == str(class_id) for box in boxes))
        self.assertIn(f"to 640: {images}", output)
        self.assertIn("duplicates: 0 images", output)
        self.assertEqual(contents(data.parent), before)

    def broken_set(self):
        data = self.data_yaml()
        root = data.parent
        train = sorted((root / "images/train").iterdir())
        label = lambda image: root / "labels/train" / f"{image.stem}.txt"
        whole = train[0].read_bytes()
        train[0].write_bytes(whole[: len(whole) // 2])  # Cut: corrupt.
        train[1].write_bytes(train[1].read_bytes()[:-2])  # Only its end marker is missing: usable.
        train[2].write_bytes(b"no picture")
        shutil.copy(train[3], root / "images/train/zz_twin.jpg")
        shutil.copy(train[4], root / "images/val/zz_leak.jpg")
        label(train[5]).write_text("0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.01 0.01\n")  # A doubled line.
        label(train[6]).write_text("7 0.5 0.5 0.2 0.2\n")  # No such class.
        label(train[7]).write_text("0 1.5 0.5 0.2 0.2\n")  # Outside.
        label(train[8]).write_text("0 nonsense\n")
        label(train[9]).unlink()
        return data, train

    def test_a_broken_set_and_its_mended_copy(self):
        data, train = self.broken_set()
        root = data.parent
        before = contents(root)
        output = self.expect(0, "data", "check", f"data={data}", "--fix", "dst=mended")
        self.assertEqual(contents(root), before)
        self.assertIn(f"train: {len(train) + 1} images, 2 backgrounds, 5 corrupt", output)
        for i in (0, 2, 6, 7, 8):
            self.assertRegex(output, rf"WARNING .*{train[i].stem}")
        self.assertIn("2 images have the bytes of another; 1 of them in another split", output)
        self.assertIn("zz_leak.jpg (val) is", output)
        self.assertIn("1 duplicate line ignored", output)
        self.assertIn("1 JPEGs got the end marker", output)
        mended = self.dir / "mended"
        kept = {p.name for p in (mended / "images/train").iterdir()}
        self.assertEqual(kept, {p.name for i, p in enumerate(train) if i not in (0, 2, 6, 7, 8)})
        self.assertFalse((mended / "images/val/zz_leak.jpg").exists())
        self.assertEqual((mended / "images/train" / train[1].name).read_bytes(), train[1].read_bytes() + b"\xff\xd9")
        self.assertEqual((mended / f"labels/train/{train[5].stem}.txt").read_text(),
                         "0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.01 0.01\n")
        output = self.expect(0, "data", "check", "data=mended/data.yaml", contains=["duplicates: 0 images"])
        self.assertNotIn("WARNING", output)

    def test_the_mended_copy_has_a_name_of_its_own(self):
        data, _ = self.broken_set()
        self.expect(0, "data", "check", f"data={data}", "--fix", contains=["data-mended"])
        self.assertTrue((self.dir / "data-mended/data.yaml").exists())
        # Never over what is there, the data themselves least of all.
        self.expect(2, "data", "check", f"data={data}", "--fix", contains=["not empty"])
        self.expect(2, "data", "check", f"data={data}", "--fix", f"dst={data.parent}", contains=["not empty"])

    def test_what_a_training_refuses_is_refused(self):
        data = self.data_yaml()
        self.expect(0, "data", "check", "data", "=", data)
        images = sorted((data.parent / "images/train").iterdir())
        for image in images[:2]:
            image.write_bytes(b"no picture")
        for split in ("train", "val"):
            shutil.rmtree(data.parent / "labels" / split)
        before = contents(data.parent)
        refusal = f"train: none of the {len(images) - 2} images has a label file"
        output = self.expect(3, "data", "check", f"data={data}", contains=[refusal, "2 corrupt"])
        self.assertEqual(contents(data.parent), before)
        said = output[output.index(refusal):]
        self.assertIn(said, self.expect(3, "train", f"data={data}", "model=yolo11n.yaml", "imgsz=64"))

    def test_a_set_without_labels_to_validate_on_is_warned_of(self):
        data = self.data_yaml()
        shutil.rmtree(data.parent / "labels/val")
        self.expect(0, "data", "check", f"data={data}", contains=["WARNING val: no label file holds any box"])

    def test_no_split_stands_in_for_val(self):
        data = self.data_yaml()
        text = data.read_text()
        data.write_text(text.replace("val:", "valid:") + "test: images/val\n")
        line = next(i for i, row in enumerate(data.read_text().splitlines(), 1) if row.startswith("valid:"))
        says = ["there is no `val:`", f"line {line} has `valid:`, is `val:` meant?", "`test:` does not stand in"]
        before = contents(data.parent)
        train = ["train", f"data={data}", "model=yolo11n.yaml", "imgsz=64", "epochs=1", "fraction=8", "plots=False"]
        output = self.expect(2, *train, contains=says)
        self.assertNotIn("parameters", output)  # No model was built.
        self.assertFalse((self.dir / "runs/detect/train").exists())
        self.expect(2, "memory", "plan", *train[1:], contains=says)
        output = self.expect(2, "data", "check", f"data={data}", contains=says)
        self.assertIn("test", output)  # After the report.
        self.assertEqual(contents(data.parent), before)
        val = ["val", f"model={self.trained_weights()}", f"data={data}", "imgsz=64", "plots=False"]
        self.expect(2, *val, contains=says)
        self.expect(0, *val, "split=test")
        data.write_text(text)
        self.expect(2, *val, "split=test", contains=["there is no `test:`; add it"])

    def test_wrong_input(self):
        self.expect(2, "data", "check", contains=["data= is missing"])
        self.expect(2, "data", "check", "data=nowhere.yaml", contains=["nowhere.yaml"])
        self.expect(2, "data", "check", "data=x.yaml", "mend=True", contains=["'mend=True'"])


if __name__ == "__main__":
    program.main()
