# SPDX-License-Identifier: Apache-2.0
"""Opens files that Headroom wrote in Ultralytics. Run by headroom_interop_test when
HEADROOM_ULTRALYTICS_PYTHON names an interpreter that has it.

  check_in_ultralytics.py same OURS ORIGINAL DATA   equal detections and equal mAP
  check_in_ultralytics.py resume OURS               training goes on to its last epoch
  check_in_ultralytics.py export OURS               ONNX export runs
"""
import sys
from pathlib import Path

import torch
import yaml
from ultralytics import YOLO

QUIET = dict(imgsz=320, device="cpu", verbose=False, plots=False)


def same(ours, original, data):
    folder = Path(yaml.safe_load(Path(data).read_text()).get("path", Path(data).parent))
    images = sorted((folder / "images/val").iterdir())[:4]
    models = [YOLO(ours), YOLO(original)]
    assert models[0].names == models[1].names, (models[0].names, models[1].names)
    for a, b in zip(*(m.predict(images, imgsz=320, device="cpu", verbose=False) for m in models)):
        assert torch.equal(a.boxes.data, b.boxes.data), (a.boxes.data, b.boxes.data)
    maps = [m.val(data=data, batch=16, workers=0, **QUIET).box.map for m in (YOLO(ours), YOLO(original))]
    print("mAP50-95", maps)
    assert maps[0] == maps[1], maps


def resume(ours):
    model = YOLO(ours)
    model.train(resume=True)
    trainer = model.trainer
    assert trainer.epoch + 1 == trainer.epochs, (trainer.epoch, trainer.epochs)
    assert trainer.start_epoch == 1, trainer.start_epoch
    state = trainer.optimizer.state
    print("resumed at", trainer.start_epoch, "parameters with state", len(state))


def export(ours):
    print(YOLO(ours).export(format="onnx", imgsz=320, device="cpu"))


if __name__ == "__main__":
    {"same": same, "resume": resume, "export": export}[sys.argv[1]](*sys.argv[2:])
    print("OK", sys.argv[1])
