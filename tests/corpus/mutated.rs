//! One wrong word in a right file is a fault, near the line of the word.

use std::fs;
use std::path::Path;

use vitrine::catalog::{self, Catalog, Memory};

use super::from_folder::{Files, of_files};

fn read(files: &Files) -> Catalog {
    catalog::read(&of_files(files, Default::default()), &mut Memory::default())
}

/// The example catalogue's solutions, each with the platform and the files beside it.
fn examples() -> Vec<(String, Files)> {
    fn walk(root: &Path, below: &str, files: &mut Files) {
        for entry in fs::read_dir(root.join(below)).expect("a readable folder") {
            let entry = entry.expect("a readable entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.path().is_dir() {
                walk(root, &path, files);
            } else {
                files.insert(path, fs::read(entry.path()).expect("a readable file"));
            }
        }
    }
    let mut all = Files::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog"), "", &mut all);
    let names = all.keys().filter_map(|path| path.strip_suffix("/solution.yaml"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let with = |name: &String| {
        let mut files = all.clone();
        files.retain(|path, _| path == "platform.yaml" || path.starts_with(&format!("{name}/")));
        (name.clone(), files)
    };
    names.iter().map(with).collect()
}

/// The line without its comment, the place of its key, and whether the key is of the schema.
fn key(line: &str) -> Option<(usize, &str)> {
    let start = line.len() - line.trim_start().len();
    let end = line.find(':')?;
    let word = line.get(start..end)?;
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
    plain.then_some((start, word))
}

/// Names that an author chose are not of the schema: one more letter makes another name.
fn is_free(lines: &[&str], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines[at]);
    let parent = lines.iter().take(at).rev().find(|line| {
        !line.trim().is_empty() && !line.trim().starts_with('#') && indent(line) < own
    });
    parent.is_some_and(|parent| {
        ["env:", "components:", "configurations:", "files:"].contains(&parent.trim())
    })
}

#[test]
fn a_renamed_or_repeated_key_is_a_fault_at_its_line() {
    let (mut tried, mut near) = (0, 0);
    for (name, files) in examples() {
        let file = format!("{name}/solution.yaml");
        let text = String::from_utf8(files[&file].clone()).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((start, word)) = key(line) else { continue };
            if is_free(&lines, at) {
                continue;
            }
            let renamed = format!(
                "{}{}",
                &line[..start],
                line[start..].replacen(word, &format!("{word}Q"), 1)
            );
            let one_line = !line.trim_end().ends_with(':');
            let repeated = one_line.then(|| format!("{line}\n{line}"));
            for changed in [Some(renamed), repeated].into_iter().flatten() {
                let mut mutated: Vec<&str> = lines.clone();
                mutated[at] = &changed;
                let mut files = files.clone();
                files.insert(file.clone(), mutated.join("\n").into_bytes());
                let catalog = read(&files);
                let Some(refused) = catalog.refused.get(&name) else {
                    unreachable!("{file}:{} is accepted:\n{changed}", at + 1)
                };
                tried += 1;
                let hit = |fault: &catalog::Fault| (fault.line as usize).abs_diff(at + 1) <= 1;
                near += usize::from(refused.faults.iter().any(hit));
            }
        }
    }
    println!("{near} of {tried} mutations were told within one line");
    assert!(tried >= 200, "{tried}");
    assert!(near * 100 >= tried * 95, "{near} of {tried}");
}

#[test]
fn a_value_of_another_type_is_a_fault_at_its_line() {
    let (mut tried, mut near) = (0, 0);
    for (name, files) in examples() {
        let file = format!("{name}/solution.yaml");
        let text = String::from_utf8(files[&file].clone()).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((start, word)) = key(line) else { continue };
            if line.trim_end().ends_with(':') || is_free(&lines, at) {
                continue;
            }
            let indent = &line[..start];
            for value in ["[[1]]", "{q: 1}", "\"\"", ""] {
                let changed = format!("{indent}{word}: {value}");
                let mut mutated: Vec<&str> = lines.clone();
                mutated[at] = &changed;
                let mut files = files.clone();
                files.insert(file.clone(), mutated.join("\n").into_bytes());
                let catalog = read(&files);
                let Some(refused) = catalog.refused.get(&name) else {
                    unreachable!("{file}:{} is accepted:\n{changed}", at + 1)
                };
                tried += 1;
                let hit = |fault: &catalog::Fault| (fault.line as usize).abs_diff(at + 1) <= 1;
                near += usize::from(refused.faults.iter().any(hit));
            }
        }
    }
    println!("{near} of {tried} mutations were told within one line");
    assert!(tried >= 200, "{tried}");
    assert!(near * 100 >= tried * 95, "{near} of {tried}");
}

#[test]
fn no_cut_and_no_wrong_indent_makes_it_panic() {
    for (name, files) in examples() {
        let file = format!("{name}/solution.yaml");
        let text = String::from_utf8(files[&file].clone()).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            let deeper = format!(" {}", lines[at]);
            let quoted = lines[at].replace('"', "'").replacen(' ', "\"", 1);
            for changed in [None, Some(&deeper), Some(&quoted)] {
                let mut mutated: Vec<&str> = lines.clone();
                match changed {
                    Some(line) => mutated[at] = line,
                    None => _ = mutated.remove(at),
                }
                let mut files = files.clone();
                files.insert(file.clone(), mutated.join("\n").into_bytes());
                let catalog = read(&files);
                // Good or refused, and never lost.
                let known = catalog.solutions.contains_key(name.as_str())
                    || catalog.refused.contains_key(&name);
                assert!(known, "{file}:{}", at + 1);
            }
        }
    }
}
