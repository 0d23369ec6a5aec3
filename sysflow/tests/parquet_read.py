# SPDX-License-Identifier: Apache-2.0
"""Prints the columns of a Parquet file, then its rows, as pyarrow reads them: JSON, one a line.

Times are nanoseconds since 1970.
"""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def plain(column):
    """Values that JSON has; pyarrow would make dates of times, to the microsecond only."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.to_pylist()


def main(path):
    """Reads one file."""
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    print(json.dumps([[field.name, str(field.type), field.nullable] for field in schema]))
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    print(json.dumps({"metadata": metadata, "groups": file.num_row_groups}))
    table = file.read()
    columns = [plain(column) for column in table.columns]
    for row in zip(*columns):
        print(json.dumps(dict(zip(table.column_names, row))))


main(sys.argv[1])
