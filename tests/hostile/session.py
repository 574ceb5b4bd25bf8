# SPDX-License-Identifier: Apache-2.0
"""One run of the program under a limit: started, watched from outside, disturbed, waited for."""

import dataclasses
import os
import pathlib
import re
import subprocess
import threading
import time

from run_case import read_budget, read_page

import disturbances
import predicates

MIB = 1 << 20
SAMPLE_S = 0.02
LONGEST_S = 400  # Of one run on a busy machine.


class Process:
    """A child whose end is collected with its peak resident size, as the kernel counted it."""

    def __init__(self, popen):
        self.pid = popen.pid
        self.code = self.sent = None
        self.peak = 0
        self._popen = popen
        self._ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self):
        _, status, usage = os.wait4(self.pid, 0)
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        self.peak = usage.ru_maxrss * 1024
        self.code = self._popen.returncode
        self._ended.set()

    def over(self):
        return self._ended.is_set()

    def wait(self, seconds):
        return self._ended.wait(seconds)

    def send_signal(self, number):
        if self.over():
            raise disturbances.Missed("it was over before it was signalled")
        self.sent = -number
        os.kill(self.pid, number)

    def end(self):
        if not self.over():
            self.sent = -9
            os.kill(self.pid, 9)
            self.wait(60)


@dataclasses.dataclass
class Result:
    """What predicates look at."""
    command: str         # As the table has it.
    code: int
    sent: int            # Minus the signal that we sent, or None.
    pid: int
    output: str
    before: str          # Output of the scenario's steps before this one.
    peak: int            # Bytes resident, as the kernel counted.
    folder: pathlib.Path
    root: pathlib.Path   # Of all that the scenario's runs write.
    oom_kills: int
    dies: bool           # The kernel was meant to kill it.
    budgets: list        # As the last-state page had them, bytes.
    seconds: list        # Results of runs beside this one.
    plan: dict
    undisturbed: object  # Function: rows of results.csv of the run alone.

    def tail(self):
        return " | ".join(self.output.strip().splitlines()[-4:])[-600:]

    def plan_limit(self):
        return self.plan["host"]["limit_bytes"] if self.plan else None

    def summary(self):
        """Bytes of the last 'planned peak X, actual peak Y' of the log; None without one."""
        found = re.findall(r"planned peak ([\d.]+ \w+)(?: \([^)]*\))?, actual peak ([\d.]+ \w+)",
                           self.output)
        unit = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
        return [float(n) * unit[u] for n, u in (a.split() for a in found[-1])] if found else None

    @property
    def planned(self):
        """Bytes: the largest plan that was in force, as far as it was said; None without one."""
        if not self.plan:
            return None
        said = self.summary()
        # What is said has three digits.
        return max(self.plan["host"]["peak_bytes"], 1.005 * said[0] if said else 0)


class Session:
    """While a run goes on. Disturbances use it; finish() gives the result."""

    def __init__(self, scenario, step, confinement):
        self.scenario = scenario
        self.folder, self.runs, self.data = scenario.folder, scenario.runs, scenario.data
        self.limit_mib = confinement.limit.memory
        self._confinement = confinement
        self._kills = confinement.oom_kills()
        self._step = step
        self._log = scenario.dir / f"log{time.time_ns()}.txt"
        self._others, self._groups, self._seconds, self._budgets = [], [], [], []
        self._stop = threading.Event()
        self._plan = None
        # Files' times come from a clock that ticks every few milliseconds.
        self._began_ns = time.time_ns() - 10_000_000
        page = self.folder / "last_state.bin"
        self._page_before = page.stat().st_ino if page.exists() else None
        self._sequence_before = getattr(read_page(page), "sequence", None)
        self.run = self._start(scenario.words(step.command, step.options), self._log)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _start(self, command, log):
        with open(log, "w", encoding="utf-8") as out:
            return Process(self._confinement.popen(
                command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=self.scenario.dir, env={**os.environ, "HOME": str(self.scenario.dir)}))

    def _watch(self):
        while not self._stop.wait(SAMPLE_S):
            self._sample()

    def _sample(self):
        if self._plan is None:
            self._plan = self._read_plan()
        page = self.page()
        # In the set-up the budget is not settled yet.
        if page is not None and page.phase != "setup":
            try:
                budget = read_budget(self.folder / "last_state.bin")
            except (OSError, IndexError):
                return
            if budget and (not self._budgets or self._budgets[-1] != budget):
                self._budgets.append(budget)

    def _read_plan(self):
        """Of this run, not of one before it in the same folder."""
        path = self.folder / "memory_plan.json"
        try:
            fresh = path.stat().st_mtime_ns >= self._began_ns
        except OSError:
            return None
        return predicates.read_plan(self.folder) if fresh else None

    # For disturbances.
    def page(self):
        """The run's own; None while there is only that of a run before it."""
        page = read_page(self.folder / "last_state.bin")
        if page is None:
            return None
        try:
            same = (self.folder / "last_state.bin").stat().st_ino == self._page_before
        except OSError:
            return None
        return None if same and page.sequence == self._sequence_before else page

    def log(self):
        return self._log.read_text(errors="replace")

    def _tail(self):
        return " | ".join(self.log().strip().splitlines()[-4:])[-400:]

    def temporary_files(self):
        return list(self.runs.glob("**/.*.tmp"))

    def scratch(self, name):
        return str(self.scenario.dir / name)

    def wait(self, condition, seconds=LONGEST_S, poll_s=0.005):
        end = time.time() + seconds
        while not condition(self):
            if self.run.over():
                raise disturbances.Missed(f"it ended with {self.run.code} before: {self._tail()}")
            if time.time() > end:
                self.run.end()
                raise disturbances.Missed(f"waited {seconds} s in vain: {self._tail()}")
            time.sleep(poll_s)

    def pause(self, seconds):
        if self.run.wait(seconds):
            raise disturbances.Missed(f"it ended with {self.run.code} in a pause")

    def neighbour(self, command):
        """In the run's group; waited for."""
        process = Process(self._confinement.group.popen(command, stderr=subprocess.DEVNULL))
        self._others.append(process)
        if not process.wait(LONGEST_S):
            raise disturbances.Missed("the neighbour does not end")

    def killed_by_kernel(self):
        """The run, a moment ago."""
        if not self.run.wait(10):
            raise disturbances.Missed("the kernel let it live")
        self.run.sent = -9

    def background(self, group, command):
        self._groups.append(group)
        self._others.append(Process(group.popen(command, stderr=subprocess.DEVNULL)))

    def set_limit(self, mib):
        """Where more is held the kernel refuses for the moment: asked again."""
        for _ in range(100):
            try:
                self._confinement.group.set_limit(mib * MIB)
                self.limit_mib = mib
                return
            except OSError:
                self.pause(0.1)
        raise disturbances.Missed(f"the limit cannot be lowered to {mib} MiB")

    def second(self, command, options, name):
        log = self.scenario.dir / f"second{len(self._seconds)}.txt"
        process = self._start(self.scenario.words(command, options, name), log)
        self._seconds.append((process, log, self.runs / name))

    def seconds_over(self):
        return all(process.over() for process, _, _ in self._seconds)

    def finish(self, before, undisturbed):
        """Waits for the end of all; a run that takes too long is ended and fails by its code."""
        try:
            if not self.run.wait(LONGEST_S):
                self.run.end()
            for process, _, _ in self._seconds:
                if not process.wait(LONGEST_S):
                    process.end()
        finally:
            self.close()
        self._plan = self._plan or self._read_plan()
        result = self._result(self.run, self._log, self.folder, before, undisturbed)
        result.seconds = [self._result(process, log, folder, before, undisturbed)
                          for process, log, folder in self._seconds]
        return result

    def _result(self, process, log, folder, before, undisturbed):
        plan = self._plan if process is self.run else None
        return Result(command=self._step.command, code=process.code, sent=process.sent,
                      pid=process.pid,
                      output=log.read_text(errors="replace"), before=before, peak=process.peak,
                      folder=folder, root=self.runs, dies=self._step.dies,
                      oom_kills=self._confinement.oom_kills() - self._kills,
                      budgets=self._budgets if process is self.run else [], seconds=[], plan=plan,
                      undisturbed=undisturbed)

    def close(self):
        """Ends what still runs of this session."""
        for process in [self.run, *self._others, *(second[0] for second in self._seconds)]:
            process.end()
        self._stop.set()
        self._watcher.join()
        for group in self._groups:
            group.close()
