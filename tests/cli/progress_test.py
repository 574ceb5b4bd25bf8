#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a training prints on terminals of several widths, into a pipe, in CI, and for programs.

usage: progress_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata
import unittest

YOLO = SAMPLE = None
QUICK = ["model=yolo11n.yaml", "imgsz=64", "batch=8", "workers=1", "amp=False", "fraction=16",
         "epochs=2", "plots=False"]


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class ProgressTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        shutil.copytree(SAMPLE, self.dir / "data", ignore=shutil.ignore_patterns("*.headroom"))
        self.command = [YOLO, "detect", "train", f"data={self.dir}/data/data.yaml", *QUICK]

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def environment(**more):
        plain = {key: value for key, value in os.environ.items() if key not in ("CI", "YOLO_VERBOSE")}
        return {**plain, "TERM": "xterm", **more}

    def in_pipe(self, *words, **environment):
        done = subprocess.run([*self.command, *words], cwd=self.dir, capture_output=True, text=True,
                              timeout=600, env=self.environment(**environment))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def on_terminal(self, width, *words, **environment):
        """All that was written to a terminal of that width (0: it does not tell)."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        run = subprocess.Popen([*self.command, *words], cwd=self.dir, stdout=slave,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               env=self.environment(**environment))
        os.close(slave)
        written = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # The last holder has closed it.
                break
            if not part:
                break
            written += part
        os.close(master)
        self.assertEqual(run.wait(timeout=600), 0, written.decode(errors="replace"))
        return written.decode().replace("\r\n", "\n")

    def live_lines(self, written):
        return re.findall(r"\r\033\[K([^\r\n]+)", written)

    def test_live_lines_never_wrap(self):
        for width in (40, 80, 120):
            written = self.on_terminal(width)
            lines = self.live_lines(written)
            self.assertGreaterEqual(len(lines), 4, written)
            self.assertLess(max(map(columns, lines)), width)
            self.assertRegex(written, r"2/2 100%|2/2 .*: 100%")
            self.assertIn("RAM", written)
            self.assertIn("mAP50", written)
            if width == 40:
                self.assertEqual(len(re.findall(r"mAP50 \S+ mAP50-95 \S+ P", written)), 2, written)
                self.assertNotIn("box_loss", written)

    def test_a_terminal_that_does_not_tell_its_width_has_80_columns(self):
        self.assertLess(max(map(columns, self.live_lines(self.on_terminal(0)))), 80)

    def test_where_lines_stay_there_is_one_an_epoch_and_no_control(self):
        for written in (self.in_pipe(), self.on_terminal(100, TERM="dumb"), self.on_terminal(100, CI="true")):
            self.assertNotIn("\033", written)
            self.assertNotIn("\r", written)
            self.assertEqual(len(re.findall(r"^ +\d/2 +\S+ +\S+ +\S+ +\d+ +64: 100% .*images/s.*RAM", written, re.M)), 2, written)
            # Of the two epochs, and of best.pt at the end.
            self.assertEqual(len(re.findall(r"^ +all ", written, re.M)), 3, written)

    def test_verbose_false_is_a_line_an_epoch(self):
        for written in (self.in_pipe("verbose=False"), self.in_pipe(YOLO_VERBOSE="false")):
            self.assertEqual(len(re.findall(r"^\d/2 loss \S+ mAP50 \S+ mAP50-95 \S+ .*images/s RAM", written, re.M)), 2, written)
            self.assertNotIn("box_loss", written)
        quiet = self.on_terminal(80, "verbose=False")
        self.assertNotIn("\033", quiet)
        self.assertNotIn("Conv", quiet)
        self.assertIn("Results saved to", quiet)
        self.assertLess(quiet.count("\n"), 45, quiet)

    def test_json_is_json_and_nothing_else(self):
        events = [json.loads(line) for line in self.in_pipe("progress=json").splitlines()]
        kinds = {}
        for event in events:
            kinds.setdefault(event["event"], []).append(event)
        self.assertEqual([e["epoch"] for e in kinds["epoch"]], [1, 2])
        self.assertEqual(len(kinds["batch"]), 4)
        last = kinds["batch"][-1]
        self.assertEqual((last["epoch"], last["batch"], last["batches"]), (2, 2, 2))
        self.assertEqual(list(last["losses"]), ["box_loss", "cls_loss", "dfl_loss"])
        self.assertGreater(last["host_limit_bytes"], last["host_used_bytes"])
        self.assertIn("mAP50-95", kinds["epoch"][1]["metrics"])
        self.assertTrue(pathlib.Path(self.dir, kinds["start"][0]["folder"]).is_dir())
        self.assertEqual(events.index(kinds["start"][0]) < events.index(kinds["batch"][0]), True)
        self.assertEqual(len(kinds["end"]), 1)


if __name__ == "__main__":
    YOLO, SAMPLE = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
