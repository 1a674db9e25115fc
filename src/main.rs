//! tickcache
fn main() {}
