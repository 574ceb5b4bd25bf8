#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`yolo export`, and `yolo val` of what was exported, as a user types them.

usage: export_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import re
import shlex
import shutil
import signal
import struct
import subprocess
import time

import coco_ap
import program
import safetensors_file


class ExportTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.trained_weights()

    def export(self, *words, code=0, contains=(), model=None):
        return self.expect(code, "export", f"model={model or self.model}", *words, contains=contains)

    def metrics(self, *words, code=0):
        """P, R, mAP50 and mAP50-95 of `yolo val`, and all of its output."""
        output = self.expect(code, "val", *words)
        row = re.search(r"^\s+all\s+\d+\s+\d+\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$", output, re.MULTILINE)
        self.assertTrue(row, output)
        return [float(value) for value in row.groups()], output

    # --- Export

    def test_onnx_lies_beside_the_weights_and_says_what_it_is(self):
        output = self.export("format=onnx", contains=["Export complete", "yolo predict model=", "yolo val model="])
        self.assertIn("imgsz=320", output)
        content = self.model.with_suffix(".onnx").read_bytes()
        for text in (b"images", b"output0", b"stride", b"{0: 'RBC', 1: 'WBC', 2: 'Platelets'}", b"[320, 320]"):
            self.assertIn(text, content)

    def test_torchscript_is_the_default(self):
        self.export()
        content = self.model.with_suffix(".torchscript").read_bytes()
        self.assertEqual(content[:4], b"PK\3\4")
        self.assertIn(b"config.txt", content)

    def test_a_second_export_replaces_the_first(self):
        self.export("format=onnx", "imgsz=160")
        self.export("format=onnx", "imgsz=[160,256]")
        self.assertIn(b"[160, 256]", self.model.with_suffix(".onnx").read_bytes())
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["best.onnx", "best.pt"])

    def test_accepted_arguments(self):
        for words in (["simplify=False"], ["opset=18"], ["batch=2", "imgsz=64"], ["dynamic=True"], ["quantize=16"],
                      ["nms=True", "conf=0.3", "iou=0.5", "max_det=50"]):
            for kind in ("onnx", "torchscript"):
                self.export(f"format={kind}", *words)
        full = self.export_size("format=onnx")
        half = self.export_size("format=onnx", "half=True")
        self.assertLess(half, 0.6 * full)

    def test_printed_commands_work(self):
        for words in (["imgsz=64"], ["imgsz=64", "opset=20"], ["imgsz=64,96"], ["imgsz=64", "nms=True"],
                      ["imgsz=64", "dynamic=True"], ["imgsz=64", "quantize=16"],
                      ["format=torchscript", "imgsz=64,96", "dynamic=True", "nms=True"]):
            with self.subTest(words):
                kind = [] if words[0].startswith("format") else ["format=onnx"]
                output = self.export(*kind, *words)
                if "other runtimes (ONNX Runtime)" in output:
                    self.assertNotIn("yolo predict", output)
                    output = self.run_printed(output, r"A file that they run: yolo (export .*)")
                self.run_printed(output, r"Predict:  yolo (predict .*)")
                if "takes square pictures" in output:
                    output = self.run_printed(output, r"a file for it: yolo (export .*)")
                self.run_printed(output, r"Validate: yolo (val .*)")

    def run_printed(self, output, pattern):
        """Runs a command out of another's output."""
        found = re.search(pattern, output)
        self.assertTrue(found, output)
        words = shlex.split(found[1])
        return self.expect(0, *(w.replace("source=...", f"source={self.one_picture()}")
                                .replace("data=...", f"data={self.small_data()}") for w in words))

    def one_picture(self):
        return next(self.pictures(1).iterdir())

    def small_data(self):
        """Two of the sample's pictures."""
        root = self.dir / "small"
        if not root.exists():
            for kind in ("images", "labels"):
                (root / kind).mkdir(parents=True)
                for path in sorted((self.sample / kind / "val").iterdir())[:2]:
                    shutil.copy(path, root / kind)
            (root / "data.yaml").write_text("train: images\nval: images\nnames: [RBC, WBC, Platelets]\n")
        return root / "data.yaml"

    def test_what_cannot_run_here_says_so(self):
        for words, reason in ((["nms=True"], "NonMaxSuppression"), (["dynamic=True"], "dynamic=True"),
                              (["quantize=16"], "fp16")):
            output = self.export("format=onnx", "imgsz=64", *words, contains=["ONNX Runtime", reason])
            self.assertIn(f"format=torchscript imgsz=64 {words[0]}", output)

    def test_a_path_with_blanks_is_printed_as_one_word(self):
        spaced = self.dir / "my models/it's.pt"
        spaced.parent.mkdir()
        shutil.copy(self.model, spaced)
        output = self.export("format=torchscript", "imgsz=64", model=spaced)
        self.run_printed(output, r"Predict:  yolo (predict .*)")

    def test_a_device_that_is_not_there(self):
        self.export("format=onnx", "device=mps", code=2, contains=["device=mps is not there"])
        self.assertFalse(self.model.with_suffix(".onnx").exists())

    def export_size(self, *words):
        output = self.export(*words)
        if "half=True" in words:
            self.assertIn("quantize=16", output)  # Its name today.
        return self.model.with_suffix(".onnx").stat().st_size

    def test_what_cannot_be_exported(self):
        self.export("format=engine", code=2, contains=["format=engine", "onnx", "torchscript"])
        self.export("format=onnx", "opset=9", code=2, contains=["opset=9", "12", "20"])
        self.export("format=onnx", "quantize=8", code=2, contains=["quantize=8", "quantize=16"])
        self.export("format=onnx", model="nowhere.pt", code=2, contains=["nowhere.pt"])
        self.export("format=onnx", model="yolo11n.yaml", code=2, contains=["no weights"])
        self.export("format=onnx", "imgsz=64")
        self.export("format=torchscript", model=self.model.with_suffix(".onnx"), code=2, contains=[".pt"])
        (self.dir / "cut.pt").write_bytes(self.model.read_bytes()[:100000])
        self.export("format=onnx", model="cut.pt", code=3, contains=["cut.pt"])
        self.assertFalse((self.dir / "cut.onnx").exists())

    def test_a_place_that_cannot_be_written(self):
        (self.dir / "best.onnx").mkdir()
        self.export("format=onnx", code=6, contains=["best.onnx"])
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["best.onnx", "best.pt"])

    def test_a_budget_that_is_too_small(self):
        for kind in ("onnx", "torchscript"):
            output = self.export(f"format={kind}", "memory=70M", code=4)
            self.assertIn("memory=70M", output)
            self.assertFalse(self.model.with_suffix(f".{kind}").exists())

    # --- Val

    def test_val_of_every_format(self):
        data = self.data_yaml()
        by_weights, _ = self.metrics(f"model={self.model}", f"data={data}", "rect=False")
        self.assertGreater(by_weights[2], 0.7)
        for kind in ("onnx", "torchscript"):
            self.export(f"format={kind}")
            found, output = self.metrics(f"model={self.model.with_suffix('.' + kind)}", f"data={data}")
            for a, b in zip(found, by_weights):
                self.assertAlmostEqual(a, b, delta=0.002)
            self.assertIn("RBC", output)

    def test_dynamic_and_batched_files_give_the_same(self):
        data = self.data_yaml()
        torchscript = self.model.with_suffix(".torchscript")
        self.export("format=torchscript", "batch=3")
        three, _ = self.metrics(f"model={torchscript}", f"data={data}")
        self.export("format=torchscript", "dynamic=True")
        free, _ = self.metrics(f"model={torchscript}", f"data={data}", "imgsz=320")
        free_square, _ = self.metrics(f"model={torchscript}", f"data={data}", "imgsz=320", "rect=False", "batch=3")
        by_weights, _ = self.metrics(f"model={self.model}", f"data={data}", "imgsz=320")
        square, _ = self.metrics(f"model={self.model}", f"data={data}", "rect=False")
        for a, b in zip(three + free + free_square, square + by_weights + square):
            self.assertAlmostEqual(a, b, delta=0.002)

    def test_save_json_has_the_average_precision_that_val_prints(self):
        data = self.data_yaml()
        self.export("format=onnx")
        for name, model in (("own", self.model), ("onnx", self.model.with_suffix(".onnx"))):
            found, _ = self.metrics(f"model={model}", f"data={data}", "save_json=True", f"name={name}")
            predictions = json.loads((self.dir / "runs/detect" / name / "predictions.json").read_text())
            self.assertEqual({"image_id", "file_name", "category_id", "bbox", "score"}, set(predictions[0]))
            self.assertEqual({p["category_id"] for p in predictions}, {1, 2, 3})
            truth = coco_ap.read_labels(data.parent / "images/val", data.parent / "labels/val", (640, 480))
            # Other canvas, other interpolation: the figures are near, not equal.
            self.assertAlmostEqual(coco_ap.mean_average_precision(predictions, truth, [0.5]), found[2], delta=0.015)
            everywhere = [0.5 + 0.05 * i for i in range(10)]
            self.assertAlmostEqual(coco_ap.mean_average_precision(predictions, truth, everywhere), found[3],
                                   delta=0.015)

    def test_save_txt(self):
        data = self.data_yaml()
        (data.parent / "images/val/deep").mkdir()
        (data.parent / "labels/val/deep").mkdir()
        name = min((data.parent / "images/val").glob("*.jpg")).stem
        for kind, suffix in (("images", "jpg"), ("labels", "txt")):
            (data.parent / kind / "val" / f"{name}.{suffix}").rename(
                data.parent / kind / "val/deep" / f"{name}.{suffix}")
        self.export("format=onnx")
        folder = self.dir / "runs/detect/val"
        found = {}
        for model in (self.model, self.model.with_suffix(".onnx")):
            (folder / "labels").mkdir(parents=True, exist_ok=True)
            (folder / "labels/old.txt").write_text("of an earlier run\n")
            output = self.expect(0, "val", f"model={model}", f"data={data}", "save_txt", "save_conf", "conf=0.25",
                                 "rect=False", "exist_ok", "plots=False", contains=[f"labels saved to {folder}/labels"])
            found[model] = {p.stem: [list(map(float, line.split())) for line in p.read_text().splitlines()]
                            for p in (folder / "labels").iterdir()}
            self.assertEqual(f"{len(found[model])} labels saved", re.search(r"\d+ labels saved", output)[0])
        expected = {p.stem for p in (data.parent / "images/val").glob("*.jpg")} | {f"deep_{name}"}
        own, onnx = found.values()
        self.assertEqual(own.keys(), expected)
        self.assertEqual(onnx.keys(), expected)
        for stem, rows in own.items():
            self.assertEqual(len(rows), len(onnx[stem]))
            for a, b in zip(rows, onnx[stem]):
                self.assertEqual(len(a), 6)
                self.assertTrue(all(abs(x - y) < 1e-3 for x, y in zip(a, b)), (a, b))

    def test_save_txt_is_what_predict_writes(self):
        data = self.small_data()
        words = [f"model={self.model}", "save_txt", "save_conf", "conf=0.25", "imgsz=320"]
        self.expect(0, "val", *words, f"data={data}", "plots=False", "rect=False", "batch=1")
        self.expect(0, "predict", *words, f"source={data.parent / 'images'}", "save=False")
        for path in (self.dir / "runs/detect/predict/labels").iterdir():
            predicted = len(path.read_text().splitlines())
            validated = len((self.dir / "runs/detect/val/labels" / path.name).read_text().splitlines())
            self.assertAlmostEqual(predicted, validated, delta=0.3 * predicted)  # Another canvas, several labels.

    def test_an_interrupted_val_leaves_no_empty_folder(self):
        data = self.data_yaml()
        folder = self.dir / "runs/detect/val"
        process = subprocess.Popen([self.yolo, "val", f"model={self.model}", f"data={data}", "imgsz=960", "batch=1",
                                    "plots=False"], cwd=self.dir, env=self.environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while not folder.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(program.TIMEOUT_S), 130)
        self.assertFalse(folder.exists())

    def test_a_val_that_cannot_run_leaves_no_folder(self):
        (self.dir / "bad.onnx").write_text("no model")
        self.expect(3, "val", "model=bad.onnx", f"data={self.small_data()}")
        self.assertFalse((self.dir / "runs").exists())

    def test_classes_that_the_model_does_not_have(self):
        self.export("format=onnx", "imgsz=64")
        for model in (self.model, self.model.with_suffix(".onnx")):
            self.expect(0, "val", f"model={model}", f"data={self.small_data()}", "classes=9", "plots=False",
                        contains=["no class 9; it has 0 RBC, 1 WBC, 2 Platelets"])

    def test_batch_of_a_fixed_file_is_said_to_be_unused(self):
        self.export("format=onnx", "imgsz=64")
        words = ["val", f"model={self.model.with_suffix('.onnx')}", f"data={self.small_data()}", "plots=False"]
        self.expect(0, *words, "batch=8", contains=["batch=8 is not used", "for 1 at a time"])
        self.assertNotIn("not used", self.expect(0, *words))

    def test_val_runs_fewer_at_once_when_memory_is_short(self):
        data = self.data_yaml()
        self.export("format=torchscript", "dynamic=True")
        words = [f"model={self.model.with_suffix('.torchscript')}", f"data={data}", "imgsz=640", "plots=False"]
        expected, _ = self.metrics(*words)
        # Enough for the program and a few pictures, not for all twelve.
        found, output = self.metrics(*words, "memory=350M")
        self.assertIn("run again, fewer at once", output)
        for a, b in zip(found, expected):
            self.assertAlmostEqual(a, b, delta=0.002)

    def test_files_that_this_program_cannot_run_are_explained(self):
        data = self.data_yaml()
        self.export("format=onnx", "nms=True")
        onnx = self.model.with_suffix(".onnx")
        self.expect(3, "val", f"model={onnx}", f"data={data}", contains=["best.onnx", "NonMaxSuppression", "yolo export"])
        self.export("format=onnx", "dynamic=True")
        self.expect(3, "val", f"model={onnx}", f"data={data}", contains=["dynamic=True", "yolo export"])
        reference = self.shared("reference-run/files/yolo11n-8.4.onnx")
        shutil.copy(reference, self.dir / "reference.onnx")
        self.expect(3, "val", "model=reference.onnx", f"data={data}", contains=["reference.onnx", "yolo export"])

    def test_plain_weights_and_safetensors_run_in_a_model_yaml(self):
        data = self.data_yaml()
        plain = self.shared("reference-run/yolo11n-bccd/best-weights-fp32.pt")
        safetensors_file.convert(plain, self.dir / "best.safetensors")
        expected, _ = self.metrics(f"model={self.model}", f"data={data}", "imgsz=320")
        for weights in (plain, "best.safetensors"):
            found, _ = self.metrics("model=yolo11n.yaml", f"pretrained={weights}", f"data={data}", "imgsz=320")
            for a, b in zip(found, expected):
                self.assertAlmostEqual(a, b, delta=0.002)
            self.export("format=onnx", "imgsz=64", f"pretrained={weights}", model="yolo11n.yaml")
            self.assertTrue((self.dir / "yolo11n.onnx").exists())

    def test_val_with_wrong_input(self):
        data = self.data_yaml()
        self.export("format=onnx", "imgsz=[160,320]")
        onnx = self.model.with_suffix(".onnx")
        self.expect(2, "val", f"model={onnx}", f"data={data}", contains=["square"])
        self.expect(3, "val", "model=nowhere.onnx", f"data={data}", contains=["nowhere.onnx"])

    def test_val_of_a_model_with_fewer_classes_than_the_data(self):
        data = self.data_yaml()
        label = min((data.parent / "labels/val").glob("*.txt"))
        label.write_text(label.read_text() + "3 0.5 0.5 0.2 0.2\n")
        data.write_text(f"path: {data.parent}\ntrain: images/train\nval: images/val\nnames: [a, b, c, d]\n")
        self.export("format=onnx")
        for model in (self.model, self.model.with_suffix(".onnx")):
            found, _ = self.metrics(f"model={model}", f"data={data}")
            self.assertGreater(found[2], 0.7)


if __name__ == "__main__":
    program.main()
