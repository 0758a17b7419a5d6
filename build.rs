//! Links the unwinder of the C compiler into the program, where the compiler has it as an archive: one library fewer to be found, mapped
//! and relocated at each start, which took a tenth of a small install's time (glibc 2.36). Where it has none, or cannot be asked,
//! libgcc_s is linked as always.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if is_dynamic_glibc() && linker().is_some_and(|linker| has_archive(&linker)) {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

fn said(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Whether the program is linked to a glibc; a static one has the unwinder in itself already.
fn is_dynamic_glibc() -> bool {
    let is_static = said("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    said("CARGO_CFG_TARGET_OS") == "linux" && said("CARGO_CFG_TARGET_ENV") == "gnu" && !is_static
}

/// Who links for the target.
fn linker() -> Option<String> {
    let is_native = said("HOST") == said("TARGET");
    env::var("RUSTC_LINKER").ok().or_else(|| is_native.then(|| "cc".to_owned()))
}

/// A compiler answers with a path, or with the bare name that it was asked for.
fn has_archive(linker: &str) -> bool {
    let answer = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output();
    answer.is_ok_and(|answer| {
        let path = String::from_utf8_lossy(&answer.stdout);
        answer.status.success() && Path::new(path.trim()).is_absolute() && Path::new(path.trim()).exists()
    })
}
