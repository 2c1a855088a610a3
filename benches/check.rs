//! How long `vitrine check` takes for many folders, as a process, measured.
//!
//! `cargo bench --bench check [-- --solutions 1000] [--quick]`. Prints a line and judges nothing.
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
