#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command that started it, on 2,000 images in memory groups of 6, 3 and 2 GiB: it completes, the
kernel kills nothing, the anonymous memory stays within the plan's budget, and there are as many
optimizer steps as without a limit. One epoch on a fraction of the images: a batch of 133 and one of
17.

usage: case_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import os
import pickletools
import re
import threading
import unittest
import zipfile

from cgroup import Cgroup, cgroups_missing
from run_case import RunCase, main

IMAGES = 2000
BATCH = 133
# As typed, but for the share of the images and the checkpoint that keeps its count of steps.
WORDS = ["model=yolo11n.yaml", "imgsz=640", "workers=12", "single_cls=true", "epochs=1",
         "close_mosaic=0", "save_period=1"]
TWO_BATCHES = "fraction=[150,8]"
SAMPLE_S = 0.2


def optimizer_steps(checkpoint):
    """The count in a checkpoint that was not stripped."""
    with zipfile.ZipFile(checkpoint) as archive:
        name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        found = False
        for code, value, _ in pickletools.genops(archive.read(name)):
            if found and isinstance(value, int) and "INT" in code.name:
                return value
            found = found or value == "optimizer_steps"
    raise ValueError(f"{checkpoint} has no count of optimizer steps")


class PeakOf:
    """Samples the anonymous memory of a group until the block is left."""

    def __init__(self, group):
        self.bytes = 0
        self._group = group
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self._end.wait(SAMPLE_S):
            self.bytes = max(self.bytes, self._group.anonymous())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


class CaseTest(RunCase):
    copies = 1
    free_steps = None  # Of the run without a limit, for all tests.

    def setUp(self):
        super().setUp()
        for kind in ("images", "labels"):
            files = sorted((self.data / kind / "train").glob("Blood*"))
            for i in range(len(files), IMAGES):
                file = files[i % len(files)]
                os.link(file, file.with_name(f"copy{i // len(files)}_{file.name}"))
            self.assertEqual(len(list((self.data / kind / "train").glob("*Blood*"))), IMAGES)

    def command(self, *words, name="run"):
        return [self.yolo, "detect", "train", f"data={self.data}/data.yaml", *WORDS,
                f"project={self.dir}", f"name={name}", "exist_ok=true", *words]

    def steps(self, name="run"):
        return optimizer_steps(self.dir / name / "weights" / "epoch0.pt")

    def steps_without_a_limit(self):
        if CaseTest.free_steps is None:
            self.train(f"batch={BATCH}", TWO_BATCHES, name="free")
            CaseTest.free_steps = self.steps("free")
        return CaseTest.free_steps

    def check_group(self, gib, *words):
        """Trains in such a group; the log."""
        group = Cgroup(gib << 30)
        try:
            run = self.start(self.command(*words), group)
            with PeakOf(group) as peak:
                output = self.finish(run)
            self.assertEqual(group.oom_kills(), 0, output[-3000:])
        finally:
            group.close()
        budget = self.plan()["host"]["limit_bytes"]
        print(f"{gib} GiB {' '.join(words)}: peak total_rss {peak.bytes / 2**20:.0f} MiB, planned "
              f"{self.plan()['host']['peak_bytes'] / 2**20:.0f}, budget {budget / 2**20:.0f}, "
              f"{self.steps()} optimizer steps", flush=True)
        self.assertLessEqual(budget, 0.8 * (gib << 30))
        self.assertGreater(peak.bytes, 0)
        self.assertLessEqual(peak.bytes, budget, output[-3000:])
        return output

    def check_case(self, gib):
        output = self.check_group(gib, f"batch={BATCH}", TWO_BATCHES)
        micro = re.search(rf"Memory plan: batch {BATCH} in micro-batches of (\d+)", output)
        self.assertIsNotNone(micro, output[:6000])
        self.assertLessEqual(2 * int(micro.group(1)), BATCH + 1)
        # What the run went by is what it said.
        used = (self.dir / "run" / "headroom.yaml").read_text()
        self.assertIn(f"micro_batch_images: {micro.group(1)}\n", used)
        self.assertIn(f"batch_images: {BATCH}\n", used)
        self.assertRegex(output, r" 2/2 ")
        self.assertEqual(self.steps(), 2)
        self.assertEqual(self.steps(), self.steps_without_a_limit())

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_in_6_gib(self):
        self.check_case(6)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_in_3_gib(self):
        self.check_case(3)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_in_2_gib(self):
        self.check_case(2)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_a_batch_that_is_chosen_in_2_gib(self):
        output = self.check_group(2, "batch=-1", "fraction=[64,8]")
        self.assertRegex(output, r"Memory plan: batch 16\b")
        self.assertRegex(output, r" 4/4 ")


if __name__ == "__main__":
    main()
