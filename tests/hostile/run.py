#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of scenarios.py under their limits and ends with the table of planned against
measured peaks.

usage: run.py PATH_OF_YOLO PATH_OF_SAMPLE_DATA [--all | --part N | --list | NAME...]

NAME may be the beginning of names. Without one a part that takes about five minutes on two cores is
run: HEADROOM_HOSTILE_PART names it, else the day does. --log FOLDER keeps the output of every run.
"""

import argparse
import datetime
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "memory"))

import datasets  # noqa: E402
import disturbances  # noqa: E402
import limits  # noqa: E402
import predicates  # noqa: E402
import scenarios  # noqa: E402
import session  # noqa: E402

MIB = 1 << 20
PART_S = 270
MEDIAN_ERROR = 0.08

# Small enough that a run's time is spent between its phases, not in them.
TINY = """
nc: 3
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, C3k2, [16, False, 0.25]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [64, 3, 2]]
head:
  - [[3, 4], 1, Detect, [nc]]
"""


class Harness:
    """What the scenarios of one call share."""

    def __init__(self, yolo, sample, log=None):
        self.yolo = os.path.abspath(yolo)
        self.sample = os.path.abspath(sample)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="headroom-hostile-"))
        os.chmod(self.dir, 0o755)
        self.peaks = []  # (name of the run, planned, measured, whether it ran as planned)
        self.log = pathlib.Path(log) if log else None
        self._weights = {}
        self._undisturbed = {}
        if self.log:
            self.log.mkdir(parents=True, exist_ok=True)

    def weights(self, model):
        """A checkpoint of such a model, trained for one epoch."""
        if model not in self._weights:
            scenario = ScenarioRun(self, scenarios.row(
                f"weights-{len(self._weights) + 1}", "", limits.Limit(), "few", "train",
                f"model={model} imgsz=160 batch=16 epochs=1 plots=False amp=False workers=1"))
            failures = scenario.run()
            if failures:
                raise RuntimeError(f"no weights for the scenarios: {failures}")
            self._weights[model] = self.dir / f"weights{len(self._weights)}.pt"
            shutil.copy(scenario.folder / "weights" / "best.pt", self._weights[model])
            scenario.close()
        return self._weights[model]

    def undisturbed(self, data, options):
        """Rows of results.csv of such a training alone and without a limit."""
        if (data, options) not in self._undisturbed:
            scenario = ScenarioRun(self, scenarios.row(
                f"undisturbed-{len(self._undisturbed) + 1}", "", limits.Limit(), data, "train",
                options))
            try:
                failures = scenario.run()
                if failures:
                    raise RuntimeError(f"the undisturbed run failed: {failures}")
                self._undisturbed[data, options] = predicates.results(scenario.folder)
            finally:
                scenario.close()
        return self._undisturbed[data, options]

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class ScenarioRun:
    """One scenario: its folder, data, limit and steps."""

    def __init__(self, harness, scenario):
        self.harness, self.scenario = harness, scenario
        self.dir = harness.dir / scenario.name
        self.dir.mkdir()
        self.runs = self.dir / "runs"
        self.folder = self.runs / "run"
        self.data = self.dir / "data"
        datasets.make(scenario.data, self.data, harness.sample)
        (self.dir / "tiny.yaml").write_text(TINY)
        self._confinement = None
        self.output = ""

    def run(self):
        """What failed, a line each."""
        failures = []
        for number, step in enumerate(self.scenario.steps, 1):
            where = f"step {number} ({step.command}): " if len(self.scenario.steps) > 1 else ""
            failures += [where + text for text in self._step(number, step)]
            if failures:
                break  # What follows stands on it.
        return failures

    def _confine(self, step):
        if step.limit is not None or self._confinement is None:
            self._release()
            self._confinement = limits.Confinement(step.limit or self.scenario.limit, self.runs)
            if self._confinement.limit.processes:
                for path in [self.dir, *self.dir.rglob("*")]:
                    os.chown(path, limits.NOBODY, limits.NOBODY)
        return self._confinement

    def _step(self, number, step):
        confinement = self._confine(step)
        for act in step.before:
            act(self)
        going = session.Session(self, step, confinement)
        missed = None
        try:
            for act in step.disturb:
                act(going)
        except disturbances.Missed as error:
            missed = f"the disturbance missed the run: {error}"
        except BaseException:
            going.close()
            raise
        result = going.finish(self.output, lambda: self.harness.undisturbed(
            self.scenario.data, self.scenario.steps[0].options))
        self._keep(number, result.output)
        self.output += result.output
        for one in [result, *result.seconds]:
            self._count_peak(number, one)
        checks = predicates.ALWAYS + ([] if missed else list(step.holds))
        found = [(check.__name__, check(result)) for check in checks]
        return [*([missed] if missed else []), *(f"{name}: {text}" for name, text in found if text)]

    def words(self, command, options, name="run"):
        """The command line. Short names for the commands with a run folder; others in full."""
        run = self.runs / name
        data = f"data={self.data}/data.yaml"
        folder = [f"project={self.runs}", f"name={name}", "exist_ok=true"]
        start = {"train": ["detect", "train", data, *folder],
                 "resume": ["train", f"model={run}/weights/last.pt", "resume=True"],
                 "val": ["val", data, *folder],
                 "predict": ["predict", *folder]}.get(command, command.split())
        text = " ".join(start + (options or "").split())
        return [self.harness.yolo, *(self._fill(word) for word in text.split())]

    def _fill(self, word):
        if "{weights}" in word or "{nano}" in word:
            model = "yolo11n.yaml" if "{nano}" in word else "{tiny}"
            copy = self.dir / "weights.pt"
            shutil.copy(self.harness.weights(model), copy)
            word = word.replace("{nano}", "{weights}").replace("{weights}", str(copy))
        return word.format(dir=self.dir, data=self.data, runs=self.runs, run=self.folder,
                           tiny=self.dir / "tiny.yaml", advice=self._advice())

    def _advice(self):
        """The amount that the step before said memory= would have to be."""
        before = self.output.split("memory=")
        return before[-1].split()[0].rstrip(".,;") if len(before) > 1 else ""

    def _count_peak(self, number, result):
        if result.planned is None:
            return
        name = self.scenario.name + (f" {number}" if len(self.scenario.steps) > 1 else "")
        as_planned = result.code == 0 and predicates.no_adaptation(result) is None
        self.harness.peaks.append((name, result.planned, result.peak, as_planned))

    def _keep(self, number, output):
        if self.harness.log:
            (self.harness.log / f"{self.scenario.name}.{number}.txt").write_text(output)

    def _release(self):
        if self._confinement:
            self._confinement.close()
            self._confinement = None

    def close(self):
        self._release()
        shutil.rmtree(self.dir, ignore_errors=True)


def parts():
    """The table cut into pieces of about five minutes, the same for every call: the longest rows
    first, each into the piece that is shortest so far."""
    count = max(1, -(-sum(s.seconds for s in scenarios.TABLE) // PART_S))
    pieces = [[0, []] for _ in range(count)]
    for scenario in sorted(scenarios.TABLE, key=lambda s: (-s.seconds, s.name)):
        piece = min(pieces, key=lambda p: p[0])
        piece[0] += scenario.seconds
        piece[1].append(scenario)
    return [piece[1] for piece in pieces]


def todays_part():
    """Its number, from 0, and where that came from."""
    count = len(parts())
    chosen = os.environ.get("HEADROOM_HOSTILE_PART")
    if chosen is not None:
        return int(chosen) % count, f"HEADROOM_HOSTILE_PART={chosen}"
    today = datetime.date.today()
    return today.toordinal() % count, f"the day {today}"


def run_scenario(harness, scenario):
    """'ok', 'FAILED' or 'skipped', and the lines that say why."""
    reason = scenarios.missing(scenario)
    if reason:
        return "skipped", [reason]
    run = ScenarioRun(harness, scenario)
    try:
        failures = run.run()
    except Exception:  # The others shall be tried all the same.
        failures = traceback.format_exc().splitlines()
    finally:
        run.close()
    return ("FAILED" if failures else "ok"), failures


def print_peaks(peaks):
    """The table; what is wrong with it, a line each."""
    print(f"\n{'run':58} {'planned':>9} {'measured':>9}  MiB")
    for name, planned, measured, as_planned in peaks:
        error = f"{planned / measured - 1:+.1%}" if as_planned else "-"
        print(f"{name:58} {planned / MIB:9.0f} {measured / MIB:9.0f}  {error}")
    errors = [planned / measured - 1 for _, planned, measured, as_planned in peaks if as_planned]
    below = [name for name, planned, measured, _ in peaks if planned < measured]
    print("A dash: it ended before its peak, or gave way in mid-run.")
    if not errors:
        return []
    median = statistics.median(errors)
    print(f"{len(peaks)} plans, {len(below)} below what was measured; of the {len(errors)} that "
          f"ran as planned the median is {median:+.1%}, the largest {max(errors):+.1%}")
    wrong = [f"planned below what was measured: {name}" for name in below]
    if median > MEDIAN_ERROR:
        wrong.append(f"the plans' median error is {median:+.1%}, more than {MEDIAN_ERROR:.0%}")
    return wrong


def run_all(harness, chosen):
    """Whether all that ran held."""
    begin, counts, failed = time.time(), {"ok": 0, "FAILED": 0, "skipped": 0}, []
    for number, scenario in enumerate(chosen, 1):
        start = time.time()
        print(f"[{number}/{len(chosen)}] {scenario.name} ({scenario.finding}; limit: "
              f"{scenario.limit}; data: {scenario.data})", flush=True)
        outcome, lines = run_scenario(harness, scenario)
        counts[outcome] += 1
        for line in lines:
            print(f"      {line}")
        print(f"      {outcome}, {time.time() - start:.1f} s", flush=True)
        if outcome == "FAILED":
            failed.append(scenario.name)
    failed += print_peaks(harness.peaks)
    print(f"\n{counts['ok']} held, {counts['FAILED']} failed, {counts['skipped']} skipped, "
          f"{time.time() - begin:.0f} s")
    for name in failed:
        print(f"FAILED {name}")
    return not failed


def choose_part(number=None):
    """The rows of a part; today's without a number."""
    part, why = (number, "--part") if number is not None else todays_part()
    pieces = parts()
    part %= len(pieces)
    print(f"Part {part} of 0 to {len(pieces) - 1}, by {why}. Again: HEADROOM_HOSTILE_PART={part}",
          flush=True)
    return pieces[part]


def choose(arguments):
    if arguments.all:
        return scenarios.TABLE
    if not arguments.names:
        return choose_part(arguments.part)
    chosen = [s for s in scenarios.TABLE if any(s.name.startswith(n) for n in arguments.names)]
    if not chosen:
        sys.exit(f"no scenario is called {' or '.join(arguments.names)}; --list names them")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yolo")
    parser.add_argument("sample")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--part", type=int)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--log")
    arguments = parser.parse_args()
    if arguments.list:
        for scenario in scenarios.TABLE:
            print(f"{scenario.name:58} {scenario.finding:10} {scenario.seconds:4} s  "
                  f"{scenario.limit}")
        return 0
    # So that what is under way is ended and undone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    harness = Harness(arguments.yolo, arguments.sample, arguments.log)
    try:
        return 0 if run_all(harness, choose(arguments)) else 1
    finally:
        harness.close()


if __name__ == "__main__":
    sys.exit(main())
