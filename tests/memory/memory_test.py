#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real trainings under real limits: memory cgroups (as root) and a neighbour that grows.

usage: memory_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import pathlib
import re
import signal
import statistics
import sys
import time
import unittest

from cgroup import HOG, SUDDEN_HOG, Cgroup, cgroups_missing
from run_case import RunCase, main, read_budget, read_page

# Lines of the log. The first is followed by what was given back.
CUT = r"Memory: (?!there was room).*; budget .* -> "
GREW = r"Memory: there was room for .*; budget .* -> "


class MemoryTest(RunCase):
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
        planned, measured = self.assertPlanHolds()
        self.assertLessEqual(planned, 1.10 * measured)

    def many_classes(self, count):
        """The same boxes with classes 0 to count - 1."""
        (self.data / "data.yaml").write_text(
            "train: images/train\nval: images/val\n"
            f"names: [{', '.join(f'c{i}' for i in range(count))}]\n")
        number = 0
        for label in sorted((self.data / "labels").glob("*/*.txt")):
            rows = [row.split() for row in label.read_text().splitlines()]
            for row in rows:
                row[0], number = str(number % count), number + 1
            label.write_text("".join(" ".join(row) + "\n" for row in rows))

    def check_single_cls(self, classes):
        self.many_classes(classes)
        words = ["imgsz=160", "batch=16", "epochs=1", "workers=2", "fraction=48", "close_mosaic=0"]
        self.train(*words, name="many")
        self.train(*words, "single_cls=true", name="one")
        for phase in self.plan("one")["host"]["phases"]:
            one, many = (self.plan(name)["host"]["phases"][phase]["rows"] for name in ("one", "many"))
            for tag in ("labels", "batches", "mosaic pool", "decode"):
                self.assertEqual(one.get(tag), many.get(tag), f"{tag} in {phase}")
            for tag, row in one.items():
                if row["basis"] == "exact":
                    self.assertLessEqual(row["bytes"], many[tag]["bytes"], f"{tag} in {phase}")
        self.assertLessEqual(self.peak_resident("one"), 1.02 * self.peak_resident("many"))

    def test_single_cls_holds_no_byte_more_than_3_classes(self):
        self.check_single_cls(3)

    def test_single_cls_holds_no_byte_more_than_95_classes(self):
        self.check_single_cls(95)

    def resumed_after_a_kill(self, words, limit):
        """A run that the kernel kills in a group for a neighbour's sake; what the resumed one says."""
        group = Cgroup(limit)
        try:
            run = self.start(self.command(*words), group)
            while not (self.dir / "run" / "weights" / "last.pt").exists() and run.poll() is None:
                time.sleep(0.05)
            before = read_budget(self.dir / "run" / "last_state.bin")
            # Of the two the kernel shall take the run.
            pathlib.Path(f"/proc/{run.pid}/oom_score_adj").write_text("1000")
            hog = group.popen([sys.executable, "-c", SUDDEN_HOG, str(int(0.9 * limit))])
            hog.wait(timeout=120)
            self.finish(run, -signal.SIGKILL)
            self.assertGreaterEqual(group.oom_kills(), 1)
            kills = group.oom_kills()
            explained = self.call("memory", "explain", str(self.dir / "run"))
            self.assertIn("was killed by the kernel for memory", explained)
            self.assertRegex(explained, r"plans again within .* instead of .* and goes on")
            output = self.finish(self.start(
                [self.yolo, "train", f"model={self.dir}/run/weights/last.pt", "resume=True"], group))
            self.assertEqual(group.oom_kills(), kills)
        finally:
            group.close()
        self.assertIn("was killed by the kernel for memory", output)
        self.assertIn("cut after the kill", output)
        self.assertLessEqual(self.plan()["host"]["peak_bytes"], self.plan()["host"]["limit_bytes"])
        self.assertEqual(len(self.results()), 4)
        # It stays cut to the end, room or not.
        self.assertRegex(output, r"actual peak .*, limit .*\(cut ")
        self.assertNotIn("there was room", output)
        return output, before

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_a_run_killed_for_memory_goes_on_within_less(self):
        # Large pictures: what it holds leaves room to plan for less.
        _, before = self.resumed_after_a_kill(["imgsz=640", "batch=8", "workers=1", "epochs=3",
                                               "fraction=16", "plots=False"], 1600 << 20)
        self.assertLessEqual(self.plan()["host"]["limit_bytes"], 0.81 * before)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_a_small_run_killed_for_memory_gets_what_it_needs(self):
        # Hardly more than the program itself: there is nothing to plan less with.
        output, _ = self.resumed_after_a_kill(["imgsz=96", "batch=2", "workers=1", "epochs=3",
                                            "fraction=40", "plots=False"], 700 << 20)
        self.assertIn("cut after the kill to what the smallest settings need", output)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_a_kill_9_is_none_for_memory_though_another_group_had_one(self):
        # As a container that is started again: its group is gone, and somebody was killed since.
        group, other = Cgroup(2 << 30), Cgroup(64 << 20)
        try:
            run = self.start(self.command("imgsz=96", "batch=2", "workers=1", "epochs=9",
                                          "fraction=40", "plots=False", "val=False"), group)
            while not (self.dir / "run" / "weights" / "last.pt").exists() and run.poll() is None:
                time.sleep(0.05)
            run.kill()
            self.finish(run, -signal.SIGKILL)
            group.close()
            hog = other.popen([sys.executable, "-c", SUDDEN_HOG, str(256 << 20)])
            self.assertEqual(hog.wait(timeout=120), -signal.SIGKILL)
            self.assertGreaterEqual(other.oom_kills(), 1)
        finally:
            other.close()
        explained = self.call("memory", "explain", str(self.dir / "run"))
        self.assertRegex(explained, "was killed, (but|probably) not by the kernel for memory")
        self.assertIn("goes on from the last checkpoint with the same budget", explained)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_who_is_alone_in_a_group_gives_way_to_nobody(self):
        # Its own checkpoints, after every epoch, are page cache; the plan fills the group.
        group = Cgroup(700 << 20)
        try:
            output = self.train("imgsz=320", "batch=32", "workers=2", "epochs=4", "fraction=32",
                                "close_mosaic=0", "val=False", "plots=False", group=group)
            self.assertEqual(group.oom_kills(), 0)
        finally:
            group.close()
        self.assertIn("to fit the limit", output)
        self.assertNotRegex(output, CUT)
        self.assertIn("nothing had to be given back", output)

    def crowd(self, split, boxes=5000):
        """Gives one image of the split so many small objects."""
        label = min((self.data / "labels" / split).glob("*.txt"))
        label.write_text("".join(
            f"{i % 3} {(i % 100 + 0.5) / 100:.4f} {(i // 100 + 0.5) / 50:.4f} 0.008 0.016\n"
            for i in range(boxes)))

    def test_a_crowded_image_makes_no_spike(self):
        words = ["imgsz=320", "batch=16", "epochs=1", "close_mosaic=0", "workers=2", "fraction=48"]
        self.train(*words, name="sparse")
        self.crowd("train")
        self.crowd("val")
        for name, single in (("crowded", "false"), ("crowded_single", "true")):
            output = self.train(*words, f"single_cls={single}", name=name)
            planned, measured = self.assertPlanHolds(name)
            self.assertLessEqual(planned, 1.10 * measured)
            # 5,000 boxes weigh what they weigh in the tables, not boxes times anchors times batch.
            self.assertLessEqual(measured, self.peak_resident("sparse") + (24 << 20))
            self.assertNotIn("Gave back", output)
            for picture in ("labels.jpg", "train_batch0.jpg", "val_batch0_pred.jpg"):
                self.assertTrue((self.dir / name / picture).exists(), picture)

    def test_what_no_row_names_does_not_grow(self):
        self.train("imgsz=320", "batch=16", "epochs=3", "close_mosaic=0", "workers=2", "fraction=96")
        # The runtime's row is a reservation for what no other row names.
        columns = [self.column("run", f"{c}_mb") for c in ("rss_anon", "ledger", "runtime", "activations")]
        unnamed = [anon - (ledger - runtime) for anon, ledger, runtime, active in zip(*columns)
                   if runtime > 0 and active > 0]
        self.assertGreater(len(unnamed), 5)
        # The very first may be of reservations that nobody has written to yet.
        self.assertLess(max(unnamed) - statistics.median(unnamed[:5]), 60)
        # Before the runtime is measured and charged all of it is unaccounted.
        unaccounted = [value for value, runtime in zip(self.column("run", "unaccounted_mb"), columns[2])
                       if runtime > 0]
        self.assertLess(max(unaccounted), 60)

    def test_the_watch_costs_next_to_nothing(self):
        output = self.train("imgsz=320", "batch=16", "epochs=1", "workers=2", "fraction=96")
        share = float(re.search(r"watching took ([\d.]+) % of the CPU time", output).group(1))
        self.assertLess(share, 0.2)

    @unittest.skipIf(cgroups_missing(), cgroups_missing() or "")
    def test_a_neighbour_that_grows_is_given_way_to_until_it_has_gone(self):
        limit = 4 << 30
        group = Cgroup(limit)
        folder, log = self.dir / "run", self.dir / "log.txt"
        run = hog = None

        def wait_for(reached, seconds):
            end = time.time() + seconds
            while not reached():
                self.assertIsNone(run.poll(), log.read_text()[-3000:])
                self.assertLess(time.time(), end, log.read_text()[-3000:])
                time.sleep(0.2)

        def in_mid_run():
            page = read_page(folder / "last_state.bin")
            filled = group.anonymous() > 0.5 * limit  # More than the neighbour leaves.
            return filled and page is not None and page.phase == "train step"

        try:
            # The plan fills the group; the run goes on until it has grown back.
            with open(log, "w", encoding="utf-8") as out:
                run = group.popen(self.command(
                    "imgsz=640", "batch=64", "workers=2", "epochs=100", "val=False",
                    "close_mosaic=0", "plots=False"), stdout=out, stderr=out, cwd=self.dir)
            wait_for(in_mid_run, 600)
            planned = read_budget(folder / "last_state.bin")
            self.assertGreater(planned, 0.75 * limit)
            hog = group.popen([sys.executable, "-c", HOG, str(100e6), str(0.6 * limit), "2"])
            wait_for(lambda: hog.poll() is not None, 300)
            self.assertEqual(hog.returncode, 0)
            smallest = read_budget(folder / "last_state.bin")
            self.assertLess(smallest, 0.5 * limit)
            wait_for(lambda: self.grown(log.read_text()), 600)
            self.assertGreater(read_budget(folder / "last_state.bin"), smallest)
            self.assertEqual(group.oom_kills(), 0)
        finally:
            for process in (run, hog):
                if process is not None:
                    process.kill()
                    process.wait()
            group.close()

    def grown(self, log):
        """Whether the log says that the budget was cut and then grew."""
        cut = re.search(CUT, log)
        return cut is not None and re.search(GREW, log[cut.end():]) is not None


if __name__ == "__main__":
    main()
