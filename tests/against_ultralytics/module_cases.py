# SPDX-License-Identifier: Apache-2.0
"""Tiny models in which every argument of every module is away from its default, and their deterministic numbers.

The reference builds each of them from its YAML. Weights and images are functions of a position alone, so that both
programs can make them without a file: see `mixed`. Run as a program it records what the reference computes, for
src/headroom/nn/module_golden_test.cc:

    $PYTHON module_cases.py ../data/golden/modules.json
"""

import json
import sys

import torch
import yaml
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel

SIZE = 64
IMAGES = 2

STEM = "[-1, 1, Conv, [16, 3, 2]]"
ONE_LAYER = {
    "conv_default": "[-1, 1, Conv, [24]]",
    "conv_padding": "[-1, 1, Conv, [24, 6, 2, 2]]",
    "conv_small_padding": "[-1, 1, Conv, [24, 4, 2, 1]]",
    "conv_no_padding_list": "[-1, 1, Conv, [24, [2, 2], [2, 2], 0]]",
    "conv_groups": "[-1, 1, Conv, [24, 3, 1, None, 4]]",
    "conv_dilation": "[-1, 1, Conv, [24, 3, 1, None, 1, 2]]",
    "conv_all": "[-1, 1, Conv, [24, 3, 2, 2, 2, 2, False]]",
    "conv_pointwise_stride": "[-1, 1, Conv, [24, 1, 2, 0, 8]]",
    "conv_no_activation": "[-1, 1, Conv, [24, 3, 1, None, 1, 1, None]]",
    "conv_stack": "[-1, 2, Conv, [16, 3, 1, 1, 4]]",
    "dwconv": "[-1, 1, DWConv, [24, 5, 2]]",
    "dwconv_all": "[-1, 1, DWConv, [32, 3, 2, 2, False]]",
    "bottleneck": "[-1, 1, Bottleneck, [16]]",
    "bottleneck_all": "[-1, 2, Bottleneck, [16, False, 2, [[1, 1], [5, 5]], 0.75]]",
    "bottleneck_kernels": "[-1, 1, Bottleneck, [16, True, 4, [5, 1], 1.0]]",
    "c2": "[-1, 2, C2, [24]]",
    "c2_all": "[-1, 2, C2, [16, False, 2, 0.75]]",
    "c2f": "[-1, 2, C2f, [24]]",
    "c2f_all": "[-1, 2, C2f, [16, True, 2, 0.75]]",
    "c3": "[-1, 2, C3, [24]]",
    "c3_all": "[-1, 2, C3, [16, False, 2, 0.75]]",
    "c3k2": "[-1, 2, C3k2, [24]]",
    "c3k2_all": "[-1, 2, C3k2, [16, True, 0.75, False, 2, False]]",
    "c3k2_plain_all": "[-1, 1, C3k2, [16, False, 0.75, False, 3, False]]",
    "c3k2_attention_all": "[-1, 2, C3k2, [16, True, 0.75, True, 2, False]]",
    "sppf": "[-1, 1, SPPF, [24]]",
    "sppf_kernel": "[-1, 1, SPPF, [24, 3]]",
    "sppf_all": "[-1, 1, SPPF, [16, 3, 2, True]]",
    "sppf_pools": "[-1, 2, SPPF, [16, 7, 1]]",
    "c2psa": "[-1, 2, C2PSA, [16]]",
    "c2psa_all": "[-1, 1, C2PSA, [16, 0.25]]",
}
ACTIVATIONS = ["nn.ReLU()", "nn.LeakyReLU(0.2)", "torch.nn.LeakyReLU(negative_slope=0.05, inplace=True)",
               "nn.Hardswish()", "nn.Identity()", "nn.SiLU(inplace=True)"]


def model_text(rows, head="[[1], 1, Detect, [nc]]", top=""):
    layers = "".join(f"  - {row}\n" for row in rows)
    return f"nc: 2\n{top}backbone:\n{layers}head:\n  - {head}\n"


def cases():
    """Name -> YAML text."""
    texts = {name: model_text([STEM, row]) for name, row in ONE_LAYER.items()}
    for i, activation in enumerate(ACTIVATIONS):
        texts[f"activation_{i}"] = model_text([STEM, "[-1, 1, C3k2, [16, True]]"], top=f"activation: {activation}\n")
    texts["two_levels"] = model_text(
        [STEM, "[-1, 1, Conv, [16, 3, 2]]", "[-1, 1, nn.Upsample, [None, 2, nearest]]", "[[-1, 0], 1, Concat, [1]]"],
        head="[[3, 1], 1, Detect, [nc]]")
    texts["end2end"] = model_text([STEM, "[-1, 1, C2f, [16]]"], top="end2end: True\nreg_max: 1\n")
    texts["reg_max"] = model_text([STEM, "[-1, 1, C2f, [16]]"], top="reg_max: 5\n")
    texts["multiples"] = model_text([STEM, "[-1, 4, C3k2, [64]]"], top="depth_multiple: 0.5\nwidth_multiple: 0.25\n")
    texts["scale"] = model_text([STEM, "[-1, 4, C3k2, [64, False]]"],
                                top="scales:\n  x: [0.5, 0.375, 40]\n")
    return texts


def mixed(count, stream):
    """`count` integers below 2^32, a function of their position and the stream."""
    x = torch.arange(count, dtype=torch.int64) * 2654435761 + stream * 40503 + 12345
    for factor in (0x45D9F3B, 0x119DE1F3):
        x = x % 2**32
        x = (x ^ (x >> 16)) * factor
    x = x % 2**32
    return x ^ (x >> 16)


def fill(model):
    """Gives every number of the network its value: the entry's position in the state dict is its stream."""
    state = model.state_dict()
    for stream, (name, tensor) in enumerate(state.items()):
        if name.endswith("num_batches_tracked") or ".dfl." in name:
            continue
        unit = mixed(tensor.numel(), stream).double() / 2**32 - 0.5
        if name.endswith("running_var"):
            values = 1 + 0.8 * unit
        elif tensor.dim() == 4:
            values = 2 * (3 / (tensor[0].numel())) ** 0.5 * unit
        elif name.endswith("bn.weight"):
            values = 1 + 0.4 * unit
        else:
            values = 0.4 * unit
        tensor.copy_(values.reshape(tensor.shape).float())


def image(size=SIZE):
    """[IMAGES, 3, size, size], bytes."""
    return (mixed(IMAGES * 3 * size * size, 1000) % 256).reshape(IMAGES, 3, size, size)


def build(text, name="case.yaml"):
    Conv.default_act = torch.nn.SiLU()  # `activation:` changes the class itself.
    config = yaml.safe_load(text)
    if "scales" in config:
        config["scale"] = "x"
    config["yaml_file"] = name
    model = DetectionModel(config, ch=3, verbose=False)
    Conv.default_act = torch.nn.SiLU()
    fill(model)
    return model


def head_maps(model, training):
    """Of every level the boxes and the classes, of one head after the other."""
    maps = []
    head = model.model[-1]
    names = ("cv2", "cv3", "one2one_cv2", "one2one_cv3")
    hooks = []
    for name in names:
        for level in getattr(head, name, None) or []:
            hooks.append(level.register_forward_hook(lambda _m, _i, out, name=name: maps.append((name, out.detach()))))
    model.train(training)
    with torch.no_grad():
        saved = {k: v.clone() for k, v in model.state_dict().items()}
        model(image().float() / 255)
        model.load_state_dict(saved)
    for hook in hooks:
        hook.remove()
    # Order of ours: by head, then by level, boxes before classes.
    by_name = {name: [m for n, m in maps if n == name] for name in names}
    ordered = []
    for boxes, classes in (("cv2", "cv3"), ("one2one_cv2", "one2one_cv3")):
        for pair in zip(by_name[boxes], by_name[classes]):
            ordered += pair
    return ordered


def figures(tensor):
    """A map in few numbers: its shape, its norm and values spread over it."""
    flat = tensor.double().flatten()
    step = max(len(flat) // 11, 1)
    return {"shape": list(tensor.shape), "norm": float(f"{flat.norm():.9g}"),
            "step": step, "values": [float(f"{x:.7g}") for x in flat[::step]]}


def main():
    recorded = []
    for name, text in cases().items():
        model = build(text)
        entry = {"name": name, "yaml": text, "strides": [int(s) for s in model.stride],
                 "entries": len(model.state_dict()), "parameters": sum(p.numel() for p in model.parameters())}
        for mode, training in (("eval", False), ("train", True)):
            entry[mode] = [figures(m) for m in head_maps(model, training)]
        recorded.append(entry)
    text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in recorded)
    with open(sys.argv[1], "w") as file:
        file.write(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
