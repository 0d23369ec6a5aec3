#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the conversion of a long capture against sysdig's parsing of it.

usage: convert.py CAPTURE [--rounds N] [--times N] [--keep FOLDER]

The events of CAPTURE are repeated (250 times by default), then these run in
turns, at least seven times each:

  sysflow   sysflow record -r FILE -w OUT, all records written
  sysdig    sysdig -r FILE -q 'evt.num<0', which parses and prints nothing
  cat       cat FILE, which reads the bytes once

For each the CPU time (user and system) and the largest resident memory are
told: the former as the kernel accounts it to the process, the latter as seen
every 10 ms. The last lines are ratios
within one turn, so that what else the machine does counts for both. The file
is read before, so that the disk does not count. Programs that are not
installed are left out. Builds the release profile first.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build():
    """Builds both programs; where they are."""
    command = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(ROOT / "Cargo.toml")]
    subprocess.run([*command, "-p", "engine", "--bin", "sysflow"], check=True)
    subprocess.run([*command, "-p", "benches", "--bin", "replay-capture"], check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def resident(pid):
    """The largest memory of a process so far in KiB, or 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), default=0)


def run(command):
    """Runs a program; its CPU seconds and its largest memory in KiB."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    memory, pid = 0, 0
    while pid == 0:
        # Not ru_maxrss: that counts what this interpreter had before the program began.
        memory = max(memory, resident(child.pid))
        time.sleep(0.01)
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"convert.py: {' '.join(command)} failed with status {child.returncode}")
    return usage.ru_utime + usage.ru_stime, memory


def measure(commands, times):
    """What every command took, turn by turn."""
    for command in commands.values():
        run(command)
    taken = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            taken[name].append(run(command))
    return taken


def report(taken, events):
    for name, turns in taken.items():
        seconds = [turn[0] for turn in turns]
        memory = max(turn[1] for turn in turns) / 1024
        low, middle = min(seconds), statistics.median(seconds)
        per_event = 1e9 * low / events
        print(
            f"{name:<8} CPU min {low:6.3f} s  median {middle:6.3f} s  "
            f"min {per_event:6.1f} ns/event  memory {memory:6.1f} MiB"
        )
    for name in taken.keys() - {"sysflow"}:
        ratios = [ours[0] / theirs[0] for ours, theirs in zip(taken["sysflow"], taken[name])]
        print(f"sysflow / {name}: min {min(ratios):.3f}  median {statistics.median(ratios):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("capture", type=Path)
    parser.add_argument("--rounds", type=int, default=250)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--keep", type=Path, help="folder for the long capture, kept for next time")
    args = parser.parse_args()
    programs = build()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        long = folder / f"{args.capture.stem}.x{args.rounds}.scap"
        if not long.exists():
            made = [programs / "replay-capture", args.capture, long, str(args.rounds)]
            subprocess.run(made, check=True)
        out = Path(scratch) / "out.sf"
        record = [programs / "sysflow", "record", "-r", long, "-w", out, "--quiet"]
        commands = {"sysflow": list(map(str, record))}
        if shutil.which("sysdig"):
            commands["sysdig"] = ["sysdig", "-r", str(long), "-q", "evt.num<0"]
        commands["cat"] = ["cat", str(long)]
        run(commands["sysflow"])
        stats = Path(f"{out}.stats.json")
        events = json.loads(stats.read_text(encoding="utf-8"))["capture"]["events"]
        print(f"{events} events, {long.stat().st_size} bytes, {out.stat().st_size} bytes of trace")
        report(measure(commands, args.times), events)


if __name__ == "__main__":
    main()
