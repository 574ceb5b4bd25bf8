#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real trainings under real limits: memory cgroups (v1, as root), kill -9, a neighbour that grows.

usage: memory_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

YOLO = SAMPLE = None
GROUPS = pathlib.Path("/sys/fs/cgroup/memory")
QUICK = ["model=yolo11n.yaml", "amp=False", "warmup_epochs=0"]

# Takes memory at a steady rate until so much of the limit is left, holds it, gives it back.
HOG = """
import sys, time
rate, total, hold = (float(a) for a in sys.argv[1:4])
held, start = [], time.time()
while sum(map(len, held)) < total:
    if sum(map(len, held)) < rate * (time.time() - start):
        block = bytearray(4 << 20)
        for i in range(0, len(block), 4096):
            block[i] = 1
        held.append(block)
    else:
        time.sleep(0.005)
time.sleep(hold)
"""


class Cgroup:
    """A memory group of its own; processes started with run() are in it."""

    def __init__(self, limit):
        self.path = GROUPS / f"headroom-test-{os.getpid()}-{time.time_ns()}"
        self.path.mkdir()
        (self.path / "memory.limit_in_bytes").write_text(str(limit))

    def popen(self, command, **more):
        enter = lambda: (self.path / "cgroup.procs").write_text(str(os.getpid()))
        return subprocess.Popen(command, preexec_fn=enter, **more)

    def oom_kills(self):
        text = (self.path / "memory.oom_control").read_text()
        return int(re.search(r"oom_kill (\d+)", text).group(1))

    def close(self):
        for _ in range(50):
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.1)


def cgroups_missing():
    if not (GROUPS / "cgroup.procs").exists():
        return "there is no v1 memory cgroup here"
    if not os.access(GROUPS, os.W_OK) or os.geteuid() != 0:
        return "memory cgroups need root"
    try:
        Cgroup(1 << 30).close()
    except OSError as error:
        return f"memory cgroups cannot be made: {error}"
    return None


def bytes_of(text):
    number, unit = text.split()
    return float(number) * {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]


class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.data = self.dir / "data"
        shutil.copytree(SAMPLE, self.data, ignore=shutil.ignore_patterns("*.headroom"))
        for i in range(1, 5):  # 40 images become 200.
            for kind in ("images", "labels"):
                for file in list((self.data / kind / "train").glob("Blood*")):
                    shutil.copy(file, file.with_name(f"copy{i}_{file.name}"))

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, *words, name="run"):
        return [YOLO, "detect", "train", f"data={self.data}/data.yaml", *QUICK,
                f"project={self.dir}", f"name={name}", "exist_ok=true", *words]

    def train(self, *words, group=None, name="run", expect=0):
        run = (group.popen if group else subprocess.Popen)(
            self.command(*words, name=name), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, cwd=self.dir)
        output, _ = run.communicate(timeout=600)
        self.assertEqual(run.returncode, expect, output[-3000:])
        return output

    def plan(self, name="run"):
        return json.loads((self.dir / name / "memory_plan.json").read_text())

    def peak_anonymous(self, name="run"):
        rows = (self.dir / name / "memory.csv").read_text().splitlines()
        column = rows[0].split(",").index("rss_anon_mb")
        return max(float(row.split(",")[column]) for row in rows[1:]) * 2**20

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_the_case_that_started_it_completes_in_a_small_group(self):
        words = ["imgsz=320", "batch=133", "workers=12", "single_cls=true", "epochs=1",
                 "close_mosaic=0"]
        free = self.train(*words, name="free")
        self.assertNotIn("micro-batches", free)
        group = Cgroup(900 << 20)
        try:
            output = self.train(*words, group=group)
            self.assertEqual(group.oom_kills(), 0)
        finally:
            group.close()
        self.assertRegex(output, r"batch 133 in micro-batches of \d+")
        self.assertIn("900 MiB", output)
        limit = self.plan()["host"]["limit_bytes"]
        self.assertLess(limit, 900 << 20)
        self.assertLessEqual(self.peak_anonymous(), limit)
        steps = [(self.dir / name / "results.csv").read_text().count("\n") for name in ("run", "free")]
        self.assertEqual(steps[0], steps[1])
        self.assertRegex(output, r" 2/2 ")
        self.assertRegex(free, r" 2/2 ")

    def test_a_run_that_cannot_fit_says_what_it_needs(self):
        output = self.train("imgsz=640", "batch=16", "memory=150M", expect=4)
        self.assertIn("memory=", output)

    def test_the_plan_holds(self):
        self.train("imgsz=320", "batch=16", "epochs=1", "close_mosaic=0", "workers=2", "fraction=48")
        planned = self.plan()["host"]["peak_bytes"]
        rows = (self.dir / "run" / "memory.csv").read_text().splitlines()
        column = rows[0].split(",").index("rss_peak_mb")
        measured = max(float(row.split(",")[column]) for row in rows[1:]) * 2**20
        self.assertLessEqual(measured, planned)
        self.assertLessEqual(planned, 1.10 * measured)

    def test_single_cls_holds_no_byte_more(self):
        words = ["imgsz=160", "batch=16", "epochs=1", "workers=2", "fraction=48"]
        self.train(*words, name="many")
        self.train(*words, "single_cls=true", name="one")
        rows = [self.plan(name)["host"]["phases"]["train step"]["rows"] for name in ("one", "many")]
        for tag in ("labels", "batches", "mosaic pool", "decode"):
            self.assertEqual(rows[0][tag]["bytes"], rows[1][tag]["bytes"], tag)
        self.assertLessEqual(self.plan("one")["host"]["peak_bytes"],
                             1.02 * self.plan("many")["host"]["peak_bytes"])

    def test_a_killed_run_is_explained_and_resumed(self):
        words = ["imgsz=96", "batch=8", "workers=1", "fraction=48", "epochs=3"]
        run = subprocess.Popen(self.command(*words), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd=self.dir)
        last = self.dir / "run" / "weights" / "last.pt"
        while not last.exists() and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        explained = subprocess.run([YOLO, "memory", "explain", str(self.dir / "run")],
                                   capture_output=True, text=True, check=True).stdout
        self.assertIn("killed", explained)
        self.assertIn("resume=True", explained)
        seen = subprocess.run([YOLO, "monitor", str(self.dir / "run"), "--once", "--json"],
                              capture_output=True, text=True, check=True).stdout
        self.assertEqual(json.loads(seen)["fate"], "killed")
        resumed = subprocess.run([YOLO, "train", f"model={last}", "resume=True"], cwd=self.dir,
                                 capture_output=True, text=True, timeout=600)
        self.assertEqual(resumed.returncode, 0, resumed.stdout + resumed.stderr)
        self.assertIn("killed", resumed.stdout)
        self.assertEqual(len((self.dir / "run" / "results.csv").read_text().splitlines()), 4)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_a_neighbour_that_grows_is_given_way_to(self):
        limit = 1600 << 20
        group = Cgroup(limit)
        try:
            run = group.popen(self.command("imgsz=320", "batch=64", "workers=2", "epochs=4",
                                           "val=False", "close_mosaic=0"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=self.dir)
            log = self.dir / "run" / "memory.csv"
            while not log.exists() and run.poll() is None:
                time.sleep(0.1)
            time.sleep(3)
            hog = group.popen([sys.executable, "-c", HOG, str(100 << 20), str(0.5 * limit), "4"])
            output, _ = run.communicate(timeout=600)
            hog.wait(timeout=120)
            self.assertEqual(group.oom_kills(), 0, output[-3000:])
        finally:
            group.close()
        self.assertEqual(run.returncode, 0, output[-3000:])
        self.assertEqual(hog.returncode, 0)
        self.assertRegex(output, r"Memory: .*budget .* -> ")


if __name__ == "__main__":
    YOLO, SAMPLE = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
