# SPDX-License-Identifier: Apache-2.0
"""Memory groups of cgroup v1 and v2 for tests, and neighbours that live in them. Root only."""

import functools
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path("/sys/fs/cgroup")

# Takes memory at a steady rate until so much of the limit is left, holds it, gives it back.
HOG = """
import sys, time
rate, total, hold = (float(a) for a in sys.argv[1:4])
held, start = [], time.time()
while sum(map(len, held)) < total:
    if sum(map(len, held)) < rate * (time.time() - start):
        block = bytearray(4 << 20)
        for i in range(0, len(block), 4096):
            block[i] = 1
        held.append(block)
    else:
        time.sleep(0.005)
time.sleep(hold)
"""

# Takes all of it at once, holds it for a second or for as many as are asked for.
SUDDEN_HOG = """
import sys, time
held = b"x" * int(sys.argv[1])
time.sleep(float((sys.argv[2:] or ["1"])[0]))
"""


class _Version1:
    """File names below a hierarchy of the memory controller's own."""
    root = ROOT / "memory"
    limit, events, anonymous = "memory.limit_in_bytes", "memory.oom_control", "total_rss"

    def prepare(self):
        if not (self.root / "cgroup.procs").exists():
            raise OSError("there is no memory hierarchy")


class _Version2:
    root = ROOT
    limit, events, anonymous = "memory.max", "memory.events", "anon"

    def prepare(self):
        if "memory" not in (self.root / "cgroup.controllers").read_text().split():
            raise OSError("the unified hierarchy has no memory controller")
        (self.root / "cgroup.subtree_control").write_text("+memory")


@functools.lru_cache(None)
def _version():
    """The one that has the memory controller here; OSError where none has or may be used."""
    reasons = []
    for version in (_Version1(), _Version2()):
        try:
            version.prepare()
            return version
        except OSError as error:
            reasons.append(str(error))
    raise OSError("; ".join(reasons))


class Cgroup:
    """A memory group of its own; processes started with popen() are in it."""

    def __init__(self, limit):
        self._version = _version()
        self.path = self._version.root / f"headroom-test-{os.getpid()}-{time.time_ns()}"
        self.path.mkdir()
        self.set_limit(limit)
        swap = self.path / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")

    def set_limit(self, limit):
        """OSError (v1) where more is held that cannot be reclaimed."""
        (self.path / self._version.limit).write_text(str(limit))

    def enter(self):
        """Of the process that calls it."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def popen(self, command, **more):
        return subprocess.Popen(command, preexec_fn=self.enter, **more)

    def oom_kills(self):
        text = (self.path / self._version.events).read_text()
        return int(re.search(r"^oom_kill (\d+)", text, re.MULTILINE).group(1))

    def anonymous(self):
        """Bytes of memory that is no page cache, of all in the group."""
        text = (self.path / "memory.stat").read_text()
        return int(re.search(rf"^{self._version.anonymous} (\d+)", text, re.MULTILINE).group(1))

    def close(self):
        for _ in range(50):
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.1)


@functools.lru_cache(None)
def cgroups_missing():
    """Why no group can be made here; None where it can."""
    if os.geteuid() != 0:
        return "memory cgroups need root"
    try:
        Cgroup(1 << 30).close()
    except OSError as error:
        return f"memory cgroups cannot be made: {error}"
    return None
