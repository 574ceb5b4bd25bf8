#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where weights come from: the working folder, the weights folder of the settings, the published release; pretrained=.

usage: weights_test.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [TEST...]
"""

import json
import shutil

import program

QUICK = ["epochs=1", "imgsz=64", "batch=8", "workers=1", "amp=False", "fraction=8", "val=False", "plots=False"]
# Nothing listens there: the machine has no network as far as the program can tell.
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")} | {"no_proxy": ""}


class WeightsTest(program.ProgramTest):
    def train(self, *words, code=0, contains=(), **more):
        return self.expect(code, "train", f"data={self.data_yaml_once()}", *QUICK, *words, contains=contains, **more)

    def data_yaml_once(self):
        path = self.dir / "data/data.yaml"
        return path if path.exists() else self.data_yaml()

    def test_without_a_network_there_is_a_way(self):
        picture = next(self.pictures(1).iterdir())
        environment = self.environment(**NO_NETWORK)
        address = "https://github.com/ultralytics/assets/releases/download/v8.4.0/yolo11s.pt"
        texts = [address, f"{self.dir}/weights", "by hand", "model=yolo11s.yaml"]
        self.expect(2, "predict", "model=yolo11s.pt", f"source={picture}", env=environment, contains=texts)
        self.train("model=yolo11s.pt", code=2, contains=texts, env=environment)
        self.train("model=yolo11s", code=2, contains=texts, env=environment)
        self.train("model=yolo11n.yaml", "pretrained=yolo11s.pt", code=2, contains=texts, env=environment)
        self.assertFalse(list(self.dir.rglob("*.pt")))
        # A file that nobody published is not looked for anywhere else.
        output = self.expect(2, "predict", "model=mine.pt", f"source={picture}", env=environment, contains=["mine.pt"])
        self.assertNotIn("https://", output)

    def test_the_weights_folder_of_the_settings(self):
        settings = self.dir / "settings/Ultralytics/settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"weights_dir": "kept", "runs_dir": "out"}))
        self.trained_weights("kept/yolo11n.pt")
        picture = next(self.pictures(1).iterdir())
        self.expect(0, "predict", "model=yolo11n.pt", f"source={picture}", "imgsz=320", contains=["RBC"])
        self.assertTrue((self.dir / "out/detect/predict/p0000.jpg").exists())
        # The working folder comes first.
        shutil.copy(self.shared("reference-run/files/yolo11n-80class-random.pt"), self.dir / "yolo11n.pt")
        output = self.expect(0, "predict", "model=yolo11n.pt", f"source={picture}", "imgsz=320", "save=False")
        self.assertNotIn("RBC", output)

    def test_what_is_transferred(self):
        shutil.copy(self.shared("reference-run/files/yolo11n-80class-random.pt"), self.dir / "yolo11n.pt")
        # The branch that predicts classes keeps the width that it has in the file.
        self.train("model=yolo11n.pt", contains=["Transferred 493/499 items"])
        self.assertNotIn("Transferred", self.train("model=yolo11n.pt", "pretrained=False"))
        self.assertNotIn("Transferred", self.train("model=yolo11n.yaml"))
        self.train("model=yolo11n.yaml", "pretrained=yolo11n.pt", contains=["Transferred"])
        # Rows of classes with equal names go with them.
        self.trained_weights("cells.pt")
        yaml = self.dir / "data/data.yaml"
        yaml.write_text(f"path: {self.dir}/data\ntrain: images/train\nval: images/val\nnames: [WBC, RBC, Platelets]\n")
        self.train("model=cells.pt", contains=["Transferred 499/499 items", "Remapped 3/3 cls head rows"])


if __name__ == "__main__":
    program.main()
