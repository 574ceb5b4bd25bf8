#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Help, settings, words that are left over, where output goes, and what a run makes of signals.

usage: commands_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import signal
import subprocess
import time

import program

QUICK = ["model=yolo11n.yaml", "imgsz=64", "batch=8", "workers=1", "amp=False", "fraction=16", "plots=False",
         "val=False", "epochs=1000", "patience=0"]


class HelpTest(program.ProgramTest):
    TOPICS = {"train": "epochs=100", "val": "save_json=", "predict": "source=", "export": "format=",
              "memory": "yolo memory advise", "memory plan": "compare=batch,imgsz", "memory advise": "paste",
              "memory explain": "runs/detect/train", "monitor": "--once", "data": "convert", "data check": "--fix",
              "data convert": "from=voc", "settings": "reset", "cfg": "cfg=mine.yaml", "copy-cfg": "default_copy.yaml",
              "checks": "limits", "version": "version"}

    def test_every_command_has_help_of_its_own_on_standard_output(self):
        for topic, says in self.TOPICS.items():
            words = topic.split()
            texts = set()
            for line in (["help", *words], [*words, "--help"], [*words, "-h"]):
                done = subprocess.run([self.yolo, *line], cwd=self.dir, capture_output=True, text=True,
                                      env=self.environment())
                self.assertEqual((done.returncode, done.stderr), (0, ""), line)
                texts.add(done.stdout)
            self.assertEqual(len(texts), 1, topic)
            text = texts.pop()
            self.assertIn(says, text)
            self.assertTrue(text.startswith(("yolo " + topic, "yolo detect " + topic)), text)
        self.assertFalse((self.dir / "default_copy.yaml").exists())

    def test_an_unknown_topic_is_a_usage_error(self):
        self.expect(2, "help", "trian", contains=["'trian'", "train"])
        self.expect(2, "help", "blah", contains=["there is on train, val"])
        self.expect(2, "memory", "plam", "--help", contains=["plan, advise, explain"])

    def test_words_that_nothing_reads_are_refused(self):
        for words in (["checks", "foo"], ["version", "foo"], ["cfg", "my.yaml"], ["copy-cfg", "foo"]):
            self.expect(2, *words, contains=[f"`yolo {words[0]}` takes no other words; left over: {words[1]}"])
        self.assertFalse((self.dir / "default_copy.yaml").exists())


class SettingsTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.file = self.dir / "settings/Ultralytics/settings.json"

    def read(self):
        return json.loads(self.file.read_text())

    def test_what_is_set_is_used_and_shown(self):
        self.expect(0, "settings", "runs_dir=elsewhere", contains=["Updated 'runs_dir=elsewhere'", "elsewhere\n"])
        self.assertEqual(self.read(), {"runs_dir": "elsewhere"})
        self.expect(0, "settings", contains=[f"runs_dir: {self.dir.resolve()}/elsewhere"])
        self.expect(2, "monitor", contains=["elsewhere/detect"])
        self.expect(0, "settings", "weights_dir", "=", "/w", "datasets_dir=/d")
        self.assertEqual(self.read(), {"runs_dir": "elsewhere", "weights_dir": "/w", "datasets_dir": "/d"})

    def test_reset_keeps_what_is_not_ours(self):
        self.file.parent.mkdir(parents=True)
        self.file.write_text('{"settings_version": "0.0.8", "runs_dir": "/a", "wandb": true}')
        self.expect(0, "settings", "reset", contains=["Settings reset", f"runs_dir: {self.dir.resolve()}/runs"])
        self.assertEqual(self.read(), {"settings_version": "0.0.8", "runs_dir": "runs", "wandb": True})

    def test_other_words_are_refused(self):
        self.expect(2, "settings", "foo=1", contains=["'foo'", "runs_dir=, weights_dir= and datasets_dir="])
        self.expect(2, "settings", "runs_dir=", contains=["needs a folder"])
        self.assertFalse(self.file.exists())


class OutputTest(program.ProgramTest):
    def test_output_that_does_not_arrive_is_an_error(self):
        for words in (["help", "train"], ["cfg"], ["settings"], ["version"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([self.yolo, *words], stdout=full, stderr=subprocess.PIPE, text=True,
                                      env=self.environment())
            self.assertEqual(done.returncode, 6, words)
            self.assertIn("standard output cannot be written", done.stderr)

    def test_pictures_that_could_not_be_said_are_an_error(self):
        command = [self.yolo, "predict", f"model={self.trained_weights()}", f"source={self.pictures(1)}", "imgsz=64"]
        with open("/dev/full", "w") as full:
            done = subprocess.run(command, cwd=self.dir, stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=self.environment())
        self.assertEqual(done.returncode, 6, done.stderr)

    def test_both_streams_come_in_order(self):
        pictures = self.pictures(2)
        (pictures / "broken.jpg").write_bytes(b"no picture")
        output = self.expect(0, "predict", f"model={self.trained_weights()}", f"source={pictures}", "imgsz=64")
        places = [output.index(text) for text in ("p0000.jpg", "Speed:", "files were passed over", "Results saved to")]
        self.assertEqual(places, sorted(places), output)


class SignalTest(program.ProgramTest):
    def start(self, name, ignored=()):
        """A training that has ended its first epoch."""
        def ignore():
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
        log = open(self.dir / f"{name}.log", "w")
        self.addCleanup(log.close)
        run = subprocess.Popen([self.yolo, "train", f"data={self.data_yaml()}", *QUICK, f"name={name}"], cwd=self.dir,
                               stdout=log, stderr=log, env=self.environment(), preexec_fn=ignore)
        self.addCleanup(run.kill)
        self.wait_for_epochs(run, name, 1)
        return run

    def epochs(self, name):
        results = self.dir / "runs/detect" / name / "results.csv"
        return len(results.read_text().splitlines()) - 1 if results.exists() else 0

    def wait_for_epochs(self, run, name, count):
        end = time.monotonic() + program.TIMEOUT_S
        while self.epochs(name) < count and time.monotonic() < end:
            self.assertIsNone(run.poll(), (self.dir / f"{name}.log").read_text())
            time.sleep(0.02)

    def test_a_closed_terminal_ends_a_run_cleanly(self):
        run = self.start("closed")
        # The system's and the shell's.
        run.send_signal(signal.SIGHUP)
        run.send_signal(signal.SIGHUP)
        self.assertEqual(run.wait(timeout=program.TIMEOUT_S), 130)
        self.assertIn("resume=True", (self.dir / "closed.log").read_text())
        self.assertTrue((self.dir / "runs/detect/closed/weights/last.pt").exists())

    def test_a_run_under_nohup_outlives_its_terminal(self):
        run = self.start("nohup", ignored=[signal.SIGHUP])
        run.send_signal(signal.SIGHUP)
        self.wait_for_epochs(run, "nohup", self.epochs("nohup") + 2)
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(timeout=program.TIMEOUT_S), 130)

    def test_a_run_that_was_killed_is_shown_whole(self):
        run = self.start("killed")
        run.kill()
        run.wait()
        host = json.loads(self.expect(0, "monitor", "--json"))["host"]
        self.assertEqual(host["held"], sum(row["now"] for row in host["consumers"].values()))
        self.assertGreaterEqual(host["rss"], host["rss_anon"])
        output = self.expect(0, "monitor", "runs/detect/killed", "--once", contains=["room was", "resident"])
        self.assertNotIn("the limit is met", output)
        self.assertIn(f"({host['limit_origin']})", output)  # Longer than 80 columns, as a rule.
        output = self.expect(0, "memory", "explain", contains=["was killed", "It held"])
        self.assertIn("memory explain: x=1 is left over", self.expect(2, "memory", "explain", "x=1"))


if __name__ == "__main__":
    program.main()
