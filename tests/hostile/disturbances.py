# SPDX-License-Identifier: Apache-2.0
"""What happens to a run from outside. Each is made by a function whose arguments stand in the table
and is called with the session of the run (session.py) while it goes on. One that meets no run any
more raises Missed. Those for between two runs get the scenario (run.py) instead."""

import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

from cgroup import HOG, SUDDEN_HOG, Cgroup
import datasets

MB = 10**6
MIB = 1 << 20

# Reads a mapped file larger than its group's limit again and again: its pages come and go.
THRASH = """
import mmap, os, sys, time
path, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
with open(path, "wb") as out:
    for _ in range(size >> 20):
        out.write(os.urandom(1 << 20))
        out.flush()
        os.fsync(out.fileno())
end = time.time() + seconds
with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
    while time.time() < end:
        for at in range(0, size, 4096):
            pages[at]
"""

# Writes a file in so many seconds, holds it, removes it.
FILLER = """
import os, sys, time
path, size, seconds, hold = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
block, start = bytes(1 << 20), time.time()
try:
    with open(path, "wb") as out:
        for i in range(size >> 20):
            out.write(block)
            time.sleep(max(0, start + seconds * i * len(block) / size - time.time()))
    time.sleep(hold)
finally:
    os.unlink(path)
"""


class Missed(Exception):
    """The run was over before it could be disturbed."""


# When: conditions on a session.
def at_once(session):
    return True


def planning(session):
    return session.page() is not None


def planned(session):
    return (session.folder / "memory_plan.json").exists()


def in_phase(name):
    def reached(session):
        page = session.page()
        return page is not None and page.phase == name
    reached.__name__ = name
    return reached


def stepping(session):
    page = session.page()
    return page is not None and page.phase == "train step" and page.epoch >= 1


def in_epoch(number):
    def reached(session):
        page = session.page()
        return page is not None and page.epoch >= number and page.phase == "train step"
    return reached


def saved(session):
    return (session.folder / "weights" / "last.pt").exists()


def writing(session):
    """While a checkpoint is written, under its temporary name."""
    return any(".pt." in path.name for path in session.temporary_files())


def after(seconds, when=stepping):
    """So long after another condition was met."""
    met = []

    def reached(session):
        if not met and when(session):
            met.append(time.time())
        return bool(met) and time.time() >= met[0] + seconds
    return reached


def logged(text):
    return lambda session: text in session.log()


def _python(program, *args):
    return [sys.executable, "-c", program, *map(str, args)]


# Memory that others take.
def neighbour(rate_mb, total_mb, hold_s=2, when=stepping):
    """Of the run's group, at so many MB a second up to a total."""
    def act(session):
        session.wait(when)
        session.neighbour(_python(HOG, rate_mb * MB, total_mb * MB, hold_s))
    return act


def sudden_neighbour(total_mb, when=stepping, hold_s=1):
    """All of it at once."""
    def act(session):
        session.wait(when)
        session.neighbour(_python(SUDDEN_HOG, total_mb * MB, hold_s))
    return act


def die_for_a_neighbour(total_mb, when):
    """A neighbour takes so much that the kernel kills: of the two, the run."""
    def act(session):
        session.wait(when)
        pathlib.Path(f"/proc/{session.run.pid}/oom_score_adj").write_text("1000")
        session.neighbour(_python(SUDDEN_HOG, total_mb * MIB, 1))
        session.killed_by_kernel()
    return act


def page_cache(total_mb, seconds=3, when=stepping):
    """A neighbour that writes a file, which the kernel can drop from memory."""
    def act(session):
        session.wait(when)
        session.neighbour(_python(FILLER, session.scratch("cached"), total_mb * MB, seconds, 2))
    return act


def tmpfs(total_mb, seconds=3, hold_s=3, when=stepping):
    """The same in /dev/shm: memory that nobody can reclaim."""
    def act(session):
        session.wait(when)
        path = f"/dev/shm/headroom-test-{os.getpid()}"
        session.neighbour(_python(FILLER, path, total_mb * MB, seconds, hold_s))
    return act


def thrash_elsewhere(seconds, when=stepping):
    """Another group reclaims all the time; goes on in the background."""
    def act(session):
        session.wait(when)
        group = Cgroup(32 * MIB)
        session.background(group, _python(THRASH, session.scratch("thrash"), 96 * MIB, seconds))
    return act


def oom_kill_elsewhere(scenario):
    """Another group has one; its run is not ours. For between two runs."""
    group = Cgroup(64 * MIB)
    try:
        group.popen(_python(SUDDEN_HOG, 256 * MIB, 1), stderr=subprocess.DEVNULL).wait(timeout=60)
        if group.oom_kills() == 0:
            raise RuntimeError("the kernel killed nobody in the other group")
    finally:
        group.close()


# Limits that move.
def limit_to(mib, when=stepping, seconds=0):
    """In one step; or evenly in so many seconds from what it is."""
    def act(session):
        session.wait(when)
        start, before = time.time(), session.limit_mib
        for _ in itertools.count():
            share = 1 if seconds == 0 else min(1, (time.time() - start) / seconds)
            session.set_limit(round(before + (mib - before) * share))
            if share == 1:
                return
            session.pause(0.1)
    return act


def pause(seconds):
    return lambda session: session.pause(seconds)


def wait_for(condition, seconds=120):
    return lambda session: session.wait(condition, seconds)


# Signals.
def send(number, when=stepping):
    def act(session):
        session.wait(when, poll_s=0.0005)
        session.run.send_signal(number)
    return act


def kill(when=stepping):
    return send(signal.SIGKILL, when)


def interrupt(when=stepping):
    return send(signal.SIGINT, when)


def terminate(when=stepping):
    return send(signal.SIGTERM, when)


def hang_up(when=stepping):
    return send(signal.SIGHUP, when)


def stop_and_continue(seconds, when=stepping):
    def act(session):
        session.wait(when)
        session.run.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        session.run.send_signal(signal.SIGCONT)
    return act


# Files that change under the run.
def _pictures(session, count, split="train"):
    return sorted((session.data / "images" / split).iterdir())[:count]


def replace_pictures(kind, width, height, count=4, when=stepping, split="train"):
    """Under their old names, each at one stroke."""
    def act(session):
        session.wait(when)
        for path in _pictures(session, count, split):
            new = path.with_name(".new")
            datasets.write_kind(new, kind, width, height)
            os.replace(new, path)
    return act


def delete_pictures(count=4, when=stepping):
    def act(session):
        session.wait(when)
        for path in _pictures(session, count):
            path.unlink()
    return act


def cut_pictures(count=4, when=stepping):
    """To their first kilobyte."""
    def act(session):
        session.wait(when)
        for path in _pictures(session, count):
            os.truncate(path, 1024)
    return act


def fill_disk(when=stepping, leave_kib=0):
    """Of the small file system that the runs are written to."""
    def act(session):
        session.wait(when)
        filler = session.runs / "filler"
        with open(filler, "wb", buffering=0) as out:
            try:
                while True:
                    out.write(bytes(4096))
            except OSError:
                pass
            os.truncate(filler, max(0, out.tell() - leave_kib * 1024))
    return act


def free_disk(scenario):
    """Between two runs."""
    (scenario.runs / "filler").unlink()


def flatten_checkpoint(scenario):
    """Between two runs: as one copied from a server, last.pt alone in a folder; the run is gone."""
    flat = scenario.runs / "copied"
    flat.mkdir()
    os.replace(scenario.folder / "weights" / "last.pt", flat / "last.pt")
    subprocess.run(["rm", "-rf", str(scenario.folder)], check=True)


def leave_temporary_file(scenario):
    """Between two runs: what a kill while a checkpoint is written leaves."""
    (scenario.folder / "weights" / ".last.pt.999999.3.tmp").write_bytes(bytes(4096))


# Others that do the same.
def twin(command=None, options=None, name="run"):
    """A second run beside this one in the same confinement, started at once; waited for."""
    def act(session):
        session.second(command, options, name)
    return act


def twin_over(session):
    return session.seconds_over()


def reference_run(scenario):
    """Before a command: the folder of a run of the reference, of the case of `batch=133`."""
    folder = pathlib.Path(scenario.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "args.yaml").write_text(
        "task: detect\nmode: train\nmodel: yolo11n.yaml\n"
        f"data: {scenario.data}/data.yaml\nepochs: 100\nbatch: 133\nimgsz: 640\nworkers: 12\n"
        "single_cls: true\ndevice: '0'\ncache: false\namp: true\n")
