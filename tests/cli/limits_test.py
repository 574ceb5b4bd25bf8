#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shell's limits (ulimit -v, -d, -f): a command works within them or ends with one message that names them.

usage: limits_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import resource
import subprocess

import program

MIB = 1 << 20


class LimitsTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.weights = self.trained_weights()
        self.yaml = self.data_yaml()

    def commands(self):
        small = ["imgsz=64", "plots=False"]
        train = [f"data={self.yaml}", "model=yolo11n.yaml", "batch=4", "workers=2", "amp=False", "fraction=16", *small]
        return {"train": ["train", *train, "epochs=1", "exist_ok=True"], "plan": ["memory", "plan", *train],
                "val": ["val", f"model={self.weights}", f"data={self.yaml}", "exist_ok=True", *small],
                "predict": ["predict", f"model={self.weights}", f"source={self.sample}/images/val", *small[:1]],
                "export": ["export", f"model={self.weights}", "format=onnx", *small[:1]]}

    def within(self, kind, amount, words):
        def limit():
            resource.setrlimit(kind, (amount, amount))

        return subprocess.run([self.yolo, *words], cwd=self.dir, env=self.environment(), preexec_fn=limit,
                              capture_output=True, text=True)

    def sweep(self, kind, option, amounts):
        """Each command with each amount: how it ended."""
        codes = {}
        for name, words in self.commands().items():
            for amount in amounts:
                done = self.within(kind, amount * MIB, words)
                told = f"{name} within {amount} MiB: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
                self.assertIn(done.returncode, (0, 4), told)
                if done.returncode == 4:
                    self.assertRegex(done.stdout + done.stderr, f"ulimit -{option}", told)
                codes[name, amount] = done.returncode
        return codes

    def test_address_space_is_memory(self):
        codes = self.sweep(resource.RLIMIT_AS, "v", [700, 1000, 3000])
        self.assertEqual({code for (_, amount), code in codes.items() if amount == 700}, {4})
        self.assertEqual({code for (_, amount), code in codes.items() if amount == 3000}, {0})

    def test_data_is_memory(self):
        codes = self.sweep(resource.RLIMIT_DATA, "d", [60, 110, 300, 400, 1000])
        self.assertEqual({code for (_, amount), code in codes.items() if amount == 60}, {4})
        self.assertEqual({code for (_, amount), code in codes.items() if amount == 1000}, {0})

    def test_a_limit_on_files_is_an_error_of_writing(self):
        for words in (self.commands()["export"], self.commands()["predict"]):
            done = self.within(resource.RLIMIT_FSIZE, 1024, words)
            self.assertEqual(done.returncode, 6, done.stderr)
            self.assertIn("File too large", done.stderr)


class OutputTest(program.ProgramTest):
    def test_a_limit_on_files_is_said_of_standard_output(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        with open(self.dir / "help.txt", "w") as output:
            done = subprocess.run([self.yolo, "help", "train"], cwd=self.dir, env=self.environment(), stdout=output,
                                  stderr=subprocess.PIPE, preexec_fn=limit, text=True)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("ulimit -f", done.stderr)


if __name__ == "__main__":
    program.main()
