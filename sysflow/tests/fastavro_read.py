# SPDX-License-Identifier: Apache-2.0
"""Reads Avro data with fastavro and writes each datum as a line of JSON.

fastavro_read.py FILE            a container file, by the schema in it
fastavro_read.py FILE SCHEMA     the same, resolved to the schema that is in the file SCHEMA
fastavro_read.py --packets FILE SCHEMA
                                 lines of hexadecimal digits, each a datum, by that schema alone

Bytes become a string of hexadecimal digits; a record of a union becomes [name, fields].
"""

import io
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


def data(arguments):
    packets = arguments[0] == "--packets"
    path, *schema = arguments[1:] if packets else arguments
    schema = fastavro.schema.load_schema(schema[0]) if schema else None
    with open(path, "rb") as file:
        if not packets:
            yield from fastavro.reader(file, schema, return_record_name=True)
            return
        for line in file:
            packet = io.BytesIO(bytes.fromhex(line.decode()))
            yield fastavro.schemaless_reader(packet, schema, None, return_record_name=True)


for datum in data(sys.argv[1:]):
    print(json.dumps(plain(datum)))
