//! Builds the carrier of `vitrine try`, a static program for the machine that containers run on, so
//! that it can lie in the one binary.
//!
//! Where it cannot be built, as without a C library to link statically, everything else is built
//! all the same: the carrier is empty, and `vitrine try` says what was missing.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sources of the carrier lie.
const SOURCES: &str = "src/carrier";
/// What `vitrine` embeds, and why it is empty if it is.
const CARRIER: &str = "carrier";
const WHY: &str = "carrier.txt";

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SOURCES}");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let why = match built(&out) {
        Ok(()) => String::new(),
        Err(why) => {
            fs::write(out.join(CARRIER), b"")?;
            why
        }
    };
    fs::write(out.join(WHY), why)
}

/// The library, and the program that is one call of it.
fn built(out: &Path) -> Result<(), String> {
    let target = env::var("TARGET").unwrap_or_default();
    if !target.contains("-linux-") {
        return Err(format!("it was built for {target}, and containers run on Linux"));
    }
    let library = out.join("libvitrine_carrier.rlib");
    let mut rustc = rustc(&target);
    rustc.args(["--crate-type", "rlib", "--crate-name", "vitrine_carrier", "lib.rs", "-o"]);
    run(rustc.arg(&library))?;
    let mut rustc = self::rustc(&target);
    let mut named = OsString::from("vitrine_carrier=");
    named.push(&library);
    rustc.args(["--crate-type", "bin", "--crate-name", "carrier", "main.rs", "--extern"]);
    run(rustc.arg(named).arg("-o").arg(out.join(CARRIER)))
}

/// The compiler that builds vitrine, with flags of our own: those of the build may ask for what
/// belongs into no small static program, such as the processor of this machine.
fn rustc(target: &str) -> Command {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(SOURCES).args(["--edition", "2024", "--target", target]);
    for flag in ["target-feature=+crt-static", "opt-level=s", "panic=abort", "strip=symbols"] {
        rustc.args(["-C", flag]);
    }
    // No path of this machine stands in what is shipped.
    for (folder, name) in
        [(env::var("CARGO_MANIFEST_DIR"), "/vitrine"), (env::var("OUT_DIR"), "/out")]
    {
        if let Ok(folder) = folder {
            rustc.arg(format!("--remap-path-prefix={folder}={name}"));
        }
    }
    if let Some(linker) = linker() {
        rustc.arg("-C").arg(format!("linker={linker}"));
    }
    rustc
}

/// The linker for this target, if one was chosen: by Cargo's settings, or among the flags.
fn linker() -> Option<String> {
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    env::var("RUSTC_LINKER").ok().or_else(|| {
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        let mut words = flags.split('\u{1f}').map(|word| word.strip_prefix("-C").unwrap_or(word));
        words.find_map(|word| Some(word.strip_prefix("linker=")?.to_owned()))
    })
}

fn run(rustc: &mut Command) -> Result<(), String> {
    let ended = rustc.output().map_err(|error| format!("the compiler does not start: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let said = said.lines().find(|line| line.starts_with("error")).unwrap_or("no reason given");
    Err(format!("linking a static program failed ({said})"))
}
