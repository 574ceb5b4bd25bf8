#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a neighbour in the same memory group may grow without the run being killed.

For each rate a training starts in a group of its own; in mid-run a neighbour takes memory at that
rate until 40 % of the limit is left, holds it for 10 s and gives it back. A row says whether the
kernel killed anybody, whether run and neighbour survived, or how the run ended, and what it did.

usage: fastest_hog.py [--limit 4G] [--rates 100,200,400] YOLO DATA_YAML [WORDS OF THE TRAINING]
"""

import argparse
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "memory"))
from cgroup import HOG, Cgroup, cgroups_missing  # noqa: E402
from run_case import read_page  # noqa: E402

WORDS = ["model=yolo11n.yaml", "imgsz=640", "batch=64", "workers=2", "amp=False", "epochs=100",
         "val=False", "close_mosaic=0", "plots=False"]
CALM_S = 45  # The budget grows again after 30 s of calm.


def size(text):
    return int(float(text[:-1]) * {"M": 2**20, "G": 2**30}[text[-1]])


def attempt(yolo, data, words, limit, rate):
    """Kills counted by the kernel, how either ended (None: the run still ran), the run's log."""
    group = Cgroup(limit)
    with tempfile.TemporaryDirectory() as folder:
        log_path = pathlib.Path(folder) / "log.txt"
        with open(log_path, "w", encoding="utf-8") as log:
            run = group.popen([yolo, "train", f"data={data}", *words, f"project={folder}",
                               "name=run"], stdout=log, stderr=log)
            page = pathlib.Path(folder) / "run" / "last_state.bin"
            while run.poll() is None:
                seen = read_page(page)
                if seen is not None and seen.phase == "train step" and seen.batch >= 1:
                    break
                time.sleep(0.2)
            hog = group.popen([sys.executable, "-c", HOG, str(rate), str(0.6 * limit), "10"])
            hog.wait()
            time.sleep(CALM_S if run.poll() is None else 0)
            ended = run.poll()
            run.terminate()
            run.wait()
            kills = group.oom_kills()
        # A killed run may leave half a character.
        text = log_path.read_text(encoding="utf-8", errors="replace")
    group.close()
    return kills, ended, hog.returncode, text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("yolo")
    parser.add_argument("data")
    parser.add_argument("--limit", default="4G")
    parser.add_argument("--rates", default="100,200,400,800,1600", help="MB/s")
    parser.add_argument("words", nargs="*", default=WORDS)
    arguments = parser.parse_args()
    if cgroups_missing():
        sys.exit(cgroups_missing())
    print(f"{'MB/s':>6}{'oom_kill':>10}{'both survive':>14}  what the run did", flush=True)
    for rate in arguments.rates.split(","):
        kills, ended, hog, text = attempt(arguments.yolo, arguments.data, arguments.words,
                                          size(arguments.limit), float(rate) * 1e6)
        acts = [line[8:] for line in text.splitlines() if line.startswith("Memory: ")]
        acts = [re.sub(r"\s+", " ", act) for act in acts if "peak" not in act]
        survived = "yes" if ended is None and hog == 0 else "no"
        how = "" if ended is None else f", then ended with {ended}"
        how += "" if hog == 0 else f", the neighbour ended with {hog}"
        print(f"{rate:>6}{kills:>10}{survived:>14}  {len(acts)} acts{how}", flush=True)
        for act in acts:
            print(f"{'':>32}{act}", flush=True)


if __name__ == "__main__":
    main()
