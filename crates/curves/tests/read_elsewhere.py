"""Opens a curve file with pandas, Polars and DuckDB and compares what they see. Started by read_elsewhere.rs.

Usage: read_elsewhere.py FILE. The file holds the two curves that read_elsewhere.rs writes.
"""

import math
import sys

import duckdb
import pandas
import polars
import pyarrow.parquet

path = sys.argv[1]

COLUMNS = [
    "task", "optimizer", "replica", "steps", "train", "valid_inner", "valid_outer", "test",
    "diverged_at", "num_params", "train_seconds", "eval_seconds", "data",
]  # fmt: skip


def check(reader, rows):
    first, second = rows
    assert list(first) == COLUMNS, (reader, list(first))
    assert (first["task"], first["optimizer"], first["replica"]) == ("TwoD_Bowl1", "adam_lr_-3.00", 0), (reader, first)
    assert list(first["steps"]) == [0, 10, 20], (reader, first)
    assert list(first["train"]) == [1.0, 0.5, 0.25], (reader, first)
    test = list(second["test"])
    assert test[0] == 4.0 and math.isnan(test[1]) and math.isinf(test[2]), (reader, second)
    assert first["diverged_at"] is None or math.isnan(first["diverged_at"]), (reader, first)
    assert second["diverged_at"] == 10, (reader, second)
    assert (second["num_params"], second["train_seconds"], second["data"]) == (2**40, 0.5, "synthetic"), (reader, second)
    print(reader, "reads it")


check("pandas " + pandas.__version__, pandas.read_parquet(path).to_dict("records"))
check("polars " + polars.__version__, polars.read_parquet(path).to_dicts())
table = duckdb.connect().execute("select * from read_parquet(?)", [path])
names = [column[0] for column in table.description]
check("duckdb " + duckdb.__version__, [dict(zip(names, row)) for row in table.fetchall()])
schema = pyarrow.parquet.read_schema(path)
assert str(schema.field("task").type).startswith("dictionary<values=string"), schema
metadata = pyarrow.parquet.read_metadata(path).metadata
assert metadata[b"taskset.schema_version"] == b"1", metadata
