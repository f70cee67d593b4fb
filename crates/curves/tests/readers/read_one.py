"""Opens curve files with one reader and compares every value with what the writer was given.

Usage: read_one.py READER FILE...

READER is polars, duckdb, pyarrow, pandas, fastparquet, pandas-fastparquet or datasets. Beside each FILE lies
FILE.expected.json, which tests/read_elsewhere.rs writes: the metadata, and the columns with their names, types and values.

Prints the version of the reader and the ways in which it read the files, or what differs. The exit status is 0 if every
value is as expected, 1 if not, and 3 if the reader cannot be imported.
"""

import importlib
import json
import math
import os
import struct
import sys
import tempfile

# Names that no trial's task has: before, among and behind those in the files.
ABSENT_TASKS = ["", "no such task", "\U0010ffff"]


def parse(kind, value):
    """A value of the JSON. It has neither NaN nor infinities, so floats come as text."""
    if value is None:
        return None
    if kind == "floats":
        return [float(item) for item in value]
    return float(value) if kind == "float" else value


class Expected:
    """What a file holds, and the comparison with what a reader found in it."""

    def __init__(self, file):
        with open(file + ".expected.json", encoding="utf-8") as source:
            contents = json.load(source)
        columns = contents["columns"]
        self.metadata = contents["metadata"]
        self.names = [column["name"] for column in columns]
        values = [[parse(column["type"], value) for value in column["values"]] for column in columns]
        self.rows = [dict(zip(self.names, row)) for row in zip(*values)]
        self.tasks = sorted({row["task"] for row in self.rows}, key=lambda task: task.encode())
        self.ways = []

    def check(self, way, names, rows, frame=False):
        """All rows, in their order. `frame` says that the reader has no nulls in columns of numbers, as pandas."""
        names, rows = list(names), list(rows)
        assert names == self.names, "%s: the columns are %s" % (way, names)
        assert len(rows) == len(self.rows), "%s: %d rows, not %d" % (way, len(rows), len(self.rows))
        for index, (found, wanted) in enumerate(zip(rows, self.rows)):
            for name in names:
                value = plain(found[name])
                if not same(value, wanted[name], frame):
                    place = "%s: row %d, column %s" % (way, index, name)
                    raise AssertionError("%s: %r, not %r" % (place, value, wanted[name]))
        self.ways.append(way)

    def check_filter(self, way, select):
        """`select` gives the trial_id of the rows of a task. Readers skip row groups by the statistics of `task`."""
        for task in self.tasks + ABSENT_TASKS:
            wanted = [row["trial_id"] for row in self.rows if row["task"] == task]
            found = [plain(value) for value in select(task)]
            assert found == wanted, "%s: task %r: %d rows, not %d" % (way, task, len(found), len(wanted))
        self.ways.append(way)

    def check_metadata(self, way, found):
        """All key-value pairs that the writer was given; the digests come in addition."""
        found = {bytes(key).decode(): bytes(value).decode() for key, value in found}
        for key, value in self.metadata.items():
            assert found.get(key) == value, "%s: %s is %r, not %r" % (way, key, found.get(key), value)
        self.ways.append(way)


def plain(value):
    """Values of NumPy, pandas and Arrow as Python's own."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if type(value).__name__ == "NAType":
        return None
    if hasattr(value, "tolist") and not isinstance(value, list):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def same(found, wanted, frame):
    if isinstance(wanted, list):
        # Inside lists, NaN and null are kept apart by every reader.
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(same(one, other, False) for one, other in zip(found, wanted))
        )
    if wanted is None:
        return found is None or (frame and isinstance(found, float) and math.isnan(found))
    if isinstance(wanted, float):
        # By bits, so that the sign of zero counts. A NaN equals any NaN.
        return isinstance(found, float) and (
            struct.pack("d", found) == struct.pack("d", wanted) or (math.isnan(found) and math.isnan(wanted))
        )
    if isinstance(wanted, int):
        # Frames hold integers as floats where there are nulls among them.
        return type(found) is int and found == wanted or frame and isinstance(found, float) and found == wanted
    return type(found) is type(wanted) and found == wanted


def polars(library, file, expected):
    whole = library.read_parquet(file)
    expected.check("read_parquet", whole.columns, whole.to_dicts())
    lazy = library.scan_parquet(file)
    found = lazy.collect()
    expected.check("scan_parquet", found.columns, found.to_dicts())
    of_task = lambda task: lazy.filter(library.col("task") == task).select("trial_id").collect()
    expected.check_filter("filter", lambda task: of_task(task)["trial_id"].to_list())


def duckdb(library, file, expected):
    connection = library.connect()
    quoted = lambda text: "'%s'" % text.replace("'", "''")
    source = quoted(file)
    table = connection.execute("select * from %s" % source)
    names = [column[0] for column in table.description]
    expected.check("select", names, [dict(zip(names, row)) for row in table.fetchall()])
    of_task = lambda task: connection.execute("select trial_id from %s where task = %s" % (source, quoted(task)))
    expected.check_filter("where", lambda task: [row[0] for row in of_task(task).fetchall()])
    ends = connection.execute("select valid_outer[-1] from %s" % source).fetchall()
    for (found,), row in zip(ends, expected.rows):
        wanted = row["valid_outer"] and row["valid_outer"][-1]
        assert same(found, wanted, False), "valid_outer[-1]: %r, not %r" % (found, wanted)
    expected.ways.append("valid_outer[-1]")
    # The function is new in 0.10.
    if version_of(library) >= (0, 10):
        pairs = connection.execute("select key, value from parquet_kv_metadata(%s)" % source).fetchall()
        expected.check_metadata("parquet_kv_metadata", pairs)


def pyarrow(library, file, expected):
    parquet = importlib.import_module("pyarrow.parquet")
    dataset = importlib.import_module("pyarrow.dataset")
    table = parquet.read_table(file)
    table.validate(full=True)
    dictionaries = [field.name for field in table.schema if library.types.is_dictionary(field.type)]
    assert not dictionaries, "read_table: dictionaries instead of plain columns: %s" % dictionaries
    expected.check("read_table", table.column_names, table.to_pylist())
    opened = parquet.ParquetFile(file)
    rows = [row for group in range(opened.num_row_groups) for row in opened.read_row_group(group).to_pylist()]
    expected.check("read_row_group", opened.schema_arrow.names, rows)
    expected.check_metadata("metadata", opened.metadata.metadata.items())
    statistics = opened.metadata.row_group(0).column(expected.names.index("task")).statistics
    bounds = (statistics.min, statistics.max)
    wanted = (expected.tasks[0], expected.tasks[-1])
    assert bounds == wanted, "statistics of `task`: %r, not %r" % (bounds, wanted)
    of_task = lambda task: parquet.read_table(file, columns=["trial_id", "task"], filters=[("task", "=", task)])
    expected.check_filter("filters", lambda task: of_task(task)["trial_id"].to_pylist())
    of_task = lambda task: dataset.dataset(file).to_table(filter=dataset.field("task") == task)
    expected.check_filter("dataset", lambda task: of_task(task)["trial_id"].to_pylist())


def pandas(library, file, expected):
    frame = library.read_parquet(file, engine="pyarrow")
    expected.check("read_parquet", frame.columns, frame.to_dict("records"), frame=True)
    of_task = lambda task: library.read_parquet(file, engine="pyarrow", filters=[("task", "==", task)])
    expected.check_filter("filters", lambda task: of_task(task)["trial_id"])
    if version_of(library) >= (2,):
        frame = library.read_parquet(file, engine="pyarrow", dtype_backend="pyarrow")
        expected.check("read_parquet with Arrow's types", frame.columns, frame.to_dict("records"), frame=True)


def fastparquet(library, file, expected):
    opened = library.ParquetFile(file)
    frame = opened.to_pandas()
    expected.check("to_pandas", frame.columns, frame.to_dict("records"), frame=True)
    # Filters choose row groups, by statistics only.
    kept = lambda task: len(opened.to_pandas(columns=["task"], filters=[("task", "==", task)]))
    for task, count in [(expected.tasks[0], len(expected.rows)), ("", 0), ("\U0010ffff", 0)]:
        found = kept(task)
        assert found == count, "filters: task %r: %d rows of row groups, not %d" % (task, found, count)
    expected.ways.append("filters of row groups")
    # The versions of 2023 fail to filter rows of dictionary pages, whoever wrote them.
    if version_of(library) >= (2024,):
        of_task = lambda task: opened.to_pandas(
            columns=["trial_id", "task"], filters=[("task", "==", task)], row_filter=True
        )
        expected.check_filter("filters of rows", lambda task: of_task(task)["trial_id"])


def pandas_fastparquet(library, file, expected):
    frame = library.read_parquet(file, engine="fastparquet")
    expected.check("read_parquet", frame.columns, frame.to_dict("records"), frame=True)


def datasets(library, file, expected):
    with tempfile.TemporaryDirectory() as cache:
        options = {"data_files": file, "split": "train", "cache_dir": cache}
        whole = library.load_dataset("parquet", **options)
        expected.check("load_dataset", whole.column_names, list(whole))
        streamed = library.load_dataset("parquet", streaming=True, **options)
        expected.check("streaming", expected.names, list(streamed))


# Name of the reader: the modules that it needs, of which the first is the one that has a version; and the function.
READERS = {
    "polars": (["polars"], polars),
    "duckdb": (["duckdb"], duckdb),
    "pyarrow": (["pyarrow"], pyarrow),
    "pandas": (["pandas", "pyarrow"], pandas),
    "fastparquet": (["fastparquet"], fastparquet),
    "pandas-fastparquet": (["pandas", "fastparquet"], pandas_fastparquet),
    "datasets": (["datasets"], datasets),
}


def version_of(library):
    return tuple(int(part) for part in library.__version__.split(".")[:2] if part.isdigit())


def main(reader, files):
    modules, read = READERS[reader]
    try:
        libraries = [importlib.import_module(module) for module in modules]
    except Exception as error:
        # A module that was built for another NumPy says so by other errors than ImportError.
        print("%s cannot be imported: %s" % (reader, one_line(error)))
        return 3
    versions = " with ".join("%s %s" % (library.__name__, library.__version__) for library in libraries)
    ways = []
    for file in files:
        expected = Expected(file)
        try:
            read(libraries[0], file, expected)
        except BaseException as error:  # Panics of Polars are no Exception.
            if isinstance(error, KeyboardInterrupt):
                raise
            place = os.path.basename(file)
            print("%s: %s: %s" % (versions, place, one_line(error)))
            return 1
        ways += [way for way in expected.ways if way not in ways]
    print("%s: %s" % (versions, ", ".join(ways)))
    return 0


def one_line(error):
    text = " ".join(str(error).split())
    return text[:600] if isinstance(error, AssertionError) else ("%s: %s" % (type(error).__name__, text))[:600]


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in READERS:
        sys.exit(__doc__)
    # Text of any language must be printable wherever the output goes.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    with tempfile.TemporaryDirectory() as home:
        # `datasets` asks its hub whether there are news, and keeps files in the user's folder.
        os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=home)
        status = main(sys.argv[1], sys.argv[2:])
    sys.stdout.flush()
    # Old pyarrow now and then aborts while its threads end, after everything was read.
    os._exit(status)
