# SPDX-License-Identifier: Apache-2.0
"""Turns a plain dictionary of float32 tensors (torch.save) into a .safetensors file, without torch."""

import collections
import io
import json
import pickle
import struct
import zipfile

Tensor = collections.namedtuple("Tensor", "key offset shape")


class Reader(pickle.Unpickler):
    """Knows tensors, their storages and ordered dictionaries; nothing else is built."""

    def find_class(self, module, name):
        known = {
            "_rebuild_tensor_v2": lambda storage, offset, size, *_: Tensor(storage, offset, tuple(size)),
            "OrderedDict": dict,
            "FloatStorage": "F32",
            "LongStorage": "I64",
        }
        return known[name]

    def persistent_load(self, identity):
        _, kind, key, _, _ = identity
        return kind, key


def convert(source, target):
    archive = zipfile.ZipFile(source)
    pickled = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    tensors = Reader(io.BytesIO(archive.read(pickled))).load()
    header, body, at = {}, [], 0
    for name, tensor in tensors.items():
        kind, key = tensor.key
        size = {"F32": 4, "I64": 8}[kind]
        count = 1
        for side in tensor.shape:
            count *= side
        stored = archive.read(pickled.replace("data.pkl", f"data/{key}"))
        body.append(stored[tensor.offset * size : (tensor.offset + count) * size])
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [at, at + count * size]}
        at += count * size
    text = json.dumps(header).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(body))
