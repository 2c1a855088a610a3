//! `src/core/clippy.toml` bites: a crate under it may not touch a file, the environment, a thread,
//! a clock, another machine or a process.

use std::fs;
use std::path::Path;
use std::process::Command;

/// One line a group, each a sin.
const SINS: [&str; 9] = [
    r#"pub fn file() { let _ = std::fs::read("x"); }"#,
    r#"pub fn opened() -> Option<std::fs::File> { None }"#,
    r#"pub fn looked() -> bool { std::path::Path::new("x").exists() }"#,
    r#"pub fn environment() { let _ = std::env::var("X"); }"#,
    "pub fn thread() { std::thread::spawn(|| ()); }",
    "pub fn clock() { let _ = std::time::SystemTime::now(); }",
    "pub fn our_clock() { let _ = jiff::Timestamp::now(); }",
    "pub fn socket() -> Option<std::net::TcpStream> { None }",
    "pub fn process() -> Option<std::process::Command> { None }",
];

const VIRTUE: &str = "pub fn pure(now: std::time::Duration) -> u64 { now.as_secs() }";

#[test]
fn the_core_may_touch_nothing_of_the_world() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let write = |file: &str, text: &str| fs::write(root.join(file), text).unwrap();
    let package = |name: &str, rest: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.2.0\"\nedition = \"2024\"\n\
             [lib]\npath = \"lib.rs\"\n{rest}"
        )
    };
    // Its name and one function, so that nothing has to be built.
    fs::create_dir(root.join("jiff")).unwrap();
    write("jiff/Cargo.toml", &package("jiff", ""));
    write("jiff/lib.rs", "pub struct Timestamp;\nimpl Timestamp { pub fn now() {} }\n");
    write("Cargo.toml", &package("scratch", "[workspace]\n[dependencies]\njiff.path = \"jiff\"\n"));
    write("lib.rs", &format!("{VIRTUE}\n{}\n", SINS.join("\n")));
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core/clippy.toml");
    fs::copy(rules, root.join("clippy.toml")).unwrap();

    let told = Command::new(env!("CARGO"))
        .args(["clippy", "--quiet", "--offline", "--message-format", "short"])
        .args(["--", "-D", "warnings"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", root.join("target"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stderr);
    let refused: Vec<usize> = told
        .lines()
        .filter(|line| line.contains("disallowed"))
        .filter_map(|line| line.strip_prefix("lib.rs:")?.split(':').next()?.parse().ok())
        .collect();
    let sins: Vec<usize> = (2..SINS.len() + 2).collect();
    assert_eq!(refused, sins, "{told}");
}
