//! Loading text data sets from their original files.
