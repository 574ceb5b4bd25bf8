#!/usr/bin/env python3
"""Checks that every module includes only modules below it, and that the torch-free ones stay so.

The table is the architecture: ARCHITECTURE.md draws it, this script enforces it.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "headroom"

LEAVES = {"core"}
BASE = {"config", "memory", "image", "geometry", "kernels"}
SERVICES = {"data", "metrics", "monitor", "interop", "plot"}
BELOW_GRAPH = {"core", "config", "memory", "kernels", "device"}
NETWORK = {"loss", "detect", "optim"}

# Module -> what it may include beside itself.
MAY_INCLUDE = {
    "core": set(),
    **{module: LEAVES for module in BASE},
    **{module: LEAVES | BASE for module in SERVICES},
    "device": LEAVES | {"memory"},
    "graph": BELOW_GRAPH,
    "ops": BELOW_GRAPH | {"graph"},
    "nn": BELOW_GRAPH | {"graph", "ops"},
    **{module: LEAVES | BASE | {"graph", "ops", "nn"} for module in NETWORK},
}
BELOW_EVALUATE = LEAVES | BASE | SERVICES | {"device", "graph", "ops", "nn"} | NETWORK
MAY_INCLUDE["evaluate"] = BELOW_EVALUATE
BELOW_TRAIN = BELOW_EVALUATE | {"evaluate"}
MAY_INCLUDE["train"] = BELOW_TRAIN
MAY_INCLUDE["deploy"] = BELOW_TRAIN
MAY_INCLUDE["cli"] = BELOW_TRAIN | {"train", "deploy"}
MAY_INCLUDE["testing"] = LEAVES | BASE | SERVICES
MAY_INCLUDE["testing_torch"] = BELOW_TRAIN | {"testing"}

TORCH_FREE = LEAVES | BASE | SERVICES | {"detect", "testing"}
# image: codecs; deploy: OpenCV's DNN module and its drawing.
IMAGE_LIBRARIES_ONLY_IN = {"image", "deploy"}

OURS = re.compile(r'^\s*#include "headroom/(\w+)/', re.M)
TORCH = re.compile(r"^\s*#include <(torch|ATen|c10)/", re.M)
IMAGE_LIBRARIES = re.compile(r"^\s*#include <(opencv2/|turbojpeg\.h|jpeglib\.h)", re.M)


def problems_of(path):
    module = path.relative_to(SOURCE).parts[0]
    text = path.read_text()
    test = path.name.endswith(("_test.cc", "_bench.cc", "_test_data.cc")) or path.name.startswith("fake_")
    if module not in MAY_INCLUDE:
        yield f"module {module} is not in the table of {pathlib.Path(__file__).name}"
        return
    for other in sorted(set(OURS.findall(text))):
        if other == module or other in MAY_INCLUDE[module]:
            continue
        if other in ("testing", "testing_torch") and (test or module.startswith("testing")):
            continue
        yield f"{module} must not include {other}"
    if module in TORCH_FREE and TORCH.search(text):
        yield f"{module} must not include LibTorch"
    if module not in IMAGE_LIBRARIES_ONLY_IN and not test and IMAGE_LIBRARIES.search(text):
        if module != "testing":
            yield f"{module} must not include OpenCV or libjpeg-turbo: go through image/"
    if path.suffix == ".h" and "#include <torch/torch.h>" in text:
        yield "torch/torch.h in a header: include the narrow ATen headers"


def main():
    failed = False
    for path in sorted([*SOURCE.rglob("*.h"), *SOURCE.rglob("*.cc")]):
        for problem in problems_of(path):
            print(f"{path.relative_to(ROOT)}: {problem}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
