#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where a run writes and who may write there: checkpoints of elsewhere, two runs at once, what a kill leaves, and
folders in which the end could not be written.

usage: resume_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import os
import resource
import shutil
import signal
import subprocess
import time

import program

QUICK = ["model=yolo11n.yaml", "imgsz=64", "batch=8", "workers=1", "amp=False", "fraction=16", "plots=False"]


class ResumeTest(program.ProgramTest):
    def start(self, *words, **more):
        return subprocess.Popen([self.yolo, *map(str, words)], cwd=self.dir, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=self.environment(), **more)

    def words(self, name, *more):
        return ["train", f"data={self.dir}/data/data.yaml", *QUICK, f"name={name}", *more]

    def begin(self, name, *more):
        """Starts a run of ten epochs and waits for its second."""
        if not (self.dir / "data").exists():
            self.data_yaml()
        process = self.start(*self.words(name, "epochs=10", *more))
        results = self.dir / "runs/detect" / name / "results.csv"
        until = time.time() + 300
        while process.poll() is None and time.time() < until:
            if results.exists() and len(results.read_text().splitlines()) >= 2:
                break
            time.sleep(0.01)
        self.assertIsNone(process.poll(), "it ended before: " + (process.stdout.read() if process.poll() else ""))
        return process

    def end(self, process, how, code):
        process.send_signal(how)
        output, _ = process.communicate(timeout=300)
        self.assertEqual(process.returncode, code, output)
        return output

    def interrupted(self, name, *more):
        self.end(self.begin(name, *more), signal.SIGINT, 130)
        return self.dir / "runs/detect" / name

    def rows(self, run):
        return len((run / "results.csv").read_text().splitlines()) - 1

    def test_a_checkpoint_from_elsewhere_goes_on_in_a_run_of_its_own(self):
        run = self.interrupted("server")
        copied = self.dir / "downloads/last.pt"
        copied.parent.mkdir()
        shutil.copy(run / "weights/last.pt", copied)
        before, done = copied.read_bytes(), self.rows(run)
        around = sorted(p.name for p in self.dir.iterdir())
        says = [f"{copied} lies in no run's folder", "server-2", "Resuming"]
        self.expect(0, "train", f"model={copied}", "resume=True", contains=says)
        moved = self.dir / "runs/detect/server-2"
        self.assertEqual(self.rows(moved), 10)
        self.assertEqual((moved / "results.csv").read_text().splitlines()[:done + 1],
                         (run / "results.csv").read_text().splitlines()[:done + 1])
        for name in ("args.yaml", "headroom.yaml", "last_state.bin", "weights/last.pt"):
            self.assertTrue((moved / name).exists(), name)
        # Where it goes may be said; nothing else is written anywhere.
        self.expect(0, "train", f"resume={copied}", "project=mine", "name=again", contains=["mine/again"])
        self.assertEqual(self.rows(self.dir / "runs/detect/mine/again"), 10)
        self.assertEqual(copied.read_bytes(), before)
        self.assertEqual([p.name for p in copied.parent.iterdir()], ["last.pt"])
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), around)
        # Neither does a folder that is only called so make a run.
        weights = self.dir / "weights"
        weights.mkdir()
        shutil.copy(copied, weights)
        self.expect(0, "train", f"resume={weights}/last.pt", contains=["server-3"])
        self.assertFalse((self.dir / "results.csv").exists())

    def test_a_copy_that_is_killed_is_resumed_in_its_folder(self):
        run = self.interrupted("server")
        copied = self.dir / "last.pt"
        shutil.copy(run / "weights/last.pt", copied)
        process = self.start("train", f"model={copied}", "resume=True")
        moved = self.dir / "runs/detect/server-2"
        while process.poll() is None and not (moved / "memory_plan.json").exists():
            time.sleep(0.005)
        self.end(process, signal.SIGKILL, -signal.SIGKILL)
        self.assertTrue((moved / "weights/last.pt").exists())
        self.expect(0, "train", f"model={moved}/weights/last.pt", "resume=True", contains=["Resuming"])

    def test_of_two_resumes_at_once_one_runs(self):
        run = self.interrupted("cut")
        words = ["train", f"model={run}/weights/last.pt", "resume=True"]
        for _ in range(3):
            both = [self.start(*words), self.start(*words)]
            while all(p.poll() is None for p in both):
                time.sleep(0.01)
            refused, living = both if both[0].poll() is not None else both[::-1]
            output = refused.communicate()[0]
            self.assertEqual(refused.returncode, 2, output)
            self.assertIn(f"is still going on: process {living.pid} of host {os.uname().nodename}, since 2", output)
            self.end(living, signal.SIGKILL, -signal.SIGKILL)
        self.expect(0, *words, contains=["Resuming"])

    def test_of_two_new_runs_in_one_folder_one_runs(self):
        self.data_yaml()
        words = self.words("one", "exist_ok=True", "epochs=1000", "patience=0")
        both = [self.start(*words), self.start(*words)]
        while all(p.poll() is None for p in both):
            time.sleep(0.01)
        refused, living = both if both[0].poll() is not None else both[::-1]
        output = refused.communicate()[0]
        self.assertEqual(refused.returncode, 2, output)
        self.assertIn(f"is still going on: process {living.pid} of host", output)
        self.assertIn("give this run another name=", output)
        self.end(living, signal.SIGINT, 130)
        self.assertFalse((self.dir / "runs/detect/one/.run.lock").exists())

    def test_what_a_kill_leaves_is_no_obstacle(self):
        self.end(self.begin("cut"), signal.SIGKILL, -signal.SIGKILL)
        run = self.dir / "runs/detect/cut"
        (run / "weights/.last.pt.77.3.tmp").write_text("half")
        (run / ".args.yaml.77.4.tmp").write_text("half")
        (run / "weights/.mine.pt.tmp").write_text("not ours")
        self.expect(0, "train", f"model={run}", "resume=True", contains=["Removed", "that a kill has left"])
        left = sorted(p.name for folder in (run, run / "weights") for p in folder.iterdir() if p.name.startswith("."))
        self.assertEqual(left, [".mine.pt.tmp"])


class RoomTest(program.ProgramTest):
    def train(self, *more):
        if not (self.dir / "data").exists():
            self.data_yaml()
        return ["train", f"data={self.dir}/data/data.yaml", *QUICK, "epochs=1", *more]

    def small_disk(self, size):
        """A file system of so many bytes."""
        if os.geteuid() != 0:
            self.skipTest("mounting needs root")
        disk = self.dir / f"disk{size}"
        disk.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True)
        if done.returncode != 0:
            self.skipTest(f"nothing can be mounted here: {done.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        return disk

    def test_a_disk_without_room_is_said_before_the_first_step(self):
        disk = self.small_disk(20 << 20)  # A checkpoint takes 45 MiB.
        output = self.expect(6, *self.train(f"project={disk}"), contains=["a checkpoint of this run takes", "are free"])
        self.assertNotIn("Starting training", output)

    def test_a_full_disk_is_said_before_the_data_are_read(self):
        disk = self.small_disk(1 << 20)
        filler = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
        with self.assertRaises(OSError):
            while True:
                os.write(filler, b"x" * 4096)
        os.close(filler)
        output = self.expect(6, *self.train(f"project={disk}"), contains=["No space left on device"])
        self.assertNotIn("Scanning", output)

    def test_a_disk_that_will_be_full_is_warned_of(self):
        disk = self.small_disk(120 << 20)
        self.expect(0, *self.train(f"project={disk}"), contains=["WARNING the run's checkpoints take up to"])

    def test_a_disk_that_became_read_only_is_said_before_the_first_step(self):
        disk = self.small_disk(200 << 20)
        self.expect(0, *self.train(f"project={disk}", "name=run"))
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for words in (["name=run", "exist_ok=True"], ["name=other"]):
            output = self.expect(6, *self.train(f"project={disk}", *words), contains=["Read-only file system"])
            self.assertNotIn("Scanning", output)

    def test_a_limit_on_files_is_said_before_the_first_step(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10 << 20, 10 << 20))

        done = subprocess.run([self.yolo, *self.train()], cwd=self.dir, env=self.environment(), preexec_fn=limit,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)
        self.assertIn("no file may be larger than 10.0 MiB (ulimit -f)", done.stderr)
        self.assertNotIn("Starting training", done.stdout)


if __name__ == "__main__":
    program.main()
