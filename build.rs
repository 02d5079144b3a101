//! Links the program to a fixed address where that is known to work: a hook starts it at every
//! commit, and a seventh of its start was moving its own tables. The libraries, the heap and the
//! stack are at random addresses all the same.
//!
//! A static program is left as it is: with this, it would ask for a loader that an image without
//! libraries has not.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let is_static = features.split(',').any(|feature| feature == "crt-static");
    if !is_static
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
    {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
