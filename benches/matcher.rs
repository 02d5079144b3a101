//! Matcher throughput.
fn main() {}
