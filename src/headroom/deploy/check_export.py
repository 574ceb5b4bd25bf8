"""Runs an exported model in its own runtime and compares: MODEL INPUT SHAPE EXPECTED SHAPE TOLERANCE [rows].

With `rows`, rows of an image are compared whatever their order.

Called by the tests of deploy/, with an interpreter that has onnx, onnxruntime and torch.
"""

import json
import sys

import numpy


def tensor(path, shape):
    return numpy.fromfile(path, numpy.float32).reshape([int(n) for n in shape.split(",")])


def run_onnx(path, images):
    import onnx
    import onnxruntime

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    assert "names" in session.get_modelmeta().custom_metadata_map
    return session.run(["output0"], {"images": images})[0]


def run_torchscript(path, images):
    import torch

    extra = {"config.txt": ""}
    model = torch.jit.load(path, _extra_files=extra)
    assert json.loads(extra["config.txt"])["task"] == "detect"
    with torch.no_grad():
        return model(torch.from_numpy(images)).numpy()


def largest_difference(output, expected, any_order):
    if not any_order:
        return float(numpy.abs(output - expected).max())
    distances = numpy.abs(output[:, :, None] - expected[:, None]).max(axis=3)
    return float(max(distances.min(axis=1).max(), distances.min(axis=2).max()))


def main():
    path = sys.argv[1]
    images = tensor(*sys.argv[2:4])
    expected = tensor(*sys.argv[4:6])
    output = (run_onnx if path.endswith(".onnx") else run_torchscript)(path, images)
    if output.shape != expected.shape:
        sys.exit(f"{path}: shape {output.shape} instead of {expected.shape}")
    difference = largest_difference(output, expected, sys.argv[7:] == ["rows"])
    print(f"{path}: {output.shape}, largest difference {difference:.2e}")
    if not difference <= float(sys.argv[6]):
        sys.exit(f"largest difference {difference} exceeds {sys.argv[6]}")


main()
