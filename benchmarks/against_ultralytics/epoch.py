#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole training epochs of the reference's command and of ours in turn: loader, step, validation, checkpoint.

    PYTHON benchmarks/against_ultralytics/epoch.py data=bccd/data.yaml [model=yolo11n.yaml] [imgsz=640] [batch=8]
        [workers=2] [epochs=3] [fraction=1.0] [rounds=1] [threads=2] [ours=build/release/bin/yolo] [variants=fp32,bf16]

Run with a Python that has ultralytics 8.4.190 (environment.sh). An epoch's seconds are the differences of
`time` in results.csv, so that start-up counts for nobody; the first epoch is left out. Mosaic stays on
(close_mosaic=0). The peak is of all processes of a program together.
"""
import csv
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from process_memory import PeakOf

# The reference takes cores - 1 threads by itself; the benchmark gives it as many as ours.
REFERENCE = """
import sys, torch
from ultralytics import YOLO
words = dict(word.split("=", 1) for word in sys.argv[1:])
threads = int(words.pop("threads"))
keep = torch.set_num_threads
torch.set_num_threads = lambda count: keep(threads)
keep(threads)
def value(word):
    if word in ("True", "False"):
        return word == "True"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            pass
    return word
YOLO(words.pop("model")).train(**{k: value(v) for k, v in words.items()})
"""


def seconds_an_epoch(folder: pathlib.Path) -> float:
    with open(folder / "results.csv") as file:
        rows = [{k.strip(): v for k, v in row.items()} for row in csv.DictReader(file)]
    times = [float(row["time"]) for row in rows]
    return statistics.median(b - a for a, b in zip(times, times[1:]))


def measure(command: list[str], folder: pathlib.Path, threads: int) -> tuple[float, float]:
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive", YOLO_OFFLINE="true")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    with PeakOf(process.pid) as memory:
        out, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}\n{out[-3000:]}")
    return seconds_an_epoch(folder), memory.peak


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    threads = int(options.get("threads", "2"))
    ours = options.get("ours", "build/release/bin/yolo")
    settings = {
        "data": str(pathlib.Path(options["data"]).resolve()), "model": options.get("model", "yolo11n.yaml"),
        "imgsz": options.get("imgsz", "640"), "batch": options.get("batch", "8"),
        "workers": options.get("workers", "2"), "epochs": options.get("epochs", "3"), "close_mosaic": "0",
        "fraction": options.get("fraction", "1.0"),
        "plots": "False", "device": "cpu", "exist_ok": "True",
    }
    variants = options.get("variants", "fp32").split(",")
    found = {}
    with tempfile.TemporaryDirectory() as root:
        for _ in range(int(options.get("rounds", "1"))):
            for name in ["reference"] + variants:
                words = [f"{k}={v}" for k, v in settings.items()] + [f"project={root}", f"name={name}"]
                if name == "reference":
                    # Where its model YAML is looked for is its own affair: by name.
                    command = [sys.executable, "-c", REFERENCE, f"threads={threads}", *words]
                else:
                    command = [ours, "detect", "train", *words, f"amp={name}"]
                found.setdefault(name, []).append(measure(command, pathlib.Path(root) / name, threads))
    base = statistics.median(s for s, _ in found["reference"])
    base_peak = max(p for _, p in found["reference"])
    print("| program | s/epoch | times | peak MiB | share |\n|--|--|--|--|--|")
    for name, values in found.items():
        seconds, peak = statistics.median(s for s, _ in values), max(p for _, p in values)
        print(f"| {name} | {seconds:.1f} | {base / seconds:.2f} | {peak:.0f} | {peak / base_peak:.2f} |")


main()
