# SPDX-License-Identifier: Apache-2.0
"""What tests of the command line share: a folder of their own, the program, what it said and what it held.

A test file ends with `program.main()` and is run as `FILE_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]`.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared"
TIMEOUT_S = 900


@dataclasses.dataclass
class Outcome:
    code: int
    output: str  # Both streams.
    peak: int  # Most resident bytes.


class ProgramTest(unittest.TestCase):
    yolo = sample = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def environment(self, **more):
        """Without the settings of whoever runs the tests."""
        return {**os.environ, "YOLO_CONFIG_DIR": str(self.dir / "settings"), **more}

    def run_yolo(self, *words, cwd=None, env=None):
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen([self.yolo, *map(str, words)], cwd=cwd or self.dir, stdout=output,
                                       stderr=subprocess.STDOUT, env=env or self.environment())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            return Outcome(process.returncode, output.read(), usage.ru_maxrss * 1024)

    def expect(self, code, *words, contains=(), **more):
        """Runs a command that must end with this exit code and say these texts."""
        outcome = self.run_yolo(*words, **more)
        self.assertEqual(outcome.code, code, outcome.output)
        for text in contains:
            self.assertIn(text, outcome.output)
        return outcome.output

    def shared(self, relative):
        """A file of ../shared; the test is skipped without it, and fails in CI."""
        path = SHARED / relative
        if not path.exists():
            self.assertNotEqual(os.environ.get("CI"), "true", f"{path} is missing")
            self.skipTest(f"{path} is not here")
        return path

    def trained_weights(self, name="best.pt"):
        """A copy of YOLO11n weights that the reference trained on BCCD at 320 px."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.shared("reference-run/yolo11n-bccd/best.pt"), path)
        return path

    def pictures(self, count, folder="pictures", start=0):
        """A folder with the first sample photographs, as often as needed."""
        target = self.dir / folder
        target.mkdir(parents=True, exist_ok=True)
        photographs = sorted((self.sample / "images/train").iterdir())
        for i in range(start, start + count):
            shutil.copy(photographs[i % len(photographs)], target / f"p{i:04d}.jpg")
        return target

    def data_yaml(self):
        """A copy of the sample data set."""
        shutil.copytree(self.sample, self.dir / "data", ignore=shutil.ignore_patterns("*.headroom"))
        return self.dir / "data/data.yaml"


def main():
    ProgramTest.yolo = os.path.abspath(sys.argv.pop(1))
    ProgramTest.sample = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(module="__main__", verbosity=2)
