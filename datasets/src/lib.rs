//! Data sets of TaskSet: manifests, loaders, splits, batch streams, synthetic stand-ins.
