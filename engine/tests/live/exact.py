# SPDX-License-Identifier: Apache-2.0
"""Compares a capture of the exactness workload with the workload's report.

usage: exact.py REPORT.json FILE.sf

Reads the capture with fastavro. Prints "the same: ..." and exits with 0, or
prints every difference and exits with 1.
"""

import collections
import hashlib
import json
import sys

import fastavro

FLOW_FIELDS = (
    "tid", "fd", "opFlags", "numRRecvOps", "numRRecvBytes", "numWSendOps", "numWSendBytes",
)
FILE_FIELDS = FLOW_FIELDS + ("openFlags",)
NETWORK_FIELDS = FLOW_FIELDS + ("proto", "sip", "sport", "dip", "dport")
PROCESS_FIELDS = ("state", "exe", "exeArgs", "cwd", "env", "uid", "gid")


def records(path):
    """Name without namespace, and fields, of each record."""
    with open(path, "rb") as stream:
        for datum in fastavro.reader(stream, return_record_name=True):
            name, fields = datum["rec"]
            # A record inside a union also comes with its name.
            plain = {k: v[1] if isinstance(v, tuple) else v for k, v in fields.items()}
            yield name.rsplit(".", 1)[-1], plain


def captured(path, whole):
    """The lines that the capture has for processes of the workload."""
    lines = collections.Counter()
    files = {}
    for name, r in records(path):
        if name == "File":
            digest = hashlib.sha1(((r["containerId"] or "") + r["path"]).encode()).digest()
            if digest != r["oid"]:
                sys.exit("the id of " + r["path"] + " is not the hash of its path")
            files[r["oid"]] = r
        pid = (r.get("procOID") or r.get("oid") or {})
        pid = pid.get("hpid") if isinstance(pid, dict) else None
        if name == "FileFlow" and pid in whole:
            target = files[r["fileOID"]]
            extra = {"pid": pid, "path": target["path"], "restype": target["restype"]}
            lines[line(name, r, FILE_FIELDS, extra)] += 1
        elif name == "NetworkFlow" and pid in whole:
            lines[line(name, r, NETWORK_FIELDS, {"pid": pid})] += 1
        elif name == "ProcessEvent" and pid in whole:
            lines[line(name, r, ("tid", "opFlags", "ret"), {"pid": pid})] += 1
        elif name == "Process" and pid in whole:
            extra = {"pid": pid, "ppid": r["poid"]["hpid"]}
            lines[line(name, r, PROCESS_FIELDS, extra)] += 1
    return lines


def reported(report, whole):
    """The lines that the workload says it must have."""
    lines = collections.Counter()
    for kind in ("FileFlow", "NetworkFlow", "ProcessEvent"):
        for flow in report[kind]:
            if flow["pid"] in whole:
                lines[line(kind, flow, flow.keys(), {})] += 1
    for process in report["processes"]:
        if process["whole"]:
            extra = {"pid": process["pid"], "ppid": process["ppid"]}
            for record in process["records"]:
                lines[line("Process", record, PROCESS_FIELDS, extra)] += 1
    return lines


def line(name, record, fields, extra):
    """A record as text that compares."""
    known = {field: record[field] for field in fields}
    return name + " " + json.dumps({**known, **extra}, sort_keys=True)


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        report = json.load(stream)
    whole = {p["pid"] for p in report["processes"] if p["whole"]}
    want, got = reported(report, whole), captured(sys.argv[2], whole)
    for text in sorted((want - got).elements()):
        print("missing:", text)
    for text in sorted((got - want).elements()):
        print("too much:", text)
    if want != got:
        sys.exit(1)
    print("the same:", sum(want.values()), "records")


if __name__ == "__main__":
    main()
