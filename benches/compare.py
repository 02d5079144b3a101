#!/usr/bin/env python3
"""Compares git-frisk with what else scans a history, in one run: medians of interleaved runs.

usage: benches/compare.py [--runs N] [--git-frisk FILE] [--peers DIR] REPOSITORY...

DIR is a virtual environment with the peers: python3 -m venv DIR && DIR/bin/pip install kingfisher-bin
The bound is what git itself needs to print all objects. Each line says the median of the wall time,
the least of it, the processor time of the median run, the greatest memory, and the ratio of the wall
times to git's. What could not be run is said.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RULE = r"""rules:
  - name: sk
    id: one.sk
    pattern: '(sk-[A-Za-z0-9_-]{20,170})'
    confidence: medium
    min_entropy: 3.0
    examples: []
"""


def measure(command):
    """Wall and processor seconds, and megabytes; None if it failed."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    # Findings are no failure: 1 of git-frisk, 200 of kingfisher.
    if process.returncode not in (0, 1, 2, 200):
        return None
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title, commands, runs):
    print(f"\n{title}")
    results = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            result = measure(command)
            # The first turn fills the caches.
            if turn > 0 and results[name] is not None:
                results[name] = None if result is None else results[name] + [result]
    bound = next(iter(results.values()))
    for name, result in results.items():
        if not result:
            print(f"  {name:34} could not be run: {' '.join(commands[name])}")
            continue
        result.sort()
        wall, cpu, memory = result[len(result) // 2]
        least = result[0][0]
        ratio = wall / statistics.median(run[0] for run in bound) if bound else float("nan")
        print(
            f"  {name:34} {wall:8.3f} s (least {least:8.3f}), processor {cpu:8.3f} s,"
            f" {memory:6.0f} MB, {ratio:6.2f} x"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--git-frisk", default="target/release/git-frisk")
    parser.add_argument("--peers")
    parser.add_argument("repository", nargs="+")
    options = parser.parse_args()
    frisk = shutil.which(options.git_frisk) or sys.exit(f"{options.git_frisk}: build it first")
    kingfisher = shutil.which("kingfisher", path=f"{options.peers}/bin" if options.peers else None)
    with tempfile.TemporaryDirectory() as scratch:
        rule = os.path.join(scratch, "sk.yml")
        with open(rule, "w", encoding="utf-8") as file:
            file.write(RULE)
        for repository in options.repository:
            git = ["git", "-C", repository]
            own = [frisk, "-C", repository, "history", "--quiet"]
            peer = [kingfisher or "kingfisher", "scan", repository, "--turbo", "--no-validate"]
            peer += ["--no-update-check", "--load-builtins", "false", "--rules-path", rule]
            peer += ["-o", os.path.join(scratch, "report")]
            every = ["cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"]
            whole = {
                "git cat-file, all objects": git + every,
                "git-frisk history, 1 thread": own + ["-j1"],
                "git-frisk history, 2 threads": own + ["-j2"],
            }
            listed = subprocess.run(git + ["rev-list", "-51", "HEAD"], capture_output=True, text=True)
            commits = listed.stdout.split()
            recent = {}
            if len(commits) == 51:
                recent["git log -p, 50 commits"] = git + ["log", "-p", f"{commits[-1]}..HEAD"]
                recent["git-frisk history, 50 commits"] = own + [f"{commits[-1]}..HEAD"]
            if kingfisher:
                whole["kingfisher --turbo, one rule"] = peer
                if recent:
                    recent["kingfisher --turbo, 50 commits"] = peer + ["--since-commit", commits[-1]]
            else:
                print("kingfisher is not here: see --help", file=sys.stderr)
            compare(f"{repository}: whole history", whole, options.runs)
            if recent:
                compare(f"{repository}: a range", recent, options.runs)


main()
