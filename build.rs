//! Makes the program start sooner, where it is known how: a hook starts it at every commit.
//!
//! - It is linked to a fixed address: a seventh of its start was moving its own tables. The
//!   libraries, the heap and the stack are at random addresses all the same.
//! - What unwinds a panic is linked in, and not a library to be found, mapped and set up.
//!
//! A static program is left as it is: it would ask for a loader that an image without libraries has
//! not.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let is_static = features.split(',').any(|feature| feature == "crt-static");
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_static || !is_gnu {
        return;
    }
    if is("CARGO_CFG_TARGET_ARCH", "x86_64") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    if env::var_os("HOST") == env::var_os("TARGET") {
        link_unwinder();
    }
}

/// Links the C compiler's unwinder, if it says where it is; otherwise its library is loaded.
fn link_unwinder() {
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(compiler)
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    let Ok(answer) = asked else {
        return;
    };
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let path = Path::new(answer.trim());
    if let Some(directory) = path.parent().filter(|_| path.is_absolute()) {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}
