# SPDX-License-Identifier: Apache-2.0
"""Lists test programs: reads what `cargo test --no-run --message-format=json`
says, prints "FOLDER<tab>NAME<tab>PROGRAM" for each."""

import json
import os
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message.get("reason") != "compiler-artifact" or not message["profile"]["test"]:
        continue
    if message.get("executable"):
        folder = os.path.dirname(message["manifest_path"])
        print(folder, message["target"]["name"], message["executable"], sep="\t")
