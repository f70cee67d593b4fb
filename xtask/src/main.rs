//! Maintenance commands: reproduce, bench, tidy, validate.
fn main() {}
