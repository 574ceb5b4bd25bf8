#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`yolo predict` as a user types it: sources, what it writes, wrong input, bounded memory.

usage: predict_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import os
import re

import motion_jpeg
import program


def rows(path):
    """Label lines as lists of numbers."""
    return [[float(word) for word in line.split()] for line in path.read_text().splitlines()]


class PredictTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.trained_weights()
        self.run_folder = self.dir / "runs/detect/run"

    def predict(self, source, *words, code=0, contains=(), name="run", model=None):
        return self.expect(code, "predict", f"model={model or self.model}", f"source={source}", f"name={name}",
                           *words, contains=contains)

    def labels(self, name="run"):
        return {path.stem: rows(path) for path in (self.dir / "runs/detect" / name / "labels").glob("*.txt")}

    # --- Sources

    def test_one_picture(self):
        picture = next(self.pictures(1).iterdir())
        output = self.predict(picture, contains=["images/s", f"Results saved to {self.run_folder}\n"])
        # imgsz=320 is remembered from the weights; 640x480 is padded to a rectangle.
        self.assertRegex(output, r"image 1/1 \S+p0000\.jpg: 256x320 \d+ RBCs, .*\d+\.\d+ms")
        self.assertEqual((self.run_folder / "p0000.jpg").read_bytes()[:2], b"\xff\xd8")

    def test_a_folder_is_taken_in_order_and_without_its_subfolders(self):
        folder = self.pictures(3)
        self.pictures(1, "pictures/below", start=7)
        (folder / "notes.txt").write_text("no picture\n")
        output = self.predict(folder, "save=False")
        self.assertEqual(re.findall(r"image (\d)/3 \S+/(p\d+)\.jpg", output),
                         [("1", "p0000"), ("2", "p0001"), ("3", "p0002")])
        self.assertNotIn("Results saved", output)
        self.assertFalse((self.dir / "runs").exists())

    def test_patterns_and_lists(self):
        folder = self.pictures(4)
        self.assertIn("image 2/2", self.predict(f"{folder}/*[13].jpg", name="a"))
        (folder / "list.txt").write_text("\ufeffp0002.jpg\n\n./p0000.jpg\r\n" + f"{folder}/p0001.jpg\n")
        output = self.predict(folder / "list.txt", name="b")
        self.assertEqual(re.findall(r"image \d/3 \S+/(p\d+)\.jpg", output), ["p0002", "p0000", "p0001"])
        (folder / "list.csv").write_text('"p0003.jpg",cells\n')
        self.assertIn("image 1/1", self.predict(folder / "list.csv", name="c"))

    def test_names_that_are_not_ascii(self):
        folder = self.pictures(1)
        (folder / "p0000.jpg").rename(folder / "Blut zelle – 血.jpg")
        self.predict(folder, "save_txt=True", contains=["血.jpg"])
        self.assertIn("Blut zelle – 血", self.labels())
        self.assertTrue((self.run_folder / "Blut zelle – 血.jpg").exists())

    def video(self, frames, path="v.avi"):
        folder = self.pictures(min(frames, 40), "frames")
        jpegs = [p.read_bytes() for p in sorted(folder.iterdir())]
        motion_jpeg.write_video(self.dir / path, [jpegs[i % len(jpegs)] for i in range(frames)], 640, 480, 10)
        return self.dir / path

    def test_a_video(self):
        video = self.video(7)
        output = self.predict(video, "save_txt=True", "save_frames=True", "vid_stride=2")
        # The frames that are taken are counted, not the video's.
        self.assertEqual(re.findall(r"video 1/1 \(frame (\d/\d)\)", output), ["1/3", "2/3", "3/3"])
        self.assertEqual(sorted(self.labels()), ["v_1", "v_2", "v_3"])
        self.assertEqual(sorted(p.name for p in (self.run_folder / "v_frames").iterdir()),
                         ["v_1.jpg", "v_2.jpg", "v_3.jpg"])
        written = (self.run_folder / "v.avi").read_bytes()
        self.assertEqual(written[:4], b"RIFF")
        # What was written is a video again.
        self.assertIn("(frame 3/3)", self.predict(self.run_folder / "v.avi", name="again"))

    def test_a_video_beside_pictures(self):
        folder = self.pictures(2)
        self.video(3, "pictures/a.avi")
        output = self.predict(folder)
        self.assertIn("image 2/3", output)
        self.assertIn("video 3/3 (frame 3/3)", output)

    # --- What is found and written

    def test_save_txt_overwrites(self):
        folder = self.pictures(2)
        self.predict(folder, "save_txt=True", contains=[f"2 labels saved to {self.run_folder}/labels"])
        first = self.labels()
        self.assertGreater(len(first["p0000"]), 5)
        self.predict(folder, "save_txt=True", "exist_ok=True")
        self.assertEqual(self.labels(), first)
        # Nothing found: the file of the earlier run goes.
        self.predict(folder, "save_txt=True", "exist_ok=True", "conf=0.999", contains=["(no detections)"])
        self.assertEqual(self.labels(), {})

    def test_a_second_run_gets_a_folder_of_its_own(self):
        folder = self.pictures(1)
        self.predict(folder)
        self.predict(folder, contains=[f"Results saved to {self.run_folder}-2\n"])

    def test_names_that_meet_lose_nothing(self):
        folder = self.pictures(3)
        for old, new in {"p0000.jpg": "x-2.jpg", "p0001.jpg": "x.jpeg", "p0002.jpg": "x.jpg"}.items():
            (folder / old).rename(folder / new)
        output = self.predict(folder, "save_txt=True", "save_crop=True", "max_det=2")
        self.assertEqual(sorted(self.labels()), ["x", "x-2", "x-3"])
        self.assertEqual(sorted(p.name for p in self.run_folder.glob("*.jpg")), ["x-2.jpg", "x-3.jpg", "x.jpg"])
        self.assertIn(f"3 labels saved to {self.run_folder}/labels\n", output)
        self.assertEqual(len(list((self.run_folder / "crops").rglob("*.jpg"))), 6)

    def test_labels_are_counted_as_they_lie_there(self):
        folder = self.pictures(2)
        self.predict(folder, "save_txt=True")
        other = self.pictures(1, "other", start=5)
        self.predict(other, "save_txt=True", "exist_ok=True", contains=["3 labels saved to"])
        self.assertNotIn("labels saved", self.predict(other, "exist_ok=True"))

    def test_confidences_and_crops(self):
        folder = self.pictures(2)
        self.predict(folder, "save_txt=True", "save_conf=True", "save_crop=True", "save=False")
        found = self.labels()
        crops = sorted(p.relative_to(self.run_folder / "crops") for p in (self.run_folder / "crops").rglob("*.jpg"))
        self.assertEqual(len(crops), sum(map(len, found.values())))
        self.assertTrue({str(p.parent) for p in crops} <= {"RBC", "WBC", "Platelets"})
        names = {path.name for path in crops if path.parent.name == "RBC"}
        self.assertTrue({"p0000.jpg", "p0000-2.jpg", "p0001.jpg"} <= names, names)
        for row in found["p0000"]:
            self.assertEqual(len(row), 6)
            self.assertTrue(0.25 <= row[5] <= 1, row)
            self.assertTrue(all(0 <= value <= 1 for value in row[1:5]), row)
        self.assertFalse(list(self.run_folder.glob("*.jpg")))

    def test_what_counts_as_a_detection(self):
        folder = self.pictures(3)
        for name, words in {"all": [], "one": ["classes=1"], "two": ["classes=[0,2]"], "few": ["max_det=3"],
                            "sure": ["conf=0.8"], "apart": ["iou=0.05"], "agnostic": ["agnostic_nms=True"]}.items():
            self.predict(folder, "save=False", "save_txt=True", "save_conf=True", *words, name=name)
        count = {name: sum(map(len, self.labels(name).values()))
                 for name in ("all", "one", "two", "few", "sure", "apart", "agnostic")}
        classes = lambda name: {row[0] for found in self.labels(name).values() for row in found}
        self.assertEqual(classes("all"), {0, 1, 2})
        self.assertEqual(classes("one"), {1})
        self.assertEqual(classes("two"), {0, 2})
        self.assertEqual(count["one"] + count["two"], count["all"])
        self.assertEqual({len(found) for found in self.labels("few").values()}, {3})
        self.assertEqual(count["sure"], sum(row[5] > 0.8 for found in self.labels("all").values() for row in found))
        self.assertLess(count["apart"], count["all"])
        self.assertLessEqual(count["agnostic"], count["all"])

    def test_batches_change_nothing(self):
        folder = self.pictures(5)
        self.predict(folder, "save=False", "save_txt=True", name="one")
        self.predict(folder, "save=False", "save_txt=True", "batch=3", name="three")
        one, three = self.labels("one"), self.labels("three")
        self.assertEqual(one.keys(), three.keys())
        for stem in one:
            self.assertEqual(len(one[stem]), len(three[stem]))

    def test_every_format_finds_the_same(self):
        folder = self.pictures(3)
        found = {}
        for suffix in ("onnx", "torchscript"):
            self.expect(0, "export", f"model={self.model}", f"format={suffix}")
            self.predict(folder, "save=False", "save_txt=True", "save_conf=True", name=suffix,
                         model=self.model.with_suffix(f".{suffix}"))
            found[suffix] = self.labels(suffix)
        self.assertEqual(found["onnx"].keys(), found["torchscript"].keys())
        for stem, expected in found["torchscript"].items():
            self.assertEqual(len(found["onnx"][stem]), len(expected))
            for a, b in zip(found["onnx"][stem], expected):
                self.assertTrue(all(abs(x - y) < 1e-3 for x, y in zip(a, b)), (a, b))

    # --- Wrong input

    def test_models_that_are_not_there_or_are_no_models(self):
        picture = next(self.pictures(1).iterdir())
        self.predict(picture, model="nowhere.pt", code=2, contains=["nowhere.pt", "weights"])
        self.predict(picture, model="nowhere.onnx", code=3, contains=["nowhere.onnx"])
        self.predict(picture, model="nowhere.torchscript", code=3, contains=["nowhere.torchscript"])
        for suffix in ("pt", "onnx", "torchscript"):
            (self.dir / f"bad.{suffix}").write_bytes(b"no model at all")
            self.predict(picture, model=f"bad.{suffix}", code=3, contains=[f"bad.{suffix}"])
        self.assertFalse((self.dir / "runs").exists())

    def test_sources_that_are_none(self):
        for source, text in {"0": "cameras", "rtsp://camera/1": "addresses are not opened",
                             "https://example.org/a.jpg": "addresses are not opened", "screen": "screen",
                             "nowhere": "no file or folder", "nowhere/*.jpg": "no image",
                             str(self.model): "no image"}.items():
            self.predict(source, code=2, contains=[text, "source="])
        (self.dir / "empty").mkdir()
        self.predict("empty", code=2, contains=["no image"])
        self.expect(2, "predict", f"model={self.model}", contains=["source= is missing"])

    def test_broken_pictures_are_named_and_passed_over(self):
        folder = self.pictures(3)
        (folder / "p0001.jpg").write_bytes((folder / "p0001.jpg").read_bytes()[:4000])
        (folder / "text.png").write_text("no picture\n")
        (folder / "empty.jpg").write_bytes(b"")
        output = self.predict(folder, "save_txt=True")
        for name in ("p0001.jpg", "text.png", "empty.jpg"):
            self.assertRegex(output, rf"{re.escape(name)} is passed over: \S+")
        self.assertEqual(sorted(self.labels()), ["p0000", "p0002"])
        for path in ("p0000.jpg", "p0002.jpg"):
            (folder / path).unlink()
        self.predict(folder, code=3, contains=["nothing in source= could be read"], name="none")

    def test_a_broken_video_is_named_and_passed_over(self):
        folder = self.pictures(1)
        (folder / "v.mp4").write_bytes(b"no video" * 100)
        self.assertIn("v.mp4", self.predict(folder))

    def test_output_that_cannot_be_written(self):
        folder = self.pictures(1)
        (self.dir / "file").write_text("")
        self.predict(folder, f"project={self.dir}/file/x", code=6, contains=["file/x"])

    @program.unittest.skipIf(os.geteuid() != 0, "a small file system is mounted as root")
    def test_a_full_disk(self):
        small = self.dir / "small"
        small.mkdir()
        if program.subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(small)]).returncode:
            self.skipTest("tmpfs cannot be mounted here")
        try:
            self.predict(self.pictures(3), f"project={small}", code=6, contains=["small/run/p0000.jpg"])
        finally:
            program.subprocess.run(["umount", str(small)], check=False)

    def test_classes_that_the_model_does_not_have(self):
        folder = self.pictures(1)
        output = self.predict(folder, "classes=[1,9]", contains=["no class 9; it has 0 RBC, 1 WBC, 2 Platelets"])
        self.assertRegex(output, r"p0000\.jpg: 256x320 \d+ WBC")
        self.assertNotIn("no class", self.predict(folder, "classes=2"))

    def test_a_device_that_is_not_there(self):
        folder = self.pictures(1)
        self.expect(0, "export", f"model={self.model}", "format=onnx", "imgsz=64")
        for model in (self.model, self.model.with_suffix(".onnx")):
            self.predict(folder, "device=mps", model=model, code=2, contains=["device=mps is not there"])

    def test_options_out_of_range(self):
        folder = self.pictures(1)
        self.predict(folder, "conf=2", code=2, contains=["conf=2"])
        self.predict(folder, "max_det=0", code=2, contains=["max_det"])
        self.predict(folder, "classes=x", code=2, contains=["classes"])
        self.predict(folder, "imgsz=0", code=2, contains=["imgsz"])

    # --- Memory

    def peak(self, source, *words, model=None):
        outcome = self.run_yolo("predict", f"model={model or self.model}", f"source={source}", "exist_ok=True",
                                "verbose=False", *words)
        self.assertEqual(outcome.code, 0, outcome.output)
        return outcome.peak

    def test_memory_does_not_grow_with_the_folder(self):
        few = self.pictures(50, "few")
        many = self.pictures(500, "many")
        words = ["imgsz=64", "save_txt=True"]
        self.assertLess(self.peak(many, *words), self.peak(few, *words) + (6 << 20))

    def test_memory_does_not_grow_with_the_video(self):
        short = self.peak(self.video(30, "short.avi"), "imgsz=64")
        self.assertLess(self.peak(self.video(300, "long.avi"), "imgsz=64"), short + (6 << 20))

    def test_a_budget_that_is_too_small(self):
        folder = self.pictures(2)
        for suffix in ("onnx", "torchscript"):
            self.expect(0, "export", f"model={self.model}", f"format={suffix}", "imgsz=640")
        for model in (self.model, *(self.model.with_suffix(s) for s in (".onnx", ".torchscript"))):
            output = self.predict(folder, "memory=150M", "imgsz=640", model=model, code=4)
            self.assertIn("memory=150M", output)


if __name__ == "__main__":
    program.main()
