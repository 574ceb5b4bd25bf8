# SPDX-License-Identifier: Apache-2.0
"""Writes small seeds for the fuzzers: make_seeds.py FOLDER (needs torch).

FOLDER/checkpoint gets whole files, FOLDER/pickle their pickles."""
import sys
import zipfile
from pathlib import Path

import torch
from torch import nn

folder = Path(sys.argv[1])
for name in ("checkpoint", "pickle"):
    (folder / name).mkdir(parents=True, exist_ok=True)
net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.zeros(1, 1, 2, 2)).sum().backward()
optimizer.step()
files = {
    "module": net,
    "state": net.state_dict(),
    "training": {"epoch": 1, "ema": net, "optimizer": optimizer.state_dict(), "names": {0: "a"}},
    "values": {"a": [1, -5, 2.5, None, True, "text", b"\x00\xff"], "b": {(1, 2), 3}, "t": torch.Size([1, 2])},
    "strided": {"a": torch.zeros(4, 3).t(), "b": torch.zeros(2, dtype=torch.int64)},
}
for name, value in files.items():
    path = folder / "checkpoint" / f"{name}.pt"
    torch.save(value, path)
    (folder / "pickle" / name).write_bytes(zipfile.ZipFile(path).read(f"{name}/data.pkl"))
header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
(folder / "checkpoint/a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
