# SPDX-License-Identifier: Apache-2.0
"""Reads an Avro container file with fastavro and writes each datum as a line of JSON.

Bytes become a string of hexadecimal digits; a record of a union becomes [name, fields].
"""

import json
import sys

import fastavro


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [value[0], plain(value[1])]
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


with open(sys.argv[1], "rb") as trace:
    for datum in fastavro.reader(trace, return_record_name=True):
        print(json.dumps(plain(datum)))
