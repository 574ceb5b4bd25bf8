#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the same small cases with two programs in turn; every weight and every figure must be equal, bit for bit.

For changes that must not change results: BEFORE is the program built before them, NOW the one at hand. Compared are all
tensors of every checkpoint (weights, EMA, optimizer states, running statistics) and results.csv but for its times.

usage: unchanged.py BEFORE NOW [--sample=FOLDER] [--only=WORD] [--keep=FOLDER]
  --sample  the sample data set (default: samples/bccd beside this file's tree)
  --only    the cases whose name contains the word
  --keep    run in this folder and leave it
Exit code: 0 equal, 1 different or a run failed, 2 usage.
"""

import argparse
import csv
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import torch_file

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 600
# nbs: the optimizer steps after every batch.
COMMON = ("epochs=2 batch=4 nbs=4 imgsz=96 workers=2 fraction=8 plots=False save_period=1 warmup_epochs=0 amp=False "
          "pretrained=False name=run exist_ok=True").split()


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    words: str
    classes: int = 3
    run: str = "whole"  # Or "interrupted": stopped in its second epoch, resumed. Or "refused": an allocation fails.
    says: str = ""  # What the output must contain: else the case does not test what it is for.


CASES = [
    *(Case(f"{model} {precision} {ops}", f"model={model}.yaml amp={precision} ops={ops}")
      for model in ("yolo11n", "yolo26n", "yolov8n") for precision in ("fp32", "bf16") for ops in ("fused", "reference")),
    Case("single_cls of 95 classes", "model=yolo11n.yaml single_cls=True", classes=95),
    Case("95 classes", "model=yolo26n.yaml imgsz=64", classes=95),
    Case("micro-batches", "model=yolo11n.yaml batch=5 microbatch=2 nbs=10 recompute=blocks"),
    Case("micro-batches of two heads", "model=yolo26n.yaml batch=4 microbatch=1"),
    Case("augmentation", "model=yolov8n.yaml imgsz=64 multi_scale=0.5 mixup=0.5 cutmix=0.5 degrees=20 shear=5 "
         "perspective=0.0005 flipud=0.5 close_mosaic=1 optimizer=AdamW cos_lr=True warmup_epochs=1"),
    Case("rectangles, frozen layers", "model=yolo11n.yaml rect=True freeze=10 optimizer=SGD"),
    Case("resumed", "model=yolo11n.yaml epochs=3 fraction=32", run="interrupted", says="esum"),
    Case("resumed, two heads", "model=yolo26n.yaml epochs=3 fraction=32 optimizer=MuSGD microbatch=2", run="interrupted",
         says="esum"),
    Case("refused memory", "model=yolo11n.yaml", run="refused", says="run again"),
    Case("refused memory, two heads", "model=yolo26n.yaml microbatch=2", run="refused", says="run again"),
]


class Failed(Exception):
    """A run that did not do what its case needs."""


class Program:
    """One of the two programs, with a folder and data of its own."""

    def __init__(self, yolo, folder, sample, refuser):
        self.yolo, self.folder, self.sample, self.refuser = yolo, folder, sample, refuser
        # Sums are taken per thread: as many for both, whatever else runs.
        self.environment = {**os.environ, "YOLO_CONFIG_DIR": str(folder / "settings"), "OMP_NUM_THREADS": "2"}

    def data(self, classes):
        root = self.folder / f"data{classes}"
        if not root.exists():
            shutil.copytree(self.sample, root, ignore=shutil.ignore_patterns("*.headroom"))
            generator = random.Random(95)
            for path in sorted((root / "labels").rglob("*.txt")):
                rows = [line.split() for line in path.read_text().splitlines()]
                drawn = [[str(generator.randrange(classes)), *row[1:]] for row in rows]
                path.write_text("".join(" ".join(row) + "\n" for row in (rows if classes == 3 else drawn)))
            names = [f"part {i}" for i in range(classes)]
            (root / "data.yaml").write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames: {names}\n")
        return root / "data.yaml"

    def start(self, *words, **more):
        return subprocess.Popen([self.yolo, *words], cwd=self.folder, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env={**self.environment, **more})

    def end(self, process, code=0):
        output, _ = process.communicate(timeout=TIMEOUT_S)
        if process.returncode != code:
            raise Failed(f"{self.yolo} ended with {process.returncode}, not {code}:\n{output[-3000:]}")
        return output

    def wait_for(self, process, reached):
        while not reached() and process.poll() is None:
            time.sleep(0.001)

    def run(self, case):
        """Trains; the run's folder and what was printed."""
        folder = self.folder / case.name.replace(" ", "-").replace(",", "")
        words = ["detect", "train", f"data={self.data(case.classes)}", *COMMON, *case.words.split(), f"project={folder}"]
        run = folder / "run"
        if case.run == "interrupted":
            process = self.start(*words)
            self.wait_for(process, lambda: rows_of(run / "results.csv") >= 1)
            process.send_signal(signal.SIGINT)
            self.end(process, 130)
            output = self.end(self.start("detect", "train", f"model={run}/weights/last.pt", "resume=True"))
        elif case.run == "refused":
            output = self.run_refused(words, folder)
        else:
            output = self.end(self.start(*words))
        if case.says not in output:
            raise Failed(f"{self.yolo} did not say '{case.says}':\n{output[-3000:]}")
        return run

    def run_refused(self, words, folder):
        """Memory is refused in the first step after the run's first word of its epochs."""
        armed = folder / "refuse"
        process = self.start(*words, LD_PRELOAD=str(self.refuser), REFUSE_FILE=str(armed))
        said = []
        for line in process.stdout:
            said.append(line)
            if "Starting training" in line:
                armed.touch()
        process.wait(timeout=TIMEOUT_S)
        if process.returncode != 0 or armed.exists():
            raise Failed(f"{self.yolo} ended with {process.returncode}, nothing refused:\n{''.join(said)[-3000:]}")
        return "".join(said)


def rows_of(path):
    return max(0, len(path.read_text().splitlines()) - 1) if path.exists() else 0


def results_of(run):
    """results.csv without the column of times."""
    with (run / "results.csv").open() as file:
        return [{key.strip(): value for key, value in row.items() if key.strip() != "time"} for row in csv.DictReader(file)]


def differences(before, now):
    """Lines that say what differs between the folders of two runs."""
    if results_of(before) != results_of(now):
        yield "results.csv differs"
    names = [sorted(path.name for path in (run / "weights").glob("*.pt")) for run in (before, now)]
    if names[0] != names[1]:
        yield f"checkpoints {names[0]}, now {names[1]}"
    for name in sorted(set(names[0]) & set(names[1])):
        old, new = (torch_file.read_tensors(run / "weights" / name) for run in (before, now))
        if not old:
            yield f"{name} has no tensors"
        for label, keys in (("gone", old.keys() - new.keys()), ("new", new.keys() - old.keys()),
                            ("different", {key for key in old.keys() & new.keys() if old[key] != new[key]})):
            if keys:
                yield f"{name}: {len(keys)} of {len(old)} tensors {label}, such as {min(keys)}"


def build_refuser(folder):
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        sys.exit("unchanged.py: no C++ compiler (c++) is here; it makes the library that refuses memory")
    library = folder / "refuse_memory.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "refuse_memory.cc"], check=True)
    return library


def compare(case, programs):
    """Runs a case with both programs; whether they agree."""
    began = time.monotonic()
    try:
        found = list(differences(*(program.run(case) for program in programs)))
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        found = [str(error)]
    print(f"{'equal' if not found else 'DIFFERENT':9}  {time.monotonic() - began:5.1f} s  {case.name}", flush=True)
    for line in found:
        print(f"    {line}", flush=True)
    return not found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("now")
    parser.add_argument("--sample", type=pathlib.Path, default=HERE.parents[1] / "samples/bccd")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    if not cases:
        parser.error(f"no case's name contains '{options.only}': {', '.join(case.name for case in CASES)}")
    root = (options.keep or pathlib.Path(tempfile.mkdtemp(prefix="unchanged-"))).resolve()
    programs = []
    for name, yolo in (("before", options.before), ("now", options.now)):
        (root / name).mkdir(parents=True, exist_ok=True)
        programs.append(Program(os.path.abspath(yolo), root / name, options.sample.resolve(), build_refuser(root)))
    equal = [compare(case, programs) for case in cases]
    print(f"{sum(equal)} of {len(equal)} cases equal")
    if options.keep is None:
        shutil.rmtree(root, ignore_errors=True)
    return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
