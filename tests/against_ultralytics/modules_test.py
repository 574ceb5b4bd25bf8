#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tiny models with every argument of every module away from its default, as files in both directions.

The reference's .pt here: what we export computes what it computes, also after attributes were changed by hand. Our
.pt there: trained, saved and loaded it is the same network and computes the same. Run like files_test.py.
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp()  # Before ultralytics is imported.
os.environ.setdefault("YOLO_VERBOSE", "false")

import module_cases  # noqa: E402
import numpy  # noqa: E402
import onnxruntime  # noqa: E402
import program  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from ultralytics import YOLO  # noqa: E402

SIZE = module_cases.SIZE


def images():
    return module_cases.image().float() / 255


def save(model, path):
    model.names = {0: "one", 1: "two"}
    torch.save({"epoch": -1, "model": model, "ema": None, "train_args": {"task": "detect", "imgsz": SIZE},
                "version": "8.4.190", "date": "2026-01-01T00:00:00"}, path)


def computed_there(model):
    """Boxes and scores, [IMAGES, 4 + nc, anchors]."""
    model.eval()
    with torch.no_grad():
        output = model(images())
    return (output[0] if isinstance(output, (tuple, list)) else output).numpy()


class ModulesTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(self.sample, self.dir / "data", ignore=shutil.ignore_patterns("*.headroom", "*.cache"))
        for one in [self.dir / "data", *(self.dir / "data").rglob("*")]:
            one.chmod(0o755 if one.is_dir() else 0o644)
        self.data = self.dir / "data/data.yaml"
        self.data.write_text(f"path: {self.dir}/data\ntrain: images/val\nval: images/val\nnames: [one, two, three]\n")
        os.chdir(self.dir)

    def tearDown(self):
        os.chdir("/")

    def computed_here(self, path):
        self.expect(0, "export", f"model={path}", "format=onnx", f"imgsz={SIZE}", f"batch={module_cases.IMAGES}")
        session = onnxruntime.InferenceSession(str(pathlib.Path(path).with_suffix(".onnx")))
        return session.run(None, {"images": images().numpy()})[0]

    def assert_same(self, ours, theirs):
        self.assertEqual(ours.shape, theirs.shape)
        self.assertLess(numpy.abs(ours - theirs).max(), 1e-3 * max(numpy.abs(theirs).max(), 1))

    def each_case(self):
        for name, text in module_cases.cases().items():
            if name == "end2end":  # Which of its heads is exported is another question: see the golden figures.
                continue
            yield name, text

    def test_its_files_here(self):
        for name, text in self.each_case():
            with self.subTest(name):
                model = module_cases.build(text)
                save(model, self.dir / f"{name}.pt")
                self.assert_same(self.computed_here(self.dir / f"{name}.pt"), computed_there(model))

    def change(self, model, rng):
        """Every attribute that a file may change beside its rows."""
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = rng.choice([1e-5, 1e-2]), rng.choice([0.1, 0.01])
            if type(module).__name__ in ("Conv", "DWConv") and rng.random() < 0.5:
                module.act = rng.choice([nn.ReLU(), nn.LeakyReLU(0.3), nn.Hardswish(), nn.Identity(), nn.SiLU()])
        for block in model.model[:-1]:
            if type(block).__name__ == "Conv" and block.conv.kernel_size == (3, 3) and block.conv.stride == (1, 1):
                block.conv.dilation, block.conv.padding = (3, 3), (3, 3)

    def test_its_files_with_other_attributes_here(self):
        import random
        rng = random.Random(1)
        for name in ("conv_groups", "c3k2_all", "c2f_all", "sppf_all", "c2psa_all", "two_levels"):
            with self.subTest(name):
                model = module_cases.build(module_cases.cases()[name])
                self.change(model, rng)
                save(model, self.dir / f"{name}.pt")
                self.assert_same(self.computed_here(self.dir / f"{name}.pt"), computed_there(model))

    def test_its_files_with_unknown_attributes_are_refused(self):
        def reflect(model):
            model.model[0].conv.padding_mode = "reflect"

        def biased(model):
            model.model[0].conv.bias = nn.Parameter(torch.zeros(16))

        def mish(model):
            model.model[0].act = nn.Mish()

        def lopsided(model):
            model.model[0].conv.padding = (1, 2)

        def shortcut(model):
            model.model[1].m[0].add = False

        def no_norm(model):
            model.model[0].bn.momentum = None

        for change, named in ((reflect, "model.0.conv.padding_mode is reflect"), (biased, "parameter 'bias'"),
                              (mish, "model.0.act is a .*Mish"), (lopsided, r"model.0.conv.padding is \[1, 2\]"),
                              (shortcut, "model.1.m.0.add is False"), (no_norm, "model.0.bn.momentum is None")):
            with self.subTest(change.__name__):
                model = module_cases.build(module_cases.model_text([module_cases.STEM, "[-1, 1, C2f, [16, True]]"]))
                change(model)
                save(model, self.dir / "odd.pt")
                for words in (("val", "model=odd.pt", "data=data/data.yaml"),
                              ("train", "model=odd.pt", "data=data/data.yaml", "epochs=1")):
                    output = self.expect(3, *words, f"imgsz={SIZE}")
                    self.assertRegex(output, named)
                    self.assertIn("odd.pt", output)

    def test_our_files_there(self):
        for name, text in self.each_case():
            with self.subTest(name):
                (self.dir / f"{name}.yaml").write_text(text)
                self.expect(0, "train", f"model={name}.yaml", f"data={self.data}", "epochs=1", f"imgsz={SIZE}", "batch=4",
                            "workers=1", "amp=False", "plots=False", "val=False", f"name={name}", "exist_ok=True")
                ours = self.dir / "runs/detect" / name / "weights/last.pt"
                there = YOLO(str(ours)).model.float()
                rebuilt = module_cases.build(text.replace("nc: 2", "nc: 3"))
                plain = re.compile(r"\(?inplace=True\)?|[(), ]")
                self.assertEqual(plain.sub("", str(there)), plain.sub("", str(rebuilt)))
                self.assertEqual([layer.type for layer in there.model], [layer.type for layer in rebuilt.model])
                self.assertEqual(there.save, rebuilt.save)
                self.assert_same(self.computed_here(ours), computed_there(there))
        # It rebuilds from the rows when it trains on.
        for name in ("conv_all", "c2_all", "activation_1", "multiples"):
            with self.subTest(f"{name} trained on"):
                ours = self.dir / "runs/detect" / name / "weights/last.pt"
                YOLO(str(ours)).train(data=str(self.data), epochs=1, imgsz=SIZE, batch=4, workers=0, device="cpu",
                                      plots=False, project=str(self.dir / "there"), name=name)


if __name__ == "__main__":
    program.main()
