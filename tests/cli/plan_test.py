#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`yolo memory plan|advise|explain`, `yolo monitor`, `yolo checks` as a new user types them.

usage: plan_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

YOLO = SAMPLE = None


class PlanTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        shutil.copytree(SAMPLE, self.dir / "data", ignore=shutil.ignore_patterns("*.headroom"))
        self.data = f"data={self.dir}/data/data.yaml"

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def expect(self, code, *words, contains=()):
        done = subprocess.run([YOLO, *words], cwd=self.dir, capture_output=True, text=True, timeout=600)
        output = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, output)
        for text in contains:
            self.assertIn(text, output)
        return output

    def test_a_machine_that_is_not_here(self):
        words = ["memory", "plan", self.data, "model=yolo11n.yaml", "imgsz=320", "batch=64",
                 "workers=12", "ram=31G", "vram=24G"]
        output = self.expect(0, *words, "device=0", contains=["80 % of ram=31G", "85 % of vram=24G"])
        self.assertRegex(output, r"activations +- +[\d.]+ [MG]iB")
        self.assertEqual(self.expect(0, *words).splitlines()[0], output.splitlines()[0])
        self.assertFalse((self.dir / "runs").exists())  # Nothing is trained.

    def test_a_small_machine_gets_micro_batches_or_the_reason(self):
        words = ["memory", "plan", self.data, "model=yolo11n.yaml", "imgsz=640", "batch=64"]
        # The sample set has 40 images: a larger batch is all of them.
        self.expect(0, *words, "ram=1500M", contains=["batch 40 in micro-batches of", "to fit the limit"])
        # No budget gives more than the machine has.
        self.expect(4, *words, "ram=200M", contains=["memory= cannot give more than there is", "ram=200M"])

    def test_a_device_that_is_not_here_needs_its_size(self):
        self.expect(2, "memory", "plan", self.data, "model=yolo11n.yaml", "device=0", contains=["vram=24G"])

    def test_what_is_missing_is_named(self):
        self.expect(2, "memory", contains=["plan", "advise", "explain"])
        self.expect(2, "memory", "plan", "model=yolo11n.yaml", contains=["data= is missing"])
        self.expect(2, "memory", "plan", "data=nowhere.yaml", contains=["no such file"])
        self.expect(2, "memory", "explain", "nowhere", contains=["there is no folder nowhere"])
        self.expect(2, "memory", "explain", contains=["name one: yolo memory explain FOLDER"])
        self.expect(2, "monitor", contains=["there is no run in", "name one: yolo monitor FOLDER"])

    def test_knobs_are_checked_before_the_plan_is_made(self):
        words = ["memory", "plan", self.data, "model=yolo11n.yaml"]
        for wrong in (["compare=batch,foo"], ["compare", "=", "foo"]):
            self.assertNotIn("Memory plan", self.expect(2, *words, *wrong, contains=["compare=foo", "recompute"]))
        output = self.expect(0, *words, "imgsz", "=", "64", "compare", "=", "workers")
        self.assertRegex(output, r"\nworkers +needs whole")

    def test_a_run_of_the_reference_is_explained(self):
        folder = self.dir / "theirs"
        folder.mkdir()
        (folder / "args.yaml").write_text(
            "task: detect\nmode: train\nmodel: yolo11n.yaml\ndata: elsewhere.yaml\nepochs: 3\n"
            "batch: 8\nimgsz: 320\nworkers: 4\ndevice: null\nsave_dir: runs/detect/train\n")
        self.expect(2, "memory", "explain", str(folder), contains=["elsewhere.yaml", "data=FILE.yaml"])
        output = self.expect(0, "memory", "explain", str(folder / "args.yaml"), self.data, contains=[
            "run of the reference", "Assumed: it ran on the CPU", "Memory plan: batch 8"])
        self.assertEqual(output.count("would take up to"), 1)

    def test_a_run_of_the_reference_on_a_gpu_is_judged_as_one(self):
        folder = self.dir / "theirs"
        folder.mkdir()
        (folder / "args.yaml").write_text(
            "task: detect\nmode: train\nmodel: yolo11n.yaml\ndata: elsewhere.yaml\nepochs: 3\n"
            "batch: 2\nimgsz: 64\nworkers: 4\ndevice: '0'\nsave_dir: runs/detect/train\n")
        words = ["memory", "explain", str(folder), self.data]
        told = self.expect(0, *words, "ram=31G", "vram=24G", contains=["it would run in 31.0 GiB"])
        self.assertRegex(told, r"\d+ processes [\d.]+ GiB")
        self.assertNotIn("Assumed", told)
        told = self.expect(0, *words, contains=["would take up to"])
        # Of its own machine nothing is known: it is asked for, and this one says nothing of it.
        self.assertIn("ram=31G vram=24G", told.splitlines()[0])
        self.assertNotIn("it would", told)

    def test_advice_ends_with_the_command(self):
        os.rename(self.dir / "data", self.dir / "user's data")
        data = f"data={self.dir}/user's data/data.yaml"
        output = self.expect(0, "memory", "advise", data, "model=yolo11n.yaml", "imgsz=320",
                             contains=["8 GB", "128 GB"])
        last = shlex.split(output.strip().splitlines()[-1])
        self.assertEqual(last[:6], ["yolo", "detect", "train", data, "model=yolo11n.yaml", "imgsz=320"])

    def test_the_amount_that_is_advised_is_enough(self):
        small = [self.data, "model=yolo11n.yaml", "imgsz=160", "batch=4", "workers=1", "amp=False", "fraction=16"]
        train = ["train", *small, "epochs=1", "plots=False"]
        for words, memory in ((train, "memory=20M"), (train, "memory=150M"), (["memory", "plan", *small], "memory=150M")):
            output = self.expect(4, *words, memory)
            advice = re.search(r"Raise it with (memory=\d+M) or more", output).group(1)
            self.expect(0, *train, advice)

    def test_what_is_no_machine_is_refused(self):
        words = [self.data, "model=yolo11n.yaml", "imgsz=64"]
        for option, says in (("ram=1K", "how much memory a machine has"), ("ram=31", "how much memory a machine has"),
                             ("ram=2M", "no machine has so little memory"), ("ram=0.8", "no machine has so little"),
                             ("vram=2M", "no machine has so little memory")):
            for command in ("plan", "advise"):
                output = self.expect(2, "memory", command, *words, option, contains=[option, says, "with its unit"])
                self.assertNotIn("parameters", output)

    def test_advice_names_the_machine_that_it_is_for(self):
        words = ["memory", "advise", self.data, "model=yolo11n.yaml", "imgsz=64"]
        output = self.expect(0, *words, "ram=4G", contains=["Best for a machine of ram=4G", "\nram=4G "])
        self.assertNotIn("this machine", output)
        self.expect(0, *words, contains=["Best for what is free on this machine now ("])

    def test_advice_for_a_device_is_about_the_device(self):
        output = self.expect(0, "memory", "advise", self.data, "model=yolo11n.yaml", "imgsz=320", "ram=31G",
                             "vram=24G", "device=0", contains=["device peak", "tightest", "a 8 GB card"])
        self.assertRegex(output, r"batch=-1: \d+ images, ")
        self.assertRegex(output, r"\nblocks +[\d.]+ [MG]iB +[\d.]+ [MG]iB")  # Of host and device.
        last = shlex.split(output.strip().splitlines()[-1])
        # In a training vram= is the budget, not the device.
        self.assertEqual(last[:7], ["yolo", "detect", "train", self.data, "model=yolo11n.yaml", "imgsz=320",
                                    "device=0"])
        self.assertIn("workers=-1", last)
        self.assertRegex(" ".join(last), r" batch=\d+ ")

    def test_what_a_device_needs_is_said_as_it_must_be_typed(self):
        words = ["memory", "plan", self.data, "model=yolo11n.yaml", "imgsz=320", "ram=31G", "device=0"]
        output = self.expect(4, *words, "vram=100M")
        self.expect(0, *words, re.search(r"Raise it with (vram=\d+M)", output).group(1))
        self.expect(0, "memory", "plan", self.data, "model=yolo11n.yaml", "imgsz=64", "device=cpu", "vram=8G",
                    "recompute=none", contains=["vram=8G is ignored", "recompute=none"])

    def test_checks_say_what_a_default_run_would_use(self):
        output = self.expect(0, "checks", contains=["Host: ", "Memory limits", "A default run may hold"])
        self.assertRegex(output, r"would use batch 16, \d+ workers, \d+ threads")
        self.assertRegex(output, re.compile(r"^GPU", re.M))


if __name__ == "__main__":
    YOLO, SAMPLE = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
