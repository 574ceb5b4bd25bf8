#!/usr/bin/env python3
"""Checks that every header compiles alone: that it includes what it uses.

Each is compiled as the first include of a file, with the flags of its folder's sources and without the precompiled
header, which would lend it ATen's.

usage: check_headers.py BUILD_FOLDER [HEADER...]   (no header: all of git ls-files)
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Only for the file that includes it: its includes are the including file's target, chosen by a macro.
WITHOUT_THEIR_INCLUDER = "-inl.h"


def flags_by_folder(build):
    """Flags that say how sources of a folder are compiled, without the precompiled header."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        folder = pathlib.Path(entry["file"]).parent
        # The launcher goes, and what names the output.
        compiler = next(i for i, word in enumerate(words) if word.endswith(("++", "++-19")))
        kept, skip = [], False
        for word in words[compiler:]:
            if skip or word in ("-o", "-c", "-MD", "-MT", "-MF", "-Winvalid-pch", "-Xclang"):
                skip = not skip and word in ("-o", "-c", "-MT", "-MF", "-Xclang")
            elif word == "-include":
                skip = True
            else:
                kept.append(word)
        # The test's flags know all that its folder's headers need (GoogleTest).
        if folder not in flags or "_test" in entry["file"]:
            flags[folder] = (kept, entry["directory"])
    return flags


def problem_of(header, flags):
    folder = (ROOT / header).parent
    while folder not in flags:
        if folder == ROOT:
            return f"{header}: no source below its folder is built, so its flags are not known"
        below = [known for known in flags if folder in known.parents]
        folder = below[0] if below else folder.parent
    words, directory = flags[folder]
    # Twice: it must guard itself.
    text = f'#include "{ROOT / header}"\n' * 2
    run = subprocess.run([*words, "-fsyntax-only", "-x", "c++", "-"], input=text, cwd=directory, text=True,
                         capture_output=True)
    return f"{header} does not compile alone:\n{run.stderr}" if run.returncode != 0 else None


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    headers = sys.argv[2:] or subprocess.run(["git", "ls-files", "*.h"], cwd=ROOT, text=True, check=True,
                                             capture_output=True).stdout.split()
    headers = [header for header in headers if not header.endswith(WITHOUT_THEIR_INCLUDER)]
    flags = flags_by_folder(pathlib.Path(sys.argv[1]).resolve())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda header: problem_of(header, flags), headers) if problem]
    print("\n".join(problems) if problems else f"{len(headers)} headers compile alone")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
