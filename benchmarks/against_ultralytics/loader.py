#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reference's training loader and ours in turn, at the same number of workers.

    PYTHON benchmarks/against_ultralytics/loader.py images=FOLDER [workers=1,2] [batch=16] [imgsz=640]
        [rounds=3] [ours=build/release/bin/headroom_loader_bench]

Run with a Python that has ultralytics 8.4.190 (environment.sh). Every round starts both programs anew;
each makes its epochs one after another and the last counts, when pools and buffers are full. Full default
augmentation (mosaic, affine, HSV, flips). Prints medians of images/s and the peak of resident bytes, all
processes of a program together.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import time

from process_memory import PeakOf

EPOCHS = 3


def reference_loader(images: str, workers: int, batch: int, size: int) -> None:
    """Prints images/s of every epoch; a process of its own."""
    import torch
    from ultralytics.cfg import get_cfg
    from ultralytics.data import build_dataloader, build_yolo_dataset

    torch.set_num_threads(1)
    config = get_cfg(overrides={"imgsz": size, "batch": batch, "workers": workers})
    data = {"names": {0: "RBC", 1: "WBC", 2: "Platelets"}, "nc": 3, "channels": 3}
    dataset = build_yolo_dataset(config, images, batch, data, mode="train", rect=False)
    loader = build_dataloader(dataset, batch, workers, shuffle=True, rank=-1)
    for _ in range(EPOCHS):
        start, count = time.perf_counter(), 0
        for item in loader:
            count += len(item["img"])
        print(f"rate {count / (time.perf_counter() - start):.1f}", flush=True)
    os._exit(0)  # Its workers would wait for another epoch.


def measure(command: list[str]) -> tuple[float, float]:
    """The last epoch's images/s and the peak in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with PeakOf(process.pid) as memory:
        out, err = process.communicate()
    words = [line.split() for line in out.splitlines()]
    rates = [float(w[1]) for w in words if w and w[0] == "rate"]
    rates += [float(w[2]) for w in words if w and w[0] == "epoch"]
    if not rates:
        sys.exit(f"{' '.join(command)}: no figures\n{out}\n{err}")
    return rates[-1], memory.peak


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    images = str(pathlib.Path(options["images"]).resolve())
    batch, size = int(options.get("batch", "16")), int(options.get("imgsz", "640"))
    if "only" in options:
        reference_loader(images, int(options["only"]), batch, size)
    ours = options.get("ours", "build/release/bin/headroom_loader_bench")
    print("| workers | the reference, images/s | ours | times | its peak MiB | ours |\n|--|--|--|--|--|--|")
    for workers in options.get("workers", "1,2").split(","):
        commands = {
            "reference": [sys.executable, __file__, f"images={images}", f"only={workers}", f"batch={batch}",
                          f"imgsz={size}"],
            "ours": [ours, f"images={images}", f"workers={workers}", f"batch={batch}", f"imgsz={size}",
                     f"epochs={EPOCHS}"],
        }
        rounds = {name: [] for name in commands}
        for _ in range(int(options.get("rounds", "3"))):
            for name, command in commands.items():
                rounds[name].append(measure(command))
        rate = {name: statistics.median(r for r, _ in found) for name, found in rounds.items()}
        peak = {name: max(p for _, p in found) for name, found in rounds.items()}
        print(f"| {workers} | {rate['reference']:.0f} | {rate['ours']:.0f} | {rate['ours'] / rate['reference']:.2f} "
              f"| {peak['reference']:.0f} | {peak['ours']:.0f} |", flush=True)


main()
