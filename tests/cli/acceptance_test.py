#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command that started this project, as it was typed (only its epochs cut), and what follows from it.

On photographs and on a set of 95 classes; on 16 images each, or on all of ../shared/data/bccd with
HEADROOM_FULL_ACCEPTANCE=1 in the environment.

usage: acceptance_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import csv
import os
import random
import re
import shutil

import program

COMMAND = ("detect train data=data.yaml model=yolo11n.pt epochs=1 imgsz=640 patience=25 batch=-1 plots=true workers=4 "
           "single_cls=true").split()


class AcceptanceTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        shutil.copy(self.shared("reference-run/files/yolo11n-80class-random.pt"), self.dir / "yolo11n.pt")
        self.full = os.environ.get("HEADROOM_FULL_ACCEPTANCE") == "1"
        source = self.shared("data/bccd") if self.full else self.sample
        shutil.copytree(source, self.dir / "set", ignore=shutil.ignore_patterns("*.headroom"))
        for path in (self.dir / "set").rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def write_yaml(self, names):
        (self.dir / "data.yaml").write_text(
            f"path: {self.dir}/set\ntrain: images/train\nval: images/val\nnames: {names}\n")

    def relabel(self, classes):
        """Boxes keep their places and get classes at random."""
        generator = random.Random(95)
        for path in (self.dir / "set/labels").rglob("*.txt"):
            rows = [line.split()[1:] for line in path.read_text().splitlines()]
            path.write_text("".join(f"{generator.randrange(classes)} {' '.join(row)}\n" for row in rows))

    def run_and_use(self):
        output = self.expect(0, *COMMAND, *([] if self.full else ["fraction=16"]), contains=["Transferred", "batch=-1: "])
        # The network is one for a single class, and its plan came before its first step.
        self.assertLess(output.index("Memory plan"), output.index("Starting training"))
        self.assertRegex(output, r"Transferred \d+/499 items")
        run = self.dir / "runs/detect/train"
        for name in ("args.yaml", "results.csv", "results.png", "confusion_matrix.png", "labels.jpg", "train_batch0.jpg",
                     "val_batch0_pred.jpg", "BoxPR_curve.png", "weights/best.pt", "weights/last.pt"):
            self.assertTrue((run / name).exists(), name)
        rows = list(csv.DictReader((run / "results.csv").open()))
        self.assertEqual(len(rows), 1)
        arguments = (run / "args.yaml").read_text()
        for line in ("single_cls: true", "batch: -1", "workers: 4", "patience: 25", "imgsz: 640"):
            self.assertIn(line, arguments)
        best = run / "weights/best.pt"
        # single_cls and the data are remembered from the checkpoint: one class, no rows by class.
        output = self.expect(0, "detect", "val", f"model={best}", "imgsz=160")
        self.assertEqual(len(re.findall(r"^\s+(?:all|item)\s", output, re.MULTILINE)), 1, output)
        self.expect(0, "export", f"model={best}", "format=onnx")
        picture = next((self.dir / "set/images/val").iterdir())
        for model in (best, best.with_suffix(".onnx")):
            self.assertIn("640", self.expect(0, "predict", f"model={model}", f"source={picture}", "conf=0.001"))

    def test_on_photographs(self):
        self.write_yaml(["RBC", "WBC", "Platelets"])
        self.run_and_use()

    def test_on_95_classes(self):
        self.relabel(95)
        self.write_yaml([f"part {i}" for i in range(95)])
        self.run_and_use()


if __name__ == "__main__":
    program.main()
