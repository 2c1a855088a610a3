//! How long `vitrine check` takes for many folders, and for one that was made to hurt, as a
//! process, measured.
//!
//! `cargo bench --bench check [-- --solutions 1000] [--quick]`. Prints lines and judges nothing.
//! `docs/benchmarks.md` has the numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs; the shortest and the middle one are printed.
const RUNS: usize = 11;

fn main() {
    let mut solutions = 1000;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--solutions" => {
                let number = arguments.next().and_then(|text| text.parse().ok());
                solutions = number.expect("a number follows");
            }
            "--quick" => solutions = 50,
            "--bench" => {} // cargo says it to every benchmark
            other => panic!("{other} is no argument: --solutions N, --quick"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    fs::copy(catalog.join("platform.yaml"), folder.path().join("platform.yaml")).unwrap();
    for n in 0..solutions {
        copy(&catalog, &folder.path().join(format!("use-{n}")), n);
    }
    let mut spent: Vec<Duration> = (0..RUNS).map(|_| run(folder.path(), solutions)).collect();
    spent.sort();
    println!(
        "check of {solutions} folders: shortest {:.3} s, middle {:.3} s of {RUNS}",
        spent[0].as_secs_f64(),
        spent[RUNS / 2].as_secs_f64()
    );
    for (name, bytes) in hostile() {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(catalog.join("platform.yaml"), folder.path().join("platform.yaml")).unwrap();
        fs::create_dir(folder.path().join("use")).unwrap();
        fs::write(folder.path().join("use/solution.yaml"), bytes).unwrap();
        let mut spent: Vec<Duration> = (0..RUNS).map(|_| refused(folder.path())).collect();
        spent.sort();
        let (least, middle) = (spent[0].as_secs_f64(), spent[RUNS / 2].as_secs_f64());
        println!("  {name:18} shortest {:5.1} ms, middle {:5.1} ms", least * 1e3, middle * 1e3);
    }
}

/// The worst of `tests/corpus/hostile.rs`, which holds what each is told.
fn hostile() -> [(&'static str, Vec<u8>); 8] {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let keys: String = (0..9000).map(|n| format!("key{n}: 1, ")).collect();
    [
        ("a key", b"a: 1\n".to_vec()),
        ("10 000 brackets", format!("a: {}", "[".repeat(10_000)).into_bytes()),
        ("alias bomb", bomb.into_bytes()),
        ("100 MB", vec![b'a'; 100 * 1024 * 1024]),
        ("a line of 1 MB", vec![b'a'; 1024 * 1024]),
        ("a line of 250 KB", format!("a: {}", "x".repeat(250 * 1024)).into_bytes()),
        ("30 000 values", format!("a: [{}]", "1,".repeat(30_000)).into_bytes()),
        ("9000 faults", format!("{{{keys}}}").into_bytes()),
    ]
}

fn refused(folder: &Path) -> Duration {
    let begun = Instant::now();
    let done =
        Command::new(env!("CARGO_BIN_EXE_vitrine")).arg("check").current_dir(folder).output();
    let (spent, done) = (begun.elapsed(), done.unwrap());
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stdout));
    spent
}

/// The example's `use` under another name, with its README and its example request.
fn copy(catalog: &Path, to: &Path, n: usize) {
    let from = catalog.join("use");
    fs::create_dir_all(to.join("examples")).unwrap();
    fs::copy(from.join("README.md"), to.join("README.md")).unwrap();
    for entry in fs::read_dir(from.join("examples")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join("examples").join(entry.file_name())).unwrap();
    }
    let text = fs::read_to_string(from.join("solution.yaml")).unwrap();
    let renamed = text.replacen("name: use", &format!("name: use-{n}"), 1);
    fs::write(to.join("solution.yaml"), renamed).unwrap();
}

fn run(folder: &Path, solutions: usize) -> Duration {
    let begun = Instant::now();
    let done =
        Command::new(env!("CARGO_BIN_EXE_vitrine")).arg("check").current_dir(folder).output();
    let (spent, done) = (begun.elapsed(), done.unwrap());
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.ends_with(&format!("{solutions} good; 0 errors, 0 warnings\n")), "{said}");
    spent
}
