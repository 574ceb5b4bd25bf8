#!/usr/bin/env python3
"""Lines of src/ that the tests ran, by module, from the counters of a build with --coverage (gcov's).

usage: coverage.py BUILD_FOLDER [FILE...]   (with files: also the numbers of their lines that were not run)
"""

import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "headroom"


def counts_of(build):
    """How often each line of our sources ran: {path: {line: count}}; a header's lines are summed over who includes it."""
    counts = collections.defaultdict(collections.Counter)
    for counters in build.rglob("*.gcda"):
        run = subprocess.run(["gcov", "--json-format", "--stdout", str(counters)], cwd=counters.parent,
                             capture_output=True, text=True, check=True)
        for report in filter(None, run.stdout.splitlines()):
            for file in json.loads(report)["files"]:
                path = pathlib.Path(file["file"])
                if SOURCE not in path.parents or path.name.endswith(("_test.cc", "_fuzz.cc")):
                    continue
                for line in file["lines"]:
                    counts[path.relative_to(SOURCE)][line["line_number"]] += line["count"]
    return counts


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    counts = counts_of(pathlib.Path(sys.argv[1]).resolve())
    if not counts:
        print(f"no counters below {sys.argv[1]}: build with the preset 'coverage' and run the tests", file=sys.stderr)
        return 2
    modules = collections.defaultdict(lambda: [0, 0])
    for path, lines in counts.items():
        for key in (path.parts[0], "all"):
            modules[key][0] += sum(count > 0 for count in lines.values())
            modules[key][1] += len(lines)
    for name, (run, lines) in sorted(modules.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{name:14} {run:6} of {lines:6} lines  {100 * run / lines:5.1f} %")
    for name in sys.argv[2:]:
        lines = counts[pathlib.Path(name).resolve().relative_to(SOURCE)]
        print(f"{name}: not run: {' '.join(str(line) for line, count in sorted(lines.items()) if count == 0)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
