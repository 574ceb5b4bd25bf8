#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reference's training step, timed from outside through its public interface.

Speaks the protocol of benchmarks/step/bench_process.h: "step" is answered by "SECONDS FAULTS",
"end" by "PEAK_MIB". Run with a Python that has ultralytics 8.4.190 and torch:

    headroom_step_bench against="PYTHON benchmarks/against_ultralytics/step.py"

Arguments: model= imgsz= batch= classes= threads= validation= amp=bf16 (torch.autocast) layout=channels_last.
The step is the one that its trainer runs: forward, loss, backward, clipping, SGD, EMA.
"""
import os
import resource
import sys
import time

options = dict(word.split("=", 1) for word in sys.argv[1:])
threads = options.get("threads", "2")
os.environ.setdefault("OMP_NUM_THREADS", threads)  # Before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What is printed on import must not mix with the answers.

import torch  # noqa: E402
from ultralytics import YOLO  # noqa: E402
from ultralytics.cfg import get_cfg  # noqa: E402
from ultralytics.utils.torch_utils import ModelEMA  # noqa: E402

BOXES_AN_IMAGE = 12


def batch_of(images: int, size: int) -> dict:
    generator = torch.Generator().manual_seed(7)
    boxes = images * BOXES_AN_IMAGE
    wh = torch.rand(boxes, 2, generator=generator) * 0.35 + 0.05
    xy = wh / 2 + torch.rand(boxes, 2, generator=generator) * (1 - wh)
    return {
        "img": torch.randint(0, 256, (images, 3, size, size), generator=generator, dtype=torch.uint8),
        "cls": torch.zeros(boxes, 1),
        "bboxes": torch.cat([xy, wh], 1),
        "batch_idx": torch.arange(images).repeat_interleave(BOXES_AN_IMAGE).float(),
    }


def groups_of(model: torch.nn.Module) -> list:
    weights, norms, biases = [], [], []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name == "bias":
                biases.append(parameter)
            elif isinstance(module, torch.nn.BatchNorm2d):
                norms.append(parameter)
            else:
                weights.append(parameter)
    return [{"params": weights, "weight_decay": 0.0005}, {"params": norms}, {"params": biases}]


def main() -> None:
    torch.set_num_threads(int(threads))
    yolo = YOLO(options.get("model", "yolo11n.yaml"))
    model = type(yolo.model)(yolo.model.yaml, nc=int(options.get("classes", "1")), verbose=False)
    model.args = get_cfg()
    if options.get("layout") == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    raw = batch_of(int(options.get("batch", "8")), int(options.get("imgsz", "640")))
    for name, parameter in model.named_parameters():
        parameter.requires_grad = ".dfl" not in name
    optimizer = torch.optim.SGD(groups_of(model), lr=0.001, momentum=0.9, nesterov=True)
    ema = ModelEMA(model)
    bf16 = options.get("amp") == "bf16"

    def train() -> None:
        batch = dict(raw, img=raw["img"].float() / 255)
        if options.get("layout") == "channels_last":
            batch["img"] = batch["img"].to(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss, _ = model(batch)
            loss = loss.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(model)

    def validate() -> None:
        with torch.inference_mode():
            model(raw["img"].float() / 255)

    validation = options.get("validation", "0") != "0"
    model.train(not validation)
    step = validate if validation else train
    for line in sys.stdin:
        if line.strip() == "end":
            break
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        start = time.perf_counter()
        step()
        seconds = time.perf_counter() - start
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        print(f"{seconds:.6f} {faults}", file=answers, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.1f}", file=answers, flush=True)


main()
