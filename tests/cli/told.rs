//! Every command that vitrine or its documents tell somebody to type is one that it understands.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::binary::{finish, vitrine};

/// Where somebody reads commands: golden files of what is printed, and what people are told to read.
const TOLD: [&str; 7] = [
    "README.md",
    "docs",
    "deploy",
    "catalog",
    "tests/catalogues",
    "tests/corpus/situations.md",
    "tests/golden",
];

/// The commands of a text: between backticks, or on a line of their own.
fn commands(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    // A line of prose may begin with our name.
    let mut fenced = !text.contains("```");
    let lines = text.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        fenced
    });
    let lines = lines.map(|line| line.trim().trim_start_matches("$ "));
    let lines = lines.map(|line| line.trim_start_matches("= see: "));
    let lines = lines.map(|line| line.split(" #").next().unwrap_or(line).trim());
    let mut commands = BTreeSet::new();
    for said in quoted.chain(lines) {
        let Some(rest) = said.strip_prefix("vitrine ") else { continue };
        let command = rest.split([';', '|', '>']).next().unwrap_or(rest).trim();
        if !command.contains(['\n', '{']) && !command.ends_with(['.', ':', ',']) {
            commands.insert(command.to_owned());
        }
    }
    commands
}

fn read(path: &Path, texts: &mut Vec<String>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| read(entry, texts));
    } else if path
        .extension()
        .is_some_and(|ending| ["md", "txt", "yaml"].iter().any(|e| ending == *e))
    {
        texts.extend(fs::read_to_string(path));
    }
}

/// What stands for something in a document, replaced by something that there is.
fn meant(command: &str) -> Vec<String> {
    let words = command.split_whitespace().filter(|word| *word != "[PATH...]");
    let words = words.map(|word| match word.trim_matches(['[', ']']) {
        "NAME" | "sentence-encoder" | "use" => "use",
        "HASH" | "<hash>" => "a90163783017",
        "SHELL" => "bash",
        "DIR" => "nowhere",
        // README's example. Whatever lies there on this machine is nobody's business, and a demo
        // would stay: below a file there can be none.
        "/srv/lab" => "vitrine.yaml/lab",
        "PORT" => "1",
        "FILE" | "vitrine.yaml" | "/etc/vitrine/vitrine.yaml" => "vitrine.yaml",
        "path/to/catalogue" | "path/to/clone" | "nlp" => ".",
        "IMAGE" => "registry.example/a/b:1",
        "--url" if command.ends_with("--url") => "--url=http://127.0.0.1:1",
        // Nobody listens there, and nothing outside is asked.
        "http://localhost:8080" => "http://127.0.0.1:1",
        word if word.starts_with("https://git.example") => "/nowhere",
        word if word.starts_with("/usr/local") => "man",
        word => word,
    });
    words.map(str::to_owned).collect()
}

#[test]
fn every_command_that_somebody_is_told_to_type_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    TOLD.iter().for_each(|place| read(&root.join(place), &mut texts));
    let all: BTreeSet<String> = texts.iter().flat_map(|text| commands(text)).collect();
    assert!(all.len() >= 40, "{all:#?}");
    let mut wrong = Vec::new();
    for command in &all {
        // They stay, and have tests of their own.
        if matches!(command.as_str(), "demo" | "warm" | "run") {
            continue;
        }
        let home = tempfile::tempdir().unwrap();
        copy(&root.join("catalog"), home.path());
        fs::write(
            home.path().join("vitrine.yaml"),
            "instance: prod\nrepository: {url: /nowhere}\n",
        )
        .unwrap();
        fs::create_dir(home.path().join("man")).unwrap();
        let mut program = vitrine(home.path());
        if command.starts_with("try") {
            // It would pull the images of the example, which are nowhere; it has tests of its own.
            program.env("PATH", home.path());
        }
        let ended = finish(program.args(meant(command)));
        // 2 with a usage is how one is told that a command is not understood.
        let is_bare = meant(command).len() == 1;
        let misunderstood =
            ended.err.contains("Usage:") && !(is_bare && ended.err.contains("required arguments"));
        if misunderstood || ended.code.is_none_or(|code| code > 3) {
            wrong.push(format!("vitrine {command}: {:?}\n{}{}", ended.code, ended.out, ended.err));
        }
        let needs_nobody = ["check", "explain", "render", "schema", "completions", "config"];
        // And the registries that `check --images` asks are out there.
        let is_placed = !command.contains(['/', '[']) && !command.contains("--images");
        if needs_nobody.iter().any(|word| command.starts_with(word))
            && !is_bare
            && is_placed
            && ended.code != Some(0)
        {
            wrong.push(format!("vitrine {command}: {:?}\n{}{}", ended.code, ended.out, ended.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let there = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            fs::create_dir_all(&there).unwrap();
            copy(&entry, &there);
        } else {
            fs::copy(&entry, &there).unwrap();
        }
    }
}
