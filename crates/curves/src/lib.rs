//! Training curves: schema, Parquet store, queries.
