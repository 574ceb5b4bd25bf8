# SPDX-License-Identifier: Apache-2.0
"""Resident bytes of a process and all its children, page cache apart."""
import pathlib
import threading
import time


def children_of(pid: int) -> list[int]:
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            continue
    return found


def tree_of(pid: int) -> list[int]:
    pids = [pid]
    for child in pids:
        pids += children_of(child)
    return pids


def resident_mib(pid: int) -> float:
    """Proportional anonymous and shared-memory pages of the tree, in MiB."""
    total = 0
    for process in tree_of(pid):
        try:
            lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # It ended in between.
        fields = {line.split(":")[0]: line.split() for line in lines if ":" in line}
        total += sum(int(fields[key][1]) for key in ("Pss_Anon", "Pss_Shmem", "Pss_File") if key in fields)
    return total / 1024


class PeakOf:
    """Samples `resident_mib` in a thread while the block runs."""

    def __init__(self, pid: int, seconds: float = 0.25):
        self.pid, self.seconds, self.peak = pid, seconds, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stop.set()
        self._thread.join()

    def _sample(self):
        while not self._stop.is_set():
            self.peak = max(self.peak, resident_mib(self.pid))
            time.sleep(self.seconds)
