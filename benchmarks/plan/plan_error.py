#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far the memory plan is from what a training really takes.

Trains a few batches and validates with each of many settings, each in a process of its own, and
compares the planned peak with VmHWM. The plan must not be below the measured peak, and not more
than 10 % above it.

usage: plan_error.py YOLO DATA_YAML [--quick] [--models yolo11n,yolo26n] [--amp fp32,bf16]
"""

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def measure(yolo, folder, words):
    """Planned and measured peak in MiB of one short training."""
    command = [yolo, "train", *words, f"project={folder}", "name=run", "epochs=1", "close_mosaic=0",
               "workers=2", "warmup_epochs=0"]
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}\n{(folder / 'log.txt').read_text()[-2000:]}")
    plan = json.loads((folder / "run" / "memory_plan.json").read_text())
    return plan["host"]["peak_bytes"] / 2**20, usage.ru_maxrss / 1024


MODELS = ["yolo11n", "yolo11s", "yolo11m", "yolov8n", "yolo26n"]


def settings(quick, models, precisions):
    sizes = [320] if quick else [320, 640]
    batches = [2, 8] if quick else [2, 8, 16]
    for model, size, batch, amp in itertools.product(models, sizes, batches, precisions):
        if model == "yolo11m" and batch == 16 and size == 640:
            continue  # Minutes, and nothing new.
        yield [f"model={model}.yaml", f"imgsz={size}", f"batch={batch}", f"amp={amp}"]
    for amp in precisions[:1] if quick else precisions:
        yield [f"model={models[0]}.yaml", "imgsz=320", "batch=8", f"amp={amp}", "multi_scale=0.5"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("yolo")
    parser.add_argument("data")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--models", default="yolo11n" if "--quick" in sys.argv else ",".join(MODELS))
    parser.add_argument("--amp", default="fp32,bf16")
    parser.add_argument("--batches", type=int, default=6)
    arguments = parser.parse_args()
    print(f"{'settings':<60}{'planned':>9}{'measured':>10}{'error':>8}")
    worst_below, worst_above = 0.0, 0.0
    for words in settings(arguments.quick, arguments.models.split(","), arguments.amp.split(",")):
        batch = int(words[2].split("=")[1])
        # Small batches too fill what the loader may hold.
        least = 96 if batch < 8 else 0
        # Enough for one of the largest of 21 sizes.
        count = max(batch * (32 if "multi_scale=0.5" in words else arguments.batches), least)
        with tempfile.TemporaryDirectory() as folder:
            planned, measured = measure(arguments.yolo, pathlib.Path(folder),
                                        [f"data={arguments.data}", f"fraction=[{count},{2 * batch}]", *words])
        error = planned / measured - 1
        worst_below, worst_above = min(worst_below, error), max(worst_above, error)
        print(f"{' '.join(words):<60}{planned:>8.0f}M{measured:>9.0f}M{100 * error:>+7.1f}%", flush=True)
    print(f"worst: {100 * worst_below:+.1f} % below, {100 * worst_above:+.1f} % above")
    return 0 if worst_below >= 0 and worst_above <= 0.10 else 1


if __name__ == "__main__":
    sys.exit(main())
