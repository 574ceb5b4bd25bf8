# SPDX-License-Identifier: Apache-2.0
"""What a run is confined by: a memory group, ulimits, a small disk. close() undoes everything."""

import dataclasses
import os
import pathlib
import resource
import subprocess
import time

from cgroup import Cgroup, cgroups_missing

MIB = 1 << 20
NOBODY = 65534
PIDS = pathlib.Path("/sys/fs/cgroup/pids")


@dataclasses.dataclass(frozen=True)
class Limit:
    """0: none of this kind."""
    memory: int = 0         # MiB of a memory group.
    address_space: int = 0  # MiB, ulimit -v.
    data: int = 0           # MiB, ulimit -d.
    file_size: int = 0      # KiB, ulimit -f.
    threads: int = 0        # In a pids group.
    processes: int = 0      # ulimit -u, as a user whom it binds: root is free of it.
    disk: int = 0           # MiB of the file system that runs are written to.

    def __str__(self):
        units = {"memory": "MiB", "address_space": "MiB", "data": "MiB", "file_size": "KiB",
                 "disk": "MiB"}
        words = [f"{name.replace('_', ' ')} {value} {units.get(name, '')}".strip()
                 for name, value in dataclasses.asdict(self).items() if value]
        return ", ".join(words) or "none"

    def missing(self):
        """Why it cannot be set here, or None."""
        if self.memory and cgroups_missing():
            return cgroups_missing()
        if (self.disk or self.processes) and os.geteuid() != 0:
            return "a file system or a user of its own needs root"
        if self.threads and not os.access(PIDS, os.W_OK):
            return "there is no pids group of v1 that could be written"
        return None


class Confinement:
    """Starts processes within a limit. `runs`: the folder that a small disk is mounted on."""

    def __init__(self, limit, runs):
        self.limit = limit
        self.runs = runs
        self.group = self._pids = None
        self._mounted = False
        runs.mkdir(parents=True, exist_ok=True)
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        if self.limit.memory:
            self.group = Cgroup(self.limit.memory * MIB)
        if self.limit.threads:
            self._pids = PIDS / f"headroom-test-{os.getpid()}-{time.time_ns()}"
            self._pids.mkdir()
            (self._pids / "pids.max").write_text(str(self.limit.threads))
        if self.limit.disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.limit.disk}m", "tmpfs",
                            str(self.runs)], check=True)
            self._mounted = True

    def _enter(self):
        """In the child, before it becomes the program."""
        if self.group:
            self.group.enter()
        if self._pids:
            (self._pids / "cgroup.procs").write_text(str(os.getpid()))
        for kind, value in ((resource.RLIMIT_AS, self.limit.address_space * MIB),
                            (resource.RLIMIT_DATA, self.limit.data * MIB),
                            (resource.RLIMIT_FSIZE, self.limit.file_size * 1024),
                            (resource.RLIMIT_NPROC, self.limit.processes)):
            if value:
                resource.setrlimit(kind, (value, value))
        if self.limit.processes:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)

    def popen(self, command, **more):
        return subprocess.Popen(command, preexec_fn=self._enter, **more)

    def oom_kills(self):
        return self.group.oom_kills() if self.group else 0

    def close(self):
        if self._mounted:
            subprocess.run(["umount", "-l", str(self.runs)], check=False)
        if self._pids:
            for _ in range(50):
                try:
                    self._pids.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)
        if self.group:
            self.group.close()
