# SPDX-License-Identifier: Apache-2.0
"""Lists test programs: reads what `cargo test --no-run --message-format=json`
says, prints "FOLDER<tab>NAME<tab>PROGRAM" for each. The name begins with that
of the package's folder: "engine/live"."""

import json
import os
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message.get("reason") != "compiler-artifact" or not message["profile"]["test"]:
        continue
    if message.get("executable"):
        folder = os.path.dirname(message["manifest_path"])
        name = os.path.basename(folder) + "/" + message["target"]["name"]
        print(folder, name, message["executable"], sep="\t")
