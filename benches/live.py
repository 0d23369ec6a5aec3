#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a capture costs a busy server, beside tools that see the same calls.

usage: live.py [--rounds N] [--seconds N] [--driver NAME] [--only NAME]...

nginx serves a page of 4 KiB to wrk on the same host. In each round, one after
the other:

  alone     nobody watches
  sysflow   sysflow record, default rings, to a file
  bpftrace  counts of calls and sums of results by process, in the kernel
  sysdig    sysdig -w: all calls with their arguments, to a file; with its own
            eBPF program if it has one (--modern-bpf), or that of
            SYSDIG_BPF_PROBE, else with its kernel module
  strace    strace -f -c: counts of calls by name

Told are the requests per second of wrk, fastest and median, and the median of
the ratios to `alone` within one round, so that what else the machine does
counts for all. A capture that lost anything is an error. Of sysflow also the
CPU time of its process for each event. Needs root, nginx and wrk; what else is
not installed, or does not run here, is left out, and the table says why. Builds
the release profile first.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PORT = 8097
CONF = """
user root;
worker_processes 2;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    keepalive_requests 100;
    server {{ listen 127.0.0.1:{port}; root {dir}/www; }}
}}
"""
BPFTRACE = """
tracepoint:raw_syscalls:sys_exit {
    @calls[pid, args->id] = count();
    @bytes[pid, args->id] = sum(args->ret);
}
"""
# It finds tracepoints in tracefs, which need not be mounted.
WITH_TRACEFS = """
ls /sys/kernel/tracing/events >/dev/null 2>&1 || mount -t tracefs tracefs /sys/kernel/tracing
exec bpftrace -e "$1"
"""


def build():
    """Builds the program; where it is."""
    command = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(ROOT / "Cargo.toml")]
    subprocess.run([*command, "-p", "engine", "--bin", "sysflow"], check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "sysflow"


class Server:
    """A running nginx."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "www").mkdir()
        (folder / "www" / "index.html").write_bytes(b"x" * 4096)
        conf = folder / "nginx.conf"
        conf.write_text(CONF.format(dir=folder, port=PORT), encoding="utf-8")
        self.child = subprocess.Popen(["nginx", "-c", str(conf)], stderr=subprocess.DEVNULL)
        time.sleep(1)
        if self.child.poll() is not None:
            sys.exit(f"live.py: nginx did not start: see {folder}/error.log")

    def pids(self):
        """The server's processes."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        return [self.child.pid, *map(int, children.read_text(encoding="utf-8").split())]

    def end(self):
        self.child.terminate()
        self.child.wait()


def load(seconds):
    """Requests per second."""
    command = ["wrk", "-t", "1", "-c", "32", "-d", str(seconds), f"http://127.0.0.1:{PORT}/index.html"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([0-9.]+)", told)
    if not found:
        sys.exit(f"live.py: wrk did not tell a rate: {told}")
    return float(found.group(1))


class Tool:
    """A program that watches. Started, then ended by SIGINT."""

    def __init__(self, name, command, ready):
        self.name, self.command, self.ready = name, command, ready
        self.log = None

    def start(self):
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                return False
            if isinstance(self.ready, (int, float)):
                time.sleep(self.ready)
                return self.child.poll() is None
            if self.ready in self.told():
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def told(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ends it; its CPU seconds."""
        self.child.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(self.child.pid, 0)
        self.child.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime


def sysdig(scap):
    """Its command for this host, and by which driver it sees calls."""
    told = subprocess.run(["sysdig", "--help"], capture_output=True, text=True, check=False).stdout
    probe = os.environ.get("SYSDIG_BPF_PROBE")
    if "--modern-bpf" in told:
        return ["sysdig", "--modern-bpf", "-w", scap], "its own eBPF program"
    if probe:
        return ["sysdig", "-B", probe, "-w", scap], f"the eBPF program {probe}"
    return ["sysdig", "-w", scap], "its kernel module: this version has no eBPF program in itself"


def tools(args, program, folder, server):
    """The tools that run here by name, and why others do not."""
    pids = [word for pid in server.pids() for word in ("-p", str(pid))]
    trace = folder / "out.sf"
    with_sysdig, by = sysdig(str(folder / "out.scap")) if shutil.which("sysdig") else ([], "")
    record = [str(program), "record", "--driver", args.driver, "-w", str(trace)]
    all_tools = [
        Tool("sysflow", record, "recording to "),
        Tool("bpftrace", ["unshare", "-m", "sh", "-c", WITH_TRACEFS, "sh", BPFTRACE], "Attaching"),
        Tool("sysdig", with_sysdig, 3),
        Tool("strace", ["strace", "-f", "-c", "-o", str(folder / "strace"), *pids], 1),
    ]
    found, missing = {}, {}
    for tool in all_tools:
        if args.only and tool.name not in args.only:
            continue
        if tool.name != "sysflow" and not shutil.which(tool.name):
            missing[tool.name] = "it is not installed"
        elif not tool.start():
            missing[tool.name] = last_line(tool.told())
            if tool.name == "sysdig":
                missing[tool.name] += f" (with {by})"
        else:
            time.sleep(1)
            tool.stop()
            found[tool.name] = tool
    return found, missing


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it says nothing"


def counted(trace):
    """Operations that were delivered, and lost."""
    stats = json.loads(Path(f"{trace}.stats.json").read_text(encoding="utf-8"))
    delivered = sum(sum(cpu["delivered"].values()) for cpu in stats["cpus"])
    lost = sum(sum(of.values()) for cpu in stats["cpus"] for of in cpu["lost"].values())
    return delivered, lost + stats["missed"]


def measure(args, found, folder):
    """Rates by name, and what sysflow took for each event."""
    rates = {name: [] for name in ["alone", *found]}
    costs, losses = [], 0
    for number in range(args.rounds):
        # Not always in the same order: what comes later finds warmer caches.
        names = list(rates)
        names = names[number % len(names):] + names[: number % len(names)]
        for name in names:
            tool = found.get(name)
            if tool and not tool.start():
                sys.exit(f"live.py: {name} did not start: {last_line(tool.told())}")
            rates[name].append(load(args.seconds))
            cpu = tool.stop() if tool else 0
            if name == "sysflow":
                delivered, lost = counted(folder / "out.sf")
                costs.append((1e9 * cpu / max(delivered, 1), delivered))
                losses += lost
            (folder / "out.scap").unlink(missing_ok=True)
    return rates, costs, losses


def report(rates, missing, costs, losses):
    for name, found in rates.items():
        ratios = [mine / alone for mine, alone in zip(found, rates["alone"])]
        print(
            f"{name:<9} requests/s: best {max(found):9.0f}  median {statistics.median(found):9.0f}"
            f"  of alone: median {100 * statistics.median(ratios):5.1f} %"
        )
    for name, why in missing.items():
        print(f"{name:<9} left out: {why}")
    if costs:
        events = [events for _, events in costs]
        each = [cost for cost, _ in costs]
        print(
            f"sysflow: {min(events)} to {max(events)} events a round, {losses} lost; "
            f"CPU for each: min {min(each):.0f} ns  median {statistics.median(each):.0f} ns"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of wrk in each run")
    parser.add_argument("--driver", default="ebpf", choices=["ebpf", "kmod"])
    parser.add_argument("--only", action="append", help="this tool beside alone; may be repeated")
    args = parser.parse_args()
    for program in ["nginx", "wrk"]:
        if not shutil.which(program):
            sys.exit(f"live.py: {program} is missing: apt-get install {program}")
    program = build()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        server = Server(folder)
        try:
            found, missing = tools(args, program, folder, server)
            rates, costs, losses = measure(args, found, folder)
        finally:
            server.end()
    report(rates, missing, costs, losses)
    if losses:
        sys.exit("live.py: the capture lost operations")


if __name__ == "__main__":
    main()
