# SPDX-License-Identifier: Apache-2.0
"""Reads the tensors of a .pt file without torch, and without making anything that its pickle names."""

import dataclasses
import pickle
import zipfile


@dataclasses.dataclass(frozen=True)
class Storage:
    kind: str  # "FloatStorage"
    data: bytes
    item: int  # Bytes of one element.


@dataclasses.dataclass(frozen=True)
class Tensor:
    kind: str
    size: tuple
    stride: tuple
    data: bytes  # From the first to the last element.


class Object:
    """Stands for an object of whatever class: keeps what it was made of."""

    def __new__(cls, *arguments):
        made = super().__new__(cls)
        made.parts = {"arguments": arguments} if arguments else {}
        return made

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        self.parts["state"] = state

    def __setitem__(self, key, value):
        self.parts[key] = value

    def append(self, item):
        self.parts[len(self.parts)] = item

    def extend(self, items):
        for item in items:
            self.append(item)


def rebuild_tensor(storage, offset, size, stride, *_):
    span = 1 + sum((n - 1) * step for n, step in zip(size, stride)) if all(size) else 0
    data = storage.data[offset * storage.item:(offset + span) * storage.item]
    return Tensor(storage.kind, tuple(size), tuple(stride), data)


class Reader(pickle.Unpickler):
    def __init__(self, archive, root):
        super().__init__(archive.open(f"{root}data.pkl"))
        self.archive, self.root, self.storages = archive, root, {}

    def find_class(self, module, name):
        if name == "_rebuild_tensor_v2":
            return rebuild_tensor
        if name == "_rebuild_parameter":
            return lambda tensor, *_: tensor
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        return name if name.endswith("Storage") else type(name, (Object,), {})

    def persistent_load(self, saved):
        _, kind, key, _, count = saved
        if key not in self.storages:
            data = self.archive.read(f"{self.root}data/{key}")
            self.storages[key] = Storage(kind, data, len(data) // count if count else 1)
        return self.storages[key]


def tensors_below(value, name, found):
    if isinstance(value, Tensor):
        found[name] = value
    elif isinstance(value, Object):
        tensors_below(value.parts, name, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            tensors_below(item, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            tensors_below(item, f"{name}[{i}]", found)


def read_tensors(path):
    """Every tensor of the file by the path that leads to it: {"ema.state._modules.model...": Tensor}."""
    with zipfile.ZipFile(path) as archive:
        pickled = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        tree = Reader(archive, pickled.removesuffix("data.pkl")).load()
    found = {}
    tensors_below(tree, "", found)
    return found
