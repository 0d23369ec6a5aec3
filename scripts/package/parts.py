# SPDX-License-Identifier: Apache-2.0
"""What a built program consists of, from cargo's metadata and dpkg.

usage: parts.py sbom ROOT VERSION TIME        CycloneDX, on standard output
       parts.py copyright ROOT VERSION TIME   Debian's machine-readable copyright

TIME is in seconds since 1970. The same sources give the same bytes.
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path

TARGET = "x86_64-unknown-linux-gnu"

# Of C, in the program: by the crate that brings them, or from the machine.
VENDORED = [
    ("libbpf", "libbpf-sys", "LGPL-2.1-only OR BSD-2-Clause"),
    ("zstd", "zstd-sys", "BSD-3-Clause OR GPL-2.0-only"),
    ("libdeflate", "libdeflate-sys", "MIT"),
    ("ISA-L", "isal-sys", "BSD-3-Clause"),
]
LINKED = [
    ("glibc", "libc6-dev", "LGPL-2.1-or-later"),
    ("elfutils", "libelf-dev", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    ("zlib", "zlib1g-dev", "Zlib"),
]


def crates(root):
    """The crates that are compiled into the program, by name."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    command += ["--filter-platform", TARGET, "--manifest-path", str(root / "Cargo.toml")]
    meta = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    packages = {package["id"]: package for package in meta["packages"]}
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    todo = [key for key, package in packages.items() if package["name"] == "engine"]
    seen = set()
    while todo:
        key = todo.pop()
        if key in seen:
            continue
        seen.add(key)
        for dep in nodes[key]["deps"]:
            if any(kind["kind"] is None for kind in dep["dep_kinds"]):
                todo.append(dep["pkg"])
    found = [packages[key] for key in seen]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def debian_version(package):
    """The version of an installed package, or "unknown"."""
    command = ["dpkg-query", "-W", "-f", "${Version}", package]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode() or "unknown"


def checksums(root):
    """What Cargo.lock says of each crate from a registry."""
    import tomllib

    lock = tomllib.loads((root / "Cargo.lock").read_text(encoding="utf-8"))
    return {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}


def licence(text):
    """The old form "MIT/Apache-2.0" means OR."""
    return text.replace("/", " OR ") if " OR " not in text else text


def sbom(root, version, time):
    sums = checksums(root)
    components = []
    for package in crates(root):
        if package["source"] is None:
            continue
        name, number = package["name"], package["version"]
        part = {
            "type": "library",
            "bom-ref": f"pkg:cargo/{name}@{number}",
            "name": name,
            "version": number,
            "licenses": [{"expression": licence(package["license"])}],
            "purl": f"pkg:cargo/{name}@{number}",
        }
        if sums.get((name, number)):
            part["hashes"] = [{"alg": "SHA-256", "content": sums[name, number]}]
        components.append(part)
    versions = {package["name"]: package["version"] for package in crates(root)}
    for name, crate, terms in VENDORED:
        if crate in versions:
            components.append(native(name, versions[crate], terms, f"pkg:cargo/{crate}@{versions[crate]}"))
    for name, package, terms in LINKED:
        number = debian_version(package)
        components.append(native(name, number, terms, f"pkg:deb/debian/{package}@{number}"))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(time, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": f"pkg:generic/sysflow@{version}",
                "name": "sysflow",
                "version": version,
                "licenses": [{"expression": "Apache-2.0"}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": f"pkg:generic/sysflow@{version}", "dependsOn": [part["bom-ref"] for part in components]}
        ],
    }


def native(name, version, terms, purl):
    return {
        "type": "library",
        "bom-ref": f"native:{name}",
        "name": name,
        "version": version,
        "licenses": [{"expression": terms}],
        "purl": purl,
    }


COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sysflow
Comment: The program is linked statically, so that one file runs on every
 system. What it contains is listed here and, with checksums, in the SBOM that
 the offline bundle has. Its sources, and what is needed to link it anew with
 other versions of the libraries under the LGPL, are the project's.

Files: *
Copyright: the SysFlow developers
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.

Files: driver/*
Copyright: the SysFlow developers
License: GPL-2.0-only or MIT
 The code that runs in the kernel. On Debian systems the text of the GPL is in
 /usr/share/common-licenses/GPL-2. The text of the MIT licence:
 .
"""


def copyright_file(root):
    mit = (root / "driver/LICENSES/MIT").read_text(encoding="utf-8").splitlines()
    text = COPYRIGHT + "\n".join(" " + line if line.strip() else " ." for line in mit) + "\n"
    by_terms = {}
    for package in crates(root):
        if package["source"] is not None:
            by_terms.setdefault(licence(package["license"]), []).append(package)
    for name, _, terms in VENDORED + LINKED:
        by_terms.setdefault(terms, []).append({"name": name, "version": "", "authors": []})
    text += "\nFiles: usr/bin/sysflow\nCopyright: the authors of each part\nLicense: several\n"
    for terms in sorted(by_terms):
        text += f" Under {terms}:\n"
        for package in by_terms[terms]:
            text += f"  {package['name']} {package['version']}".rstrip() + "\n"
    text += """ .
 On Debian systems the texts of Apache-2.0, the LGPL and the GPL are in
 /usr/share/common-licenses. Those of the others are in each part's sources.
"""
    return text


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("sbom", "copyright"):
        sys.exit(__doc__.split("\n\n", 2)[1])
    what, root, version, time = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if what == "sbom":
        print(json.dumps(sbom(root, version, time), indent=1, sort_keys=True))
    else:
        print(copyright_file(root), end="")


if __name__ == "__main__":
    main()
