#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenarios under real limits: that the table is sound, that its pictures are what they say,
and today's part of it (run.py says how it is chosen).

usage: hostile_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import run  # First: it makes tests/memory known.
import cgroup
import datasets
import pictures
import scenarios

FINDINGS = {*(f"F{i}" for i in range(1, 15)), "S2", "D1", "held"}


class TableTest(unittest.TestCase):
    def test_rows_are_sound(self):
        names = [s.name for s in scenarios.TABLE]
        self.assertGreaterEqual(len(names), 60)
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual({s.data for s in scenarios.TABLE}, set(datasets.DATA))
        self.assertEqual({s.finding for s in scenarios.TABLE}, FINDINGS)
        for scenario in scenarios.TABLE:
            self.assertTrue(all(step.holds for step in scenario.steps), scenario.name)

    def test_parts_are_the_table(self):
        parts = run.parts()
        self.assertCountEqual([s.name for part in parts for s in part],
                              [s.name for s in scenarios.TABLE])
        for part in parts:
            self.assertLess(sum(s.seconds for s in part), 1.2 * run.PART_S)


class PicturesTest(unittest.TestCase):
    def test_every_kind_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            data = datasets.DataSet(pathlib.Path(folder) / "data", SAMPLE)
            datasets.every_kind(333, 217)(data)
            done = subprocess.run([YOLO, "data", "check", f"data={data.folder}/data.yaml"],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.count(", 0 corrupt;"), 2, done.stdout)

    def test_a_huge_one_is_small_to_write(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "huge.png"
            pictures.write_png(path, 20000, 10000)
            self.assertLess(path.stat().st_size, 1 << 20)


class GroupTest(unittest.TestCase):
    """The files of the unified hierarchy, on a machine that may have the older one only."""

    def test_version_2_by_its_files(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "cgroup.controllers").write_text("cpu memory pids\n")
            version = cgroup._Version2()
            version.root = root
            version.prepare()
            self.assertEqual((root / "cgroup.subtree_control").read_text(), "+memory")
            known, cgroup._version = cgroup._version, lambda: version
            try:
                group = cgroup.Cgroup(1 << 30)
            finally:
                cgroup._version = known
            self.assertEqual((group.path / "memory.max").read_text(), str(1 << 30))
            (group.path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n")
            (group.path / "memory.stat").write_text("anon 4096\nfile 8192\nanon_thp 0\n")
            self.assertEqual(group.oom_kills(), 1)
            self.assertEqual(group.anonymous(), 4096)


class PartTest(unittest.TestCase):
    def test_todays_part_holds(self):
        harness = run.Harness(YOLO, SAMPLE)
        try:
            self.assertTrue(run.run_all(harness, run.choose_part()))
        finally:
            harness.close()


if __name__ == "__main__":
    YOLO, SAMPLE = (str(pathlib.Path(sys.argv.pop(1)).resolve()) for _ in range(2))
    unittest.main(verbosity=2)
