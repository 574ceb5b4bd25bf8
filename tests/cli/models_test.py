#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model YAML files from the first row to a saved, validated, resumed and exported checkpoint.

    models_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA
"""

import program

STEM = "  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, Conv, [16, 3, 2]]\n"

MODELS = {
    "every_module": "backbone:\n" + STEM + """\
  - [-1, 2, Bottleneck, [16, True, 2]]
  - [-1, 1, C3k, [16]]
  - [-1, 1, C2, [24, False]]
  - [-1, 1, C3, [24]]
  - [-1, 1, DWConv, [24, 3, 2]]
  - [-1, 1, SPPF, [24, 5]]
  - [-1, 1, C2PSA, [24]]
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
head:
  - [[-1, 5], 1, Concat, [1]]
  - [-1, 2, C2f, [16]]
  - [-1, 1, Conv, [16, 6, 2, 2]]
  - [[11, 12], 1, Detect, [nc]]
""",
    # As YOLOv5 begins.
    "padded": "activation: nn.LeakyReLU(0.1)\nbackbone:\n  - [-1, 1, Conv, [16, 6, 2, 2]]\n"
              "  - [-1, 1, Conv, [16, 3, 2, 2, 2, 2, False]]\n  - [-1, 1, C3, [16]]\n"
              "head:\n  - [[2], 1, Detect, [nc]]\n",
    "multiples": "depth_multiple: 0.5\nwidth_multiple: 0.25\nbackbone:\n" + STEM.replace("16", "64") +
                 "  - [-1, 4, C3k2, [64, True]]\nhead:\n  - [[2], 1, Detect, [nc]]\n",
    "scales": "scales: {n: [0.5, 0.25, 64], x: [1, 0.5, 64]}\nbackbone:\n" + STEM.replace("16", "64") +
              "  - [-1, 4, C3k2, [64]]\nhead:\n  - [[2], 1, Detect, [nc]]\n",
}


class ModelsTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.data_yaml()
        for one in [self.dir / "data", *(self.dir / "data").rglob("*")]:
            one.chmod(0o755 if one.is_dir() else 0o644)
        self.data.write_text(f"path: {self.dir}/data\ntrain: images/val\nval: images/val\nnames: [a, b, c]\n")

    def train(self, model, *words):
        return self.expect(0, "train", f"model={model}", f"data={self.data}", "imgsz=64", "batch=4", "workers=1",
                           "plots=False", "amp=False", *words)

    def test_a_model_of_any_modules_goes_through_its_files(self):
        for name, text in MODELS.items():
            with self.subTest(name):
                (self.dir / f"{name}.yaml").write_text(f"nc: 80\n{text}")
                self.train(f"{name}.yaml", "epochs=2", f"name={name}")
                weights = f"runs/detect/{name}/weights"
                for checkpoint in ("best", "last"):
                    self.expect(0, "val", f"model={weights}/{checkpoint}.pt", f"data={self.data}", "imgsz=64")
                self.expect(0, "export", f"model={weights}/best.pt", "format=onnx", "imgsz=64")
                self.train(f"{weights}/best.pt", "epochs=1", f"name={name}_on")

    def test_a_run_of_factors_without_scales_resumes(self):
        (self.dir / "multiples.yaml").write_text(f"nc: 80\n{MODELS['multiples']}")
        self.train("multiples.yaml", "epochs=3", "save_period=1", "name=resumed")
        weights = self.dir / "runs/detect/resumed/weights"
        (weights / "last.pt").write_bytes((weights / "epoch0.pt").read_bytes())
        self.expect(0, "train", "resume=True", f"model={weights}/last.pt")

    def test_what_is_not_understood_is_refused_before_training(self):
        for row, named in (("[-1, 1, Conv, [16, 3, 1, same]]", "argument 4 (padding)"),
                           ("[-1, 1, Conv, [16, 3, 1, 1, 1, 1, nn.ReLU()]]", "argument 7 (activation)"),
                           ("[-1, 1, C2f, [16, True, 1, 0.5, 7]]", "5 arguments, but C2f takes 1 to 4"),
                           ("[-1, 1, RepC3, [16]]", "module 'RepC3' is not known")):
            with self.subTest(row):
                (self.dir / "odd.yaml").write_text(f"nc: 3\nbackbone:\n{STEM}  - {row}\nhead:\n  - [[2], 1, Detect, [nc]]\n")
                output = self.expect(2, "train", "model=odd.yaml", f"data={self.data}", "imgsz=64")
                self.assertIn("odd.yaml:5: layer 2", output)
                self.assertIn(named, output)
                self.assertNotIn("internal error", output)


if __name__ == "__main__":
    program.main()
