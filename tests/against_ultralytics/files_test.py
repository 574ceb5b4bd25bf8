#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of this program in Ultralytics, and files of Ultralytics in this program.

Our best.pt, last.pt, ONNX and TorchScript files are opened there, predict, validate, train, export and resume; its own
do the same here; figures and detections must agree. Run by ctest when HEADROOM_ULTRALYTICS_PYTHON names a Python that
has ultralytics 8.4.190, onnx and onnxruntime (benchmarks/against_ultralytics/environment.sh makes one), or by hand:

    $PYTHON files_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
SETTINGS = tempfile.mkdtemp()
os.environ["YOLO_CONFIG_DIR"] = SETTINGS  # Before ultralytics is imported.
os.environ.setdefault("YOLO_VERBOSE", "false")

import program  # noqa: E402
import torch  # noqa: E402
from ultralytics import YOLO  # noqa: E402

FAMILIES = ("yolo11n", "yolo26n")
SIZE = 160
QUIET = {"imgsz": SIZE, "device": "cpu", "verbose": False, "plots": False, "workers": 0}
# Low, so that networks which were hardly trained find something; a tie at the threshold is no difference.
CONFIDENCE = 0.05


def allow(path):
    """Copies of read-only data can be written."""
    for one in [path, *path.rglob("*")]:
        one.chmod(0o755 if one.is_dir() else 0o644)


class FilesTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.dir / "data/data.yaml"
        shutil.copytree(self.sample, self.dir / "data", ignore=shutil.ignore_patterns("*.headroom", "*.cache"))
        allow(self.dir / "data")
        self.data.write_text(f"path: {self.dir}/data\ntrain: images/train\nval: images/val\n"
                             "names: [RBC, WBC, Platelets]\n")
        self.pictures_of_val = sorted((self.dir / "data/images/val").iterdir())
        os.chdir(self.dir)

    def tearDown(self):
        os.chdir("/")

    # --- What both say

    def train_here(self, family, name, *words):
        """A short training of ours from weights that the reference trained, so that there is something to find."""
        weights = self.shared(f"reference-run/{family}-bccd/best.pt")
        shutil.copy(weights, self.dir / f"{family}-start.pt")
        self.expect(0, "train", f"data={self.data}", f"model={family}-start.pt", "epochs=2", f"imgsz={SIZE}", "batch=8",
                    "workers=1", "amp=False", "optimizer=SGD", "lr0=0.0005", "warmup_epochs=0", "plots=False",
                    f"name={name}", *words)
        return self.dir / "runs/detect" / name / "weights"

    def metrics_here(self, model, *words):
        output = self.expect(0, "val", f"model={model}", f"data={self.data}", f"imgsz={SIZE}", *words)
        row = re.search(r"^\s+all\s+\d+\s+\d+\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$", output, re.MULTILINE)
        return [float(value) for value in row.groups()]

    def metrics_there(self, model, **more):
        box = YOLO(model, task="detect").val(data=str(self.data), batch=16, **{**QUIET, **more}).box
        return [box.mp, box.mr, box.map50, box.map]

    def assert_metrics(self, ours, theirs):
        self.assertGreater(theirs[2], 0.3)  # There is something to compare.
        for a, b in zip(ours[2:], theirs[2:]):
            self.assertAlmostEqual(a, b, delta=0.002)

    def boxes_here(self, model, *words):
        """Rows x1 y1 x2 y2 score class in pixels by picture."""
        self.expect(0, "predict", f"model={model}", f"source={self.pictures_of_val[0].parent}", f"imgsz={SIZE}",
                    f"conf={CONFIDENCE}", "save=False", "save_txt=True", "save_conf=True", "name=found", "exist_ok=True",
                    *words)
        found = {}
        for picture in self.pictures_of_val:
            path = self.dir / f"runs/detect/found/labels/{picture.stem}.txt"
            rows = [[float(x) for x in line.split()] for line in path.read_text().splitlines()] if path.exists() else []
            found[picture.stem] = torch.tensor([[(x - w / 2) * 640, (y - h / 2) * 480, (x + w / 2) * 640,
                                                 (y + h / 2) * 480, score, kind] for kind, x, y, w, h, score in rows])
        return found

    def boxes_there(self, model, **more):
        results = YOLO(model, task="detect").predict([str(p) for p in self.pictures_of_val], conf=CONFIDENCE, imgsz=SIZE,
                                                     device="cpu", verbose=False, save=False, **more)
        return {pathlib.Path(result.path).stem: result.boxes.data.cpu() for result in results}

    def assert_boxes(self, ours, theirs):
        self.assertEqual(ours.keys(), theirs.keys())
        self.assertGreater(sum(map(len, theirs.values())), 30)
        for stem, expected in theirs.items():
            found = ours[stem]
            for a, b in ((expected, found), (found, expected)):
                for row in a:
                    if row[4] < CONFIDENCE + 0.005:
                        continue
                    same = b[(b[:, 5] == row[5]) & ((b[:, :4] - row[:4]).abs().amax(1) < 0.5)] if len(b) else b
                    self.assertTrue(len(same) and (same[:, 4] - row[4]).abs().min() < 0.005, (stem, row, b))

    # --- Ours there

    def test_our_best_there(self):
        for family in FAMILIES:
            with self.subTest(family):
                best = str(self.train_here(family, family) / "best.pt")
                model = YOLO(best)
                self.assertEqual(model.names, {0: "RBC", 1: "WBC", 2: "Platelets"})
                checkpoint = torch.load(best, weights_only=False)
                self.assertEqual(checkpoint["epoch"], -1)
                self.assertEqual(checkpoint["train_args"]["imgsz"], SIZE)
                self.assertEqual({p.dtype for p in checkpoint["model"].parameters()}, {torch.float16})
                self.assert_boxes(self.boxes_here(best), self.boxes_there(best))
                self.assert_metrics(self.metrics_here(best), self.metrics_there(best))
                if family == "yolo26n":
                    self.assert_metrics(self.metrics_here(best, "nms=False"), self.metrics_there(best, nms=False))
                # It trains on, alone and as a start for others.
                YOLO(best).train(data=str(self.data), epochs=1, batch=8, **QUIET, project=str(self.dir / "there"), name=family)
                self.assertTrue((self.dir / "there" / family / "weights/best.pt").exists())
                for kind in ("onnx", "torchscript"):
                    exported = YOLO(best).export(format=kind, imgsz=SIZE, device="cpu")
                    self.assert_metrics(self.metrics_there(exported, rect=False), self.metrics_here(best, "rect=False"))

    def interrupted_here(self, family):
        """An in-training last.pt of ours: stopped by Ctrl-C after its first epoch."""
        weights = self.shared(f"reference-run/{family}-bccd/best.pt")
        shutil.copy(weights, self.dir / f"{family}-start.pt")
        words = ["train", f"data={self.data}", f"model={family}-start.pt", "epochs=40", f"imgsz={SIZE}", "batch=8",
                 "workers=1", "amp=False", "optimizer=auto", "plots=False", f"name={family}"]
        run = self.dir / "runs/detect" / family
        process = subprocess.Popen([self.yolo, *words], cwd=self.dir, env=self.environment(), stdout=subprocess.DEVNULL)
        for _ in range(6000):
            if (run / "results.csv").exists() and len((run / "results.csv").read_text().splitlines()) >= 3:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), 130)
        return run / "weights/last.pt"

    def cut_epochs(self, path, epochs):
        """The same file, of a run that ends after so many epochs."""
        checkpoint = torch.load(path, weights_only=False)
        checkpoint["train_args"]["epochs"] = epochs
        torch.save(checkpoint, path)
        return checkpoint

    def test_our_interrupted_run_is_resumed_there(self):
        for family in FAMILIES:
            with self.subTest(family):
                last = self.interrupted_here(family)
                done = self.cut_epochs(last, 4)["epoch"] + 1
                self.assertGreaterEqual(done, 2)
                model = YOLO(str(last))
                model.train(resume=True, epochs=4)
                self.assertEqual(model.trainer.start_epoch, done)
                self.assertEqual(model.trainer.epoch, 3)
                self.assertGreater(len(model.trainer.optimizer.state), 100)
                self.assertGreater(model.trainer.metrics["metrics/mAP50(B)"], 0.3)

    def test_our_exports_there(self):
        for family in FAMILIES:
            weights = self.dir / f"{family}.pt"
            shutil.copy(self.shared(f"reference-run/{family}-bccd/best.pt"), weights)
            square = self.metrics_here(weights, "rect=False")
            rectangular = self.metrics_here(weights)
            for kind in ("onnx", "torchscript"):
                for words, expected, how in (([], square, {"rect": False}), (["batch=2"], square, {"rect": False, "batch": 2}),
                                             (["dynamic=True"], rectangular, {}), (["quantize=16"], square, {"rect": False}),
                                             (["opset=18"], square, {"rect": False})):
                    with self.subTest(f"{family} {kind} {words}"):
                        self.expect(0, "export", f"model={weights}", f"format={kind}", f"imgsz={SIZE}", *words)
                        exported = str(weights.with_suffix(f".{kind}"))
                        how = dict(how)
                        batch = how.pop("batch", 1)  # A file of fixed size takes that many pictures, no other number.
                        results = YOLO(exported, task="detect").predict([str(p) for p in self.pictures_of_val[:batch]],
                                                                        imgsz=SIZE, batch=batch, verbose=False)
                        self.assertEqual(results[0].names, {0: "RBC", 1: "WBC", 2: "Platelets"})
                        box = YOLO(exported, task="detect").val(data=str(self.data), batch=16 if how == {} else batch,
                                                               **QUIET, **how).box
                        self.assert_metrics([box.mp, box.mr, box.map50, box.map], expected)

    def test_our_exports_with_suppression_inside_there(self):
        for family, words in (("yolo11n", ["nms=True"]), ("yolo26n", ["nms=False"])):
            weights = self.dir / f"{family}.pt"
            shutil.copy(self.shared(f"reference-run/{family}-bccd/best.pt"), weights)
            found = self.boxes_of_square_pictures(weights, *words)
            for kind in ("onnx", "torchscript"):
                with self.subTest(f"{family} {kind}"):
                    self.expect(0, "export", f"model={weights}", f"format={kind}", f"imgsz={SIZE}", f"conf={CONFIDENCE}",
                                *words)
                    self.assert_boxes(found, self.boxes_there(str(weights.with_suffix(f".{kind}")), rect=False))

    def boxes_of_square_pictures(self, weights, *words):
        """Ours through a TorchScript file of fixed size: pictures are padded to a square, as any fixed file sees them."""
        end_to_end = [word for word in words if word == "nms=False"]
        self.expect(0, "export", f"model={weights}", "format=torchscript", f"imgsz={SIZE}", *end_to_end)
        return self.boxes_here(weights.with_suffix(".torchscript"))

    # --- Theirs here

    def test_their_weights_here(self):
        for family in FAMILIES:
            with self.subTest(family):
                weights = self.dir / f"{family}.pt"
                shutil.copy(self.shared(f"reference-run/{family}-bccd/best.pt"), weights)
                self.assert_boxes(self.boxes_here(weights), self.boxes_there(str(weights)))
                self.assert_metrics(self.metrics_here(weights), self.metrics_there(str(weights)))

    def test_their_torchscript_here(self):
        for family in FAMILIES:
            with self.subTest(family):
                weights = self.dir / f"{family}.pt"
                shutil.copy(self.shared(f"reference-run/{family}-bccd/best.pt"), weights)
                exported = YOLO(str(weights)).export(format="torchscript", imgsz=SIZE, device="cpu")
                self.assert_boxes(self.boxes_here(exported), self.boxes_there(exported))
                self.assert_metrics(self.metrics_here(exported), self.metrics_there(exported, rect=False))

    def test_their_onnx_here(self):
        # Written for newer runtimes than OpenCV 4.6: run, or refused with the way out; never wrong.
        weights = self.dir / "yolo11n.pt"
        shutil.copy(self.shared("reference-run/yolo11n-bccd/best.pt"), weights)
        for opset in (12, 18):
            exported = YOLO(str(weights)).export(format="onnx", imgsz=SIZE, device="cpu", opset=opset)
            outcome = self.run_yolo("val", f"model={exported}", f"data={self.data}")
            if outcome.code == 0:
                self.assert_metrics(self.metrics_here(exported), self.metrics_there(exported, rect=False))
            else:
                self.assertEqual(outcome.code, 3, outcome.output)
                self.assertIn("yolo export", outcome.output)

    def test_their_interrupted_run_is_resumed_here(self):
        for family in FAMILIES:
            with self.subTest(family):
                model = YOLO(str(self.shared(f"reference-run/{family}-bccd/best.pt")))

                def stop(trainer):
                    if trainer.epoch == 1:
                        raise KeyboardInterrupt

                model.add_callback("on_model_save", stop)
                try:
                    model.train(data=str(self.data), epochs=4, batch=8, lr0=0.0005, warmup_epochs=0,
                                optimizer="MuSGD" if family == "yolo26n" else "SGD", project=str(self.dir / "there"),
                                name=family, **QUIET)
                except KeyboardInterrupt:
                    pass
                last = self.dir / "there" / family / "weights/last.pt"
                self.assertEqual(torch.load(last, weights_only=False)["epoch"], 1)
                output = self.expect(0, "train", f"model={last}", "resume=True", contains=["Resuming"])
                self.assertIn("4/4", output)
                rows = (last.parent.parent / "results.csv").read_text().splitlines()
                self.assertEqual([row.split(",")[0] for row in rows[1:]], ["1", "2", "3", "4"])
                best = last.parent / "best.pt"
                self.assert_metrics(self.metrics_here(best), self.metrics_there(str(best)))

    # --- predictions.json

    def test_predictions_json_by_pycocotools(self):
        try:
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
        except ImportError:
            self.skipTest("this Python has no pycocotools")
        weights = self.trained_weights("yolo11n.pt")
        ours = self.metrics_here(weights, "save_json=True", "name=json")
        rows = json.loads((self.dir / "runs/detect/json/predictions.json").read_text())
        truth = {"info": {}, "images": [], "annotations": [],
                 "categories": [{"id": i + 1, "name": str(i)} for i in range(3)]}
        for i, picture in enumerate(self.pictures_of_val, 1):
            truth["images"].append({"id": i, "width": 640, "height": 480, "file_name": picture.name})
            for line in (self.dir / f"data/labels/val/{picture.stem}.txt").read_text().splitlines():
                kind, x, y, w, h = (float(word) for word in line.split())
                truth["annotations"].append({"id": len(truth["annotations"]) + 1, "image_id": i, "category_id": int(kind) + 1,
                                             "bbox": [(x - w / 2) * 640, (y - h / 2) * 480, w * 640, h * 480],
                                             "area": w * h * 640 * 480, "iscrowd": 0})
        number = {picture.stem: i for i, picture in enumerate(self.pictures_of_val, 1)}
        for row in rows:
            row["image_id"] = number[str(row["image_id"])]
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows), "bbox")
        evaluation.params.maxDets = [1, 10, 300]
        evaluation.evaluate()
        evaluation.accumulate()
        precision = evaluation.eval["precision"][:, :, :, 0, 2]  # IoU, recall, class: all areas, 300 detections.
        self.assertAlmostEqual(precision[0].mean(), ours[2], delta=0.01)
        self.assertAlmostEqual(precision.mean(), ours[3], delta=0.015)  # Clipped, in the picture's pixels.


if __name__ == "__main__":
    program.main()
