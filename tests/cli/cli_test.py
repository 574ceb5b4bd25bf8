#!/usr/bin/env python3
"""Runs the program as a user does: exit codes, messages, a short training, interruption and resume.

usage: cli_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA
"""

import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

YOLO = SAMPLE = None
QUICK = ["model=yolo11n.yaml", "imgsz=96", "batch=8", "workers=1", "amp=False", "fraction=16"]


def run(*words, cwd):
    return subprocess.run([YOLO, *words], cwd=cwd, capture_output=True, text=True, timeout=600)


def png(width, height):
    """A grey picture as the bytes of a PNG file."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = b"".join(b"\0" + bytes((x * y) % 251 for x in range(width * 3)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class CliTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.data = pathlib.Path(self.dir, "data")
        shutil.copytree(SAMPLE, self.data)

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def expect(self, code, *words, contains=()):
        result = run(*words, cwd=self.dir)
        output = result.stdout + result.stderr
        self.assertEqual(result.returncode, code, output)
        for text in contains:
            self.assertIn(text, output)
        return output

    def train(self, *words):
        return ["detect", "train", f"data={self.data}/data.yaml", *QUICK, *words]

    def test_special_words(self):
        self.expect(0, "help", contains=["yolo detect train"])
        self.expect(0, "help", "train", contains=["microbatch", "close_mosaic"])
        self.expect(0, "version")
        self.expect(0, "cfg", contains=["epochs: 100"])
        self.expect(0, "checks", contains=["Memory limits"])
        self.expect(0, "settings", contains=["runs_dir"])

    def test_usage_errors_say_what_to_do(self):
        self.expect(2, "detect", "train", "epoch=3", contains=["'epoch' is not an option", "epochs=100"])
        self.expect(2, *self.train("epochs=-1"), contains=["epochs=-1", "at least 1"])
        self.expect(2, *self.train("batch=0"), contains=["batch"])
        self.expect(2, *self.train("imgsz=0"), contains=["imgsz"])
        self.expect(2, "detect", "train", contains=["data= is missing"])
        self.expect(2, *self.train("device=7"), contains=["device=7 is not there"])

    def test_bad_data_is_named(self):
        (self.data / "tabs.yaml").write_text("train: images/train\nval: images/val\nnames:\n\t0: a\n")
        self.expect(2, "train", f"data={self.data}/tabs.yaml", contains=["tabs.yaml:4", "tab"])
        (self.data / "both.yaml").write_text("train: images/train\nval: images/val\nnc: 2\nnames: [a, b, c]\n")
        self.expect(2, "train", f"data={self.data}/both.yaml", contains=["nc is 2"])
        self.expect(2, "train", "data=nowhere.yaml", contains=["there is no such file"])
        label = min((self.data / "labels/train").glob("*.txt"))
        label.write_text("7 0.5 0.5 0.2 0.2\n")
        output = self.expect(0, *self.train("epochs=1", "val=False"))
        self.assertIn(label.name, output)

    def test_damaged_files_are_named_and_the_run_goes_on(self):
        images, labels = self.data / "images/train", self.data / "labels/train"
        pictures = sorted(images.glob("*.jpg"))[:9]
        broken = {
            "four.txt": "0 0.5 0.5 0.2\n",
            "seven.txt": "0 0.5 0.5 0.2 0.2 0.1 0.1 0.3\n",
            "class.txt": "3 0.5 0.5 0.2 0.2\n",
            "nan.txt": "0 nan 0.5 0.2 0.2\n",
            "negative.txt": "0 0.5 0.5 -0.2 0.2\n",
            "outside.txt": "0 1.5 0.5 0.2 0.2\n",
            "words.txt": "red 0.5 0.5 0.2 0.2\n",
        }
        for name, text in broken.items():
            shutil.copy(pictures[0], images / name.replace(".txt", ".jpg"))
            (labels / name).write_text(text)
        (images / "noise.jpg").write_bytes(b"\xff\xd8" + bytes(range(256)) * 8)
        (images / "cut.png").write_bytes(png(64, 64)[:-40])
        before = {path: path.read_bytes() for path in self.data.rglob("*")
                  if path.is_file() and path.suffix != ".headroom"}
        words = [word for word in self.train("epochs=1", "val=False") if not word.startswith("fraction")]
        output = self.expect(0, *words)
        for name in [*broken, "noise.jpg", "cut.png"]:
            self.assertIn(name, output)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, f"{path} was changed")

    def test_data_that_cannot_be_trained_on_says_why(self):
        for path in (self.data / "labels/train").glob("*.txt"):
            path.write_text("9 0.5 0.5 0.2 0.2\n")
        self.expect(3, *self.train(), contains=["class 9", "0 to 2"])
        shutil.rmtree(self.data / "labels")
        self.expect(3, *self.train(), contains=["labels"])
        for path in (self.data / "images/train").glob("*"):
            path.unlink()
        self.expect(3, *self.train(), contains=["images/train"])
        (self.data / "data.yaml").write_text("path: nowhere\ntrain: images/train\nval: images/val\nnames: [a]\n")
        output = self.expect(2, *self.train())
        self.assertGreaterEqual(output.count("nowhere\n"), 3, "the places that were tried")

    def test_95_classes_and_the_same_as_one(self):
        names = "".join(f"  {i}: class{i}\n" for i in range(95))
        (self.data / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames:\n{names}")
        count = 0
        for path in sorted((self.data / "labels").rglob("*.txt")):
            lines = [line.split() for line in path.read_text().splitlines()]
            path.write_text("".join(f"{(count + k) % 95} {' '.join(line[1:])}\n" for k, line in enumerate(lines)))
            count += len(lines)
        for single in ("False", "True"):
            name = f"single{single}"
            output = self.expect(0, *self.train("epochs=1", f"single_cls={single}", f"name={name}"))
            self.assertEqual("class94" in output, single == "False", output)
            self.expect(0, "val", f"model=runs/detect/{name}/weights/best.pt", f"data={self.data}/data.yaml",
                        "imgsz=96")

    @unittest.skipIf(os.geteuid() != 0, "a small file system is mounted as root")
    def test_a_full_disk_ends_with_6_and_keeps_the_last_good_checkpoint(self):
        project = pathlib.Path(self.dir, "small")
        project.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(project)])
        if mounted.returncode != 0:
            self.skipTest("tmpfs cannot be mounted here")
        try:
            # Two checkpoints fit; a third beside them does not.
            output = self.expect(6, *self.train(f"project={project}", "name=run", "epochs=2"),
                                 contains=["No space left on device", "training goes on"])
            self.assertIn("2/2", output)
            self.expect(0, "val", f"model={project}/run/weights/last.pt",
                        f"data={self.data}/data.yaml")
        finally:
            subprocess.run(["umount", str(project)], check=False)

    def test_unwritable_project_folder(self):
        (pathlib.Path(self.dir) / "file").write_text("")
        self.expect(6, *self.train("epochs=1", f"project={self.dir}/file/x"), contains=["cannot"])

    def test_a_run_leaves_its_files(self):
        self.expect(0, *self.train("epochs=2", "single_cls=true", "name=one"), contains=["Results saved to"])
        folder = pathlib.Path(self.dir, "runs/detect/one")
        for name in ("args.yaml", "results.csv", "weights/best.pt", "weights/last.pt"):
            self.assertTrue((folder / name).exists(), name)
        self.assertEqual(len((folder / "results.csv").read_text().splitlines()), 3)
        self.assertIn("single_cls: true", (folder / "args.yaml").read_text())
        # single_cls is remembered from the checkpoint: one class, no rows by class.
        output = self.expect(0, "val", f"model={folder}/weights/best.pt", f"data={self.data}/data.yaml", "imgsz=96")
        self.assertNotIn("Platelets", output)
        self.expect(2, "train", f"model={folder}/weights/last.pt", "resume=True", contains=["finished"])

    def weights(self, name):
        text = pathlib.Path(self.dir, "runs/detect", name, "results.csv").read_text()
        return [row.split(",")[:1] + row.split(",")[2:] for row in text.splitlines()]

    def interrupt(self, name, *words):
        """Starts a training and interrupts it after its first epoch."""
        process = subprocess.Popen([YOLO, *self.train(*words, f"name={name}")], cwd=self.dir, stdout=subprocess.PIPE, text=True)
        results = pathlib.Path(self.dir, "runs/detect", name, "results.csv")
        while process.poll() is None and not (results.exists() and len(results.read_text().splitlines()) >= 2):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 130, output)
        self.assertIn("resume=True", output)

    def test_an_interrupted_run_continues_to_the_same_results(self):
        words = ["epochs=12", "nbs=8"]  # The optimizer steps after every batch.
        self.expect(0, *self.train(*words, "name=whole"))
        self.interrupt("cut", *words)
        self.expect(0, "train", "model=runs/detect/cut/weights/last.pt", "resume=True", contains=["Resuming"])
        self.assertEqual(self.weights("cut"), self.weights("whole"))

    def test_a_resumed_run_keeps_its_precision_unless_another_is_typed(self):
        self.interrupt("first", "epochs=4", "imgsz=64", "amp=bf16")
        folder = pathlib.Path(self.dir, "runs/detect/first")
        second = folder.with_name("second")
        shutil.copytree(folder, second)
        for run_folder, words, precision in ((folder, [], "bf16"), (second, ["amp=False"], "fp32")):
            self.expect(0, "train", f"model={run_folder}/weights/last.pt", "resume=True", *words, contains=["Resuming"])
            self.assertIn(f"precision: {precision}\n", (run_folder / "headroom.yaml").read_text())
            self.assertIn("amp: true\n", (run_folder / "args.yaml").read_text())

    def test_what_is_resumed_is_what_was_named(self):
        self.interrupt("first", "epochs=12")
        self.interrupt("second", "epochs=12")
        for word in ("runs/detect/first/weights/lats", "runs/detect/none"):
            self.expect(2, "train", "resume=True", f"model={word}", contains=[word, "weights/last.pt"])
        for word in ("resume=runs/detect/first", "resume=True model=runs/detect/second/weights"):
            name = "first" if "first" in word else "second"
            self.expect(0, "train", *word.split(), contains=["Resuming", f"/{name} "])
        # Both are finished now.
        self.expect(2, "train", "resume=True", contains=["no run", "last.pt"])

    def test_a_run_is_resumed_from_another_folder(self):
        self.data.rename(pathlib.Path(self.dir, "photos"))
        self.data = "photos"  # A relative path.
        self.interrupt("cut", "epochs=12")
        other = pathlib.Path(self.dir, "other")
        other.mkdir()
        result = run("train", "resume=True", f"model={self.dir}/runs/detect/cut/weights/last.pt", cwd=other)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    YOLO, SAMPLE = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
