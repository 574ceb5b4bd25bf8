# SPDX-License-Identifier: Apache-2.0
"""What must hold after a run. Each predicate is made by a function whose arguments stand in the
table, is called with what came of the run (session.py) and answers with what is wrong, or None."""

import json
import pickletools
import re
import zipfile

MIB = 1 << 20

# Lines of the log that move the budget or give something back.
CUT = r"Memory: (?!there was room|planned peak)[^\n]*(?:; budget .* -> |Gave back|are run again)"
GREW = r"Memory: there was room for .*; budget .* -> "


def _named(name):
    def wrap(check):
        check.__name__ = name
        return check
    return wrap


# Of every run, beside what its row says.
def not_killed_by_the_kernel(result):
    kills = result.oom_kills
    if result.dies:
        return None if kills else "the kernel killed nobody"
    return f"the kernel killed {kills} of the group" if kills else None


def no_internal_error(result):
    found = re.search(r"internal error[^\n]*|[^\n]*please report[^\n]*|terminate called[^\n]*",
                      result.output)
    if found:
        return found.group(0)
    if result.code == 5 or (result.code < 0 and result.code != result.sent):
        return f"it ended with {result.code}"
    return None


def plan_holds(result):
    if result.planned is None or result.peak <= result.planned:
        return None
    return f"measured {result.peak / MIB:.0f} MiB, planned {result.planned / MIB:.0f}"


def checkpoints_load(result):
    for path in sorted(result.root.glob("**/*.pt")):
        try:
            read_checkpoint(path)
        except Exception as error:  # Whatever the reader meets: it is the file's fault.
            return f"{path.relative_to(result.root)} cannot be read: {error!r}"
    return None


def results_are_whole(result):
    for path in sorted(result.root.glob("**/results.csv")):
        rows = [row.split(",") for row in path.read_text().splitlines()]
        if any(len(row) != len(rows[0]) for row in rows):
            return f"{path.relative_to(result.root)} has a broken row"
        epochs = [int(float(row[0])) for row in rows[1:]]
        if epochs != sorted(set(epochs)):
            return f"{path.relative_to(result.root)} has epochs {epochs}"
    return None


def no_temporary_files(result):
    """Not after a kill: the next start of the run cleans up."""
    if result.code < 0 or result.command not in ("train", "resume"):
        return None
    left = [str(path.relative_to(result.root)) for path in result.root.glob("**/.*.tmp")]
    return f"left behind: {', '.join(left)}" if left else None


ALWAYS = [not_killed_by_the_kernel, no_internal_error, plan_holds, checkpoints_load,
          results_are_whole, no_temporary_files]


def read_checkpoint(path):
    """Walks through the whole file: checksums, and the pickle's operations."""
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            raise ValueError(f"checksum of {archive.testzip()}")
        name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        for _ in pickletools.genops(archive.read(name)):
            pass


# Of the rows.
def exits(*codes):
    @_named(f"exits({', '.join(map(str, codes))})")
    def check(result):
        return None if result.code in codes else f"exit code {result.code}: {result.tail()}"
    return check


def says(pattern):
    @_named(f"says({pattern!r})")
    def check(result):
        return None if re.search(pattern, result.output) else f"not said: {result.tail()}"
    return check


def never_says(pattern):
    @_named(f"never_says({pattern!r})")
    def check(result):
        found = re.search(pattern, result.output)
        return f"said {found.group(0)!r}" if found else None
    return check


def named_once(result):
    """Pictures that changed under the run: some were met, and none is named twice."""
    named = re.findall(r"^WARNING \S*/(photo\d+)\.jpg", result.output, re.MULTILINE)
    if not named:
        return "no picture is named"
    twice = sorted({name for name in named if named.count(name) > 1})
    return f"named again: {', '.join(twice)}" if twice else None


def first_line_says(pattern):
    @_named(f"first_line_says({pattern!r})")
    def check(result):
        first = result.output.strip().split("\n")[0]
        return None if re.search(pattern, first) else f"the first line is {first!r}"
    return check


def refuses(pattern=r"memory="):
    """Exit code 4 with a message, before any step."""
    @_named(f"refuses({pattern!r})")
    def check(result):
        return exits(4)(result) or says(pattern)(result) or (
            "it had begun to train" if "Starting training" in result.output else None)
    return check


def refusal_says(pattern):
    """A run that ends with 4 does; one that went on need not."""
    @_named(f"refusal_says({pattern!r})")
    def check(result):
        return says(pattern)(result) if result.code == 4 else None
    return check


def epochs(count):
    """Rows of results.csv."""
    @_named(f"epochs({count})")
    def check(result):
        path = result.folder / "results.csv"
        rows = len(path.read_text().splitlines()) - 1 if path.exists() else 0
        return None if rows == count else f"{rows} epochs in results.csv"
    return check


def weights(*names):
    """Lie in the run's folder. That they load is asked of every run."""
    @_named(f"weights({', '.join(names)})")
    def check(result):
        absent = [n for n in names if not (result.folder / "weights" / n).exists()]
        return f"there is no {', '.join(absent)}" if absent else None
    return check


def files(pattern, count):
    @_named(f"files({pattern!r}, {count})")
    def check(result):
        found = len(list(result.root.glob(pattern)))
        return None if found == count else f"{found} files"
    return check


def nothing_written(pattern):
    return files(pattern, 0)


def no_adaptation(result):
    found = re.search(CUT, result.output)
    return f"it adapted: {found.group(0)}" if found else None


def adapted(result):
    return None if re.search(CUT, result.output) else "it never adapted"


def regrown(result):
    """The budget was cut and then grew."""
    cut = re.search(CUT, result.output)
    if not cut:
        return "the budget was never cut"
    return None if re.search(GREW, result.output[cut.end():]) else "the budget never grew again"


def budget_at_least(mib):
    """At every moment of the run."""
    @_named(f"budget_at_least({mib:.0f})")
    def check(result):
        if not result.budgets:
            return "no budget was seen"
        least = min(result.budgets) / MIB
        return None if least >= mib else f"the budget fell to {least:.0f} MiB"
    return check


def budget_at_last(mib):
    """When the run ended."""
    @_named(f"budget_at_last({mib:.0f})")
    def check(result):
        last = result.budgets[-1] / MIB if result.budgets else 0
        return None if last >= mib else f"the budget was {last:.0f} MiB at last"
    return check


def planned_within(mib):
    """The limit that the first plan was made for."""
    @_named(f"planned_within({mib:.0f})")
    def check(result):
        limit = result.plan_limit()
        if limit is None:
            return "there is no plan"
        return None if limit <= mib * MIB else f"planned within {limit / MIB:.0f} MiB"
    return check


def planned_with_at_least(mib):
    @_named(f"planned_with_at_least({mib:.0f})")
    def check(result):
        limit = result.plan_limit()
        if limit is None:
            return "there is no plan"
        return None if limit >= mib * MIB else f"planned within {limit / MIB:.0f} MiB"
    return check


def peak_below(mib):
    @_named(f"peak_below({mib})")
    def check(result):
        return None if result.peak <= mib * MIB else f"peak {result.peak / MIB:.0f} MiB"
    return check


def says_planned_above_actual(result):
    """The summary compares the largest plan that was in force with the whole run's peak."""
    if not result.summary():
        return "no summary"
    planned, actual = result.summary()
    return None if planned >= actual else f"planned {planned / MIB:.0f}, actual {actual / MIB:.0f}"


def as_undisturbed(result):
    """Results, without the time, are those of the same run alone and without a limit."""
    expected, got = result.undisturbed(), results(result.folder)
    if expected == got:
        return None
    different = [i for i, rows in enumerate(zip(expected, got)) if rows[0] != rows[1]]
    return f"{len(got)} rows of {len(expected)}, different: {different}"


def results(folder):
    """Rows of results.csv without the time."""
    rows = [r.split(",") for r in (folder / "results.csv").read_text().splitlines()]
    at = rows[0].index("time")
    return [row[:at] + row[at + 1:] for row in rows]


def one_goes_on(result):
    """Of all that were started at once: the others ended with 2 and name it."""
    everyone = sorted([result, *result.seconds], key=lambda r: r.code)
    codes = [r.code for r in everyone]
    if codes != [0] + [2] * (len(codes) - 1):
        return f"exit codes {codes}: {everyone[-1].tail()}"
    unnamed = [r for r in everyone[1:] if str(everyone[0].pid) not in r.output]
    return f"unnamed: {unnamed[0].tail()}" if unnamed else None


def both_done(result):
    codes = [result.code, *(r.code for r in result.seconds)]
    if codes == [0, 0]:
        return None
    return f"exit codes {codes}: {' '.join(r.tail() for r in [result, *result.seconds] if r.code)}"


def second_exits(*codes):
    @_named(f"second_exits({', '.join(map(str, codes))})")
    def check(result):
        wrong = [r for r in result.seconds if r.code not in codes]
        return f"exit code {wrong[0].code}: {wrong[0].tail()}" if wrong else None
    return check


def refused_or_complete(result):
    """Refused before the first step, or trained to its end with weights to show for it."""
    if result.code == 2:
        return "it had begun to train" if "Starting training" in result.output else None
    found = {path.name for path in result.root.glob("*/weights/*.pt")}
    return None if {"last.pt", "best.pt"} <= found else f"weights: {sorted(found)}"


def explained_figure_is_used(result):
    """What `memory explain` said before is what the resumed run plans within."""
    found = re.findall(r"plans again within ([\d.]+) (\w+)", result.before)
    if not found:
        return None  # It is not said, so there is nothing to compare.
    said = float(found[-1][0]) * {"MiB": 2**20, "GiB": 2**30}[found[-1][1]]
    limit = result.plan_limit()
    return None if limit is not None and abs(limit - said) <= 0.02 * said else (
        f"said {said / MIB:.0f} MiB, planned within {(limit or 0) / MIB:.0f}")


def read_plan(folder):
    try:
        return json.loads((folder / "memory_plan.json").read_text())
    except (OSError, ValueError):
        return None
