#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`yolo export`, and `yolo val` of what was exported, as a user types them.

usage: export_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import re
import shutil
import struct

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

    def export_size(self, *words):
        output = self.export(*words)
        if "half=True" in words:
            self.assertIn("quantize=16", output)  # Its name today.
        return self.model.with_suffix(".onnx").stat().st_size

    def test_what_cannot_be_exported(self):
        self.export("format=engine", code=2, contains=["format=engine", "onnx", "torchscript"])
        self.export("format=onnx", "opset=9", code=2, contains=["opset=9", "12", "20"])
        self.export("format=onnx", "quantize=8", code=2, contains=["quantize=8", "quantize=16"])
        self.export("format=onnx", model="nowhere.pt", code=3, contains=["nowhere.pt"])
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
        by_weights, _ = self.metrics(f"model={self.model}", f"data={data}", "imgsz=320")
        square, _ = self.metrics(f"model={self.model}", f"data={data}", "rect=False")
        for a, b in zip(three + free, square + by_weights):
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
