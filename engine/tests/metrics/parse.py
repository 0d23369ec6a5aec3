# SPDX-License-Identifier: Apache-2.0
"""Reads OpenMetrics text with prometheus_client, strictly, and writes its
samples as JSON: name and labels to value."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

samples = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        labels = "".join(f" {name}={value}" for name, value in sorted(sample.labels.items()))
        if sample.name + labels in samples:
            sys.exit(f"{sample.name}{labels} is there twice")
        samples[sample.name + labels] = sample.value
json.dump(samples, sys.stdout)
