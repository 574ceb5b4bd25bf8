#!/usr/bin/env python3
"""Runs clang-tidy over sources, several at a time, and prints what it found once, however many sources include it.

usage: tidy.py BUILD_FOLDER SOURCE...   (the build's clang must have made its precompiled headers)
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def findings_of(build, source):
    run = subprocess.run(["clang-tidy-19", "-p", build, "--quiet", source], cwd=ROOT, text=True, capture_output=True)
    found = [[]]
    for line in run.stdout.splitlines():
        if " error: " in line or " warning: " in line or line.startswith("error: "):
            found.append([])
        found[-1].append(line)
    blocks = ["\n".join(block) for block in found[1:]]
    return blocks if blocks or run.returncode == 0 else [f"{source}: clang-tidy failed\n{run.stderr}"]


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[1]).resolve()
    built = {entry["file"] for entry in json.loads((build / "compile_commands.json").read_text())}
    # A header's source may not exist; a fuzz target is of another build.
    sources = sorted({source for source in sys.argv[2:] if str(ROOT / source) in built})
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda source: findings_of(build, source), sources):
            for block in found:
                if block not in seen:
                    print(block, flush=True)
                seen.add(block)
    print(f"{len(sources)} sources, {len(seen)} findings")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
