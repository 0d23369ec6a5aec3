#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the dependencies by the rules in deny.toml.

usage: policy.py ROOT

What cargo-deny does with the same file for licences, sources and duplicate
versions, for machines that do not have it; advisories need its database and
are not checked here. Prints one line per breach; exit status 1 if there is
one.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path


def metadata(root, target):
    """What cargo knows of the packages that are built for a target."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    command += ["--filter-platform", target, "--manifest-path", str(root / "Cargo.toml")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit("policy: cargo metadata failed")
    return json.loads(done.stdout)


def used_packages(meta):
    """Packages that the workspace depends on for the target, itself first."""
    packages = {package["id"]: package for package in meta["packages"]}
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    todo, seen = list(meta["workspace_members"]), set()
    while todo:
        package = todo.pop()
        if package not in seen:
            seen.add(package)
            todo.extend(dep["pkg"] for dep in nodes[package]["deps"])
    return [packages[package] for package in sorted(seen)]


class Licence:
    """Whether an SPDX expression can be met with allowed licences."""

    def __init__(self, text, allowed):
        # The old form "MIT/Apache-2.0" means OR.
        self.words = re.findall(r"[()]|[^\s()]+", text.replace("/", " OR "))
        self.allowed = allowed

    def met(self):
        result = self.either()
        if self.words:
            raise ValueError
        return result

    def either(self):
        result = self.both()
        while self.words[:1] == ["OR"]:
            self.words.pop(0)
            result = self.both() or result
        return result

    def both(self):
        result = self.one()
        while self.words[:1] == ["AND"]:
            self.words.pop(0)
            result = self.one() and result
        return result

    def one(self):
        if not self.words:
            raise ValueError
        word = self.words.pop(0)
        if word == "(":
            result = self.either()
            if self.words[:1] != [")"]:
                raise ValueError
            self.words.pop(0)
            return result
        if self.words[:1] == ["WITH"]:
            word += " WITH " + self.words[1]
            del self.words[:2]
        return word in self.allowed


def licence_breaches(packages, rules):
    exceptions = {rule.get("crate") or rule["name"]: rule["allow"] for rule in rules.get("exceptions", [])}
    for package in packages:
        name, text = package["name"], package["license"]
        allowed = set(rules["allow"]) | set(exceptions.get(name, []))
        if not text:
            yield f"{name} {package['version']} names no licence"
            continue
        try:
            met = Licence(text, allowed).met()
        except (ValueError, IndexError):
            yield f"{name} {package['version']}: cannot read the licence \"{text}\""
            continue
        if not met:
            yield f"{name} {package['version']}: licence \"{text}\" is not allowed"


def source_breaches(packages, rules):
    allowed = {"registry+" + registry for registry in rules["allow-registry"]}
    for package in packages:
        source = package["source"]
        if source is not None and source not in allowed:
            yield f"{package['name']} comes from {source}"


def skipped(rules):
    """Name, version and reason of the duplicates that are allowed."""
    for rule in rules.get("skip", []):
        if isinstance(rule, str):
            yield rule, None
        else:
            yield rule.get("crate") or f"{rule['name']}@{rule['version']}", rule.get("reason")


def duplicate_breaches(packages, rules):
    versions = defaultdict(set)
    for package in packages:
        versions[package["name"]].add(package["version"])
    unused = dict(skipped(rules))
    for rule, reason in sorted(unused.items()):
        if not reason:
            yield f"deny.toml allows {rule} without a reason"
    for name, found in sorted(versions.items()):
        kept = set(found)
        for version in found:
            for rule in (f"{name}@{version}", name):
                if len(found) > 1 and rule in dict(skipped(rules)):
                    unused.pop(rule, None)
                    kept.discard(version)
        if len(kept) > 1:
            yield f"{name} is there {len(found)} times: {', '.join(sorted(found))}"
    for rule in sorted(unused):
        yield f"deny.toml allows a duplicate of {rule}, but there is none: remove it"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n", 2)[1])
    root = Path(sys.argv[1])
    rules = tomllib.loads((root / "deny.toml").read_text(encoding="utf-8"))
    packages = []
    for target in rules["graph"]["targets"]:
        packages += used_packages(metadata(root, target))
    breaches = [
        *licence_breaches(packages, rules["licenses"]),
        *source_breaches(packages, rules["sources"]),
        *duplicate_breaches(packages, rules["bans"]),
    ]
    for breach in breaches:
        print("policy:", breach)
    if breaches:
        sys.exit(1)
    print(f"{len(packages)} packages: licences, sources and duplicates are as deny.toml wants them")


if __name__ == "__main__":
    main()
