# SPDX-License-Identifier: Apache-2.0
"""What the tests of real trainings share: the last-state page, a small data set, runs in it. Test
files call main() with the paths of the program and of the sample."""

import collections
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

QUICK = ["model=yolo11n.yaml", "amp=False", "warmup_epochs=0"]


# The start of a state in src/headroom/monitor/last_state.cc; two of them follow the identity.
PAGE_STATES, STATE_SIZE = 1152, 1344
STATE = struct.Struct("<Qq11i")
PHASES = ["setup", "train step", "validation", "save", "end"]
BUDGET_AT = 64 + 2 * 18 * 2 * 8 + 2 * 2 * 8 + 3 * 8
Page = collections.namedtuple("Page", "sequence phase end epoch batch")


def read_page(path):
    """The newer state of a run's last-state page; None where there is none yet."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) != 4096:
        return None
    states = [STATE.unpack_from(data, PAGE_STATES + i * STATE_SIZE) for i in range(2)]
    s = max(states)
    return Page(s[0], PHASES[s[2]], s[3], s[5], s[7])


def read_budget(path):
    """Bytes of the budget in the newer state."""
    data = path.read_bytes()
    starts = [PAGE_STATES + i * STATE_SIZE for i in range(2)]
    newer = max(starts, key=lambda at: STATE.unpack_from(data, at)[0])
    return struct.unpack_from("<Q", data, newer + BUDGET_AT)[0]


class RunCase(unittest.TestCase):
    """A folder with the sample as data set and runs of the program in it."""
    yolo = sample = None
    copies = 5  # 40 images become 200.

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.data = self.dir / "data"
        shutil.copytree(self.sample, self.data, ignore=shutil.ignore_patterns("*.headroom"))
        for i in range(1, self.copies):
            for kind in ("images", "labels"):
                for file in list((self.data / kind / "train").glob("Blood*")):
                    shutil.copy(file, file.with_name(f"copy{i}_{file.name}"))

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, *words, name="run"):
        return [self.yolo, "detect", "train", f"data={self.data}/data.yaml", *QUICK,
                f"project={self.dir}", f"name={name}", "exist_ok=true", *words]

    def start(self, command, group=None):
        return (group.popen if group else subprocess.Popen)(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.dir)

    def finish(self, run, expect=0):
        output, _ = run.communicate(timeout=900)
        self.assertEqual(run.returncode, expect, output[-3000:])
        return output

    def train(self, *words, group=None, name="run", expect=0):
        return self.finish(self.start(self.command(*words, name=name), group), expect)

    def call(self, *words):
        done = subprocess.run([self.yolo, *words], cwd=self.dir, capture_output=True, text=True,
                              timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def plan(self, name="run"):
        return json.loads((self.dir / name / "memory_plan.json").read_text())

    def column(self, name, column):
        rows = (self.dir / name / "memory.csv").read_text().splitlines()
        at = rows[0].split(",").index(column)
        return [float(row.split(",")[at]) for row in rows[1:]]

    def peak_resident(self, name="run"):
        return max(self.column(name, "rss_peak_mb")) * 2**20

    def peak_anonymous(self, name="run"):
        return max(self.column(name, "rss_anon_mb")) * 2**20

    def results(self, name="run"):
        """Rows of results.csv without the time."""
        rows = [r.split(",") for r in (self.dir / name / "results.csv").read_text().splitlines()]
        at = rows[0].index("time")
        return [row[:at] + row[at + 1:] for row in rows]

    def assertPlanHolds(self, name="run"):
        planned, measured = self.plan(name)["host"]["peak_bytes"], self.peak_resident(name)
        self.assertLessEqual(measured, planned)
        return planned, measured


def main():
    RunCase.yolo = os.path.abspath(sys.argv.pop(1))
    RunCase.sample = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__", verbosity=2)
