#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in every phase of a run: the next start explains it, resume=True goes on, and the results
are those of a run that was not killed.

usage: kill_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import signal
import time
import unittest

from run_case import RunCase, main, read_page

# Small enough that a run's second is spent between its phases, not in them.
TINY = """
nc: 3
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, C3k2, [16, False, 0.25]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [64, 3, 2]]
head:
  - [[3, 4], 1, Detect, [nc]]
"""


class KillTest(RunCase):
    copies = 1
    whole = None  # Results of the run that was not killed, for all tests.

    def words(self, name):
        (self.dir / "tiny.yaml").write_text(TINY)
        return self.command("epochs=2", "imgsz=96", "batch=8", "workers=1", "fraction=32",
                            f"model={self.dir}/tiny.yaml", name=name)

    def last_row(self, output):
        """The final validation's row of all classes."""
        return [line.split() for line in output.splitlines() if line.split()[:1] == ["all"]][-1]

    def expected(self):
        if KillTest.whole is None:
            output = self.finish(self.start(self.words("whole")))
            KillTest.whole = self.results("whole"), self.last_row(output)
        return KillTest.whole

    def kill_when(self, reached):
        """Starts a run and kills it as soon as reached(page, folder) holds; the page then."""
        folder = self.dir / "run"
        run = self.start(self.words("run"))
        while run.poll() is None:
            page = read_page(folder / "last_state.bin")
            if page is not None and reached(page, folder):
                break
            time.sleep(0.0003)
        run.send_signal(signal.SIGKILL)
        output, _ = run.communicate()
        self.assertEqual(run.returncode, -signal.SIGKILL, "it ended before: " + output[-2000:])
        return read_page(folder / "last_state.bin")

    def check(self, reached, phase=None):
        results, row = self.expected()
        page = self.kill_when(reached)
        if phase is not None:
            self.assertEqual(page.phase, phase)
        explained = self.call("memory", "explain", str(self.dir / "run"))
        self.assertIn("was killed, but not by the kernel for memory", explained)
        self.assertIn("resume=True", explained)
        seen = json.loads(self.call("monitor", str(self.dir / "run"), "--once", "--json"))
        self.assertEqual(seen["fate"], "killed")
        command = explained.splitlines()[-1].split()
        self.assertEqual(command[:3], ["yolo", "detect", "train"])
        output = self.call(*command[1:])
        self.assertIn("was killed, but not by the kernel", output)
        self.assertEqual(self.results(), results)
        self.assertEqual(self.last_row(output), row)
        self.assertEqual(read_page(self.dir / "run" / "last_state.bin").end, 1)
        return output

    def test_while_planning(self):
        self.check(lambda page, folder: True, "setup")

    def test_while_warming_up(self):
        self.check(lambda page, folder: (folder / "memory_plan.json").exists(), "setup")

    def test_in_the_first_epoch(self):
        output = self.check(lambda page, folder: page.phase == "train step" and page.batch >= 1)
        self.assertNotIn("Resuming", output)

    def test_in_a_later_epoch(self):
        output = self.check(lambda page, folder: page.epoch == 2 and page.phase == "train step")
        self.assertIn("Resuming", output)

    def test_while_validating(self):
        self.check(lambda page, folder: page.phase == "validation", "validation")

    def test_while_writing_a_checkpoint(self):
        self.check(lambda page, folder: page.phase == "save", "save")

    def test_between_the_checkpoint_and_its_copy(self):
        def reached(page, folder):
            return (folder / "weights" / "last.pt").exists()

        self.check(reached)

    def test_while_plotting_a_batch(self):
        self.check(lambda page, folder: (folder / "train_batch0.jpg").exists())

    def test_while_validating_the_best_weights(self):
        self.check(lambda page, folder: page.phase == "end"
                   and (folder / "weights" / "best.pt").stat().st_size
                   < 0.5 * (folder / "weights" / "last.pt").stat().st_size)

    def test_while_plotting_the_results(self):
        self.check(lambda page, folder: (folder / "results.png").exists())


if __name__ == "__main__":
    main()
