//! One mistake in a right file is a fault, near the line of the mistake; and nothing panics.

use std::collections::BTreeMap;

use vitrine_core::catalog::contract::File;
use vitrine_core::catalog::fault::code;
use vitrine_core::catalog::{self, Catalog, Fault, Memory};

use super::from_folder::{Files, of_files};
use super::mutation::{Mistake, Mutated, Right, places, right};

/// How many mistakes are made in each right file.
const TRIES: usize = 200;

fn read(files: &Files) -> Catalog {
    catalog::read(&of_files(files, BTreeMap::new()), &mut Memory::default())
}

/// What is wrong with the files when one of them is another text.
fn faults(right: &Right, path: &str, text: &str) -> Vec<Fault> {
    let mut files = right.files.clone();
    files.insert(path.to_owned(), text.as_bytes().to_vec());
    let catalog = read(&files);
    let of_platform = catalog.platform.err().into_iter().flatten();
    let of_folders = catalog.refused.into_values().flat_map(|refused| refused.faults);
    of_platform.chain(of_folders).collect()
}

/// Makes random mistakes in the files of a sort: how many there were, and how many were told
/// within one line of the mistake.
fn rate(file: File, path: impl Fn(&Right) -> String) -> (usize, usize) {
    let (mut tried, mut near) = (0, 0);
    for right in right() {
        let path = path(&right);
        let text = right.text(&path);
        let mut random = fastrand::Rng::with_seed(8);
        let places = places(file, &text);
        let mut made = 0;
        while made < TRIES {
            let (place, mistake) = (random.choice(&places), random.choice(Mistake::ALL));
            let place = place.expect("every file has keys");
            let mistake = mistake.expect("there are mistakes");
            let Some(mutated) = place.mutate(&text, mistake, &mut random) else { continue };
            let Mutated { text, line, what } = mutated;
            made += 1;
            let faults = faults(&right, &path, &text);
            assert!(!faults.is_empty(), "{}: {what} is accepted:\n{text}", right.name);
            let told = faults.iter().any(|fault| {
                fault.file == path
                    && fault.line.abs_diff(line) <= 1
                    && mistake.code().map_or(fault.code != code::SYNTAX, |code| fault.code == code)
            });
            if !told {
                println!("{}: {what}, told as {}", right.name, faults[0]);
            }
            near += usize::from(told);
        }
        tried += made;
    }
    println!("rate: {near} of {tried} within one line");
    (tried, near)
}

#[test]
fn a_mistake_in_a_solution_is_a_fault_near_its_line() {
    let (tried, near) = rate(File::Solution, |right| right.solution.clone());
    assert!(near * 100 >= tried * 95, "{near} of {tried}");
}

#[test]
fn a_mistake_in_the_platform_is_a_fault_near_its_line() {
    let (tried, near) = rate(File::Platform, |_| "platform.yaml".to_owned());
    assert!(near * 100 >= tried * 95, "{near} of {tried}");
}

#[test]
fn no_cut_no_wrong_indent_and_no_swapped_quote_makes_it_panic_or_lose_a_solution() {
    let mut random = fastrand::Rng::with_seed(9);
    for right in right() {
        let text = right.text(&right.solution);
        for _ in 0..TRIES {
            let mut characters: Vec<char> = text.chars().collect();
            let at = random.usize(0..characters.len());
            match random.u8(0..5) {
                0 => _ = characters.remove(at),
                1 => characters.truncate(at),
                2 => {
                    let end = (at + random.usize(1..40)).min(characters.len());
                    characters.drain(at..end);
                }
                3 => {
                    let starts = characters.iter().enumerate();
                    let starts: Vec<usize> =
                        starts.filter(|(_, c)| **c == '\n').map(|(at, _)| at + 1).collect();
                    let at = random.choice(&starts).copied().unwrap_or(0);
                    characters.splice(at..at, " ".repeat(random.usize(1..5)).chars());
                }
                _ => {
                    let odd = ['"', '\'', '{', '}', '[', ']', ':', '#', '&', '|', '-', '\t'];
                    characters[at] = *random.choice(&odd).expect("there are some");
                }
            }
            let text: String = characters.into_iter().collect();
            let mut files = right.files.clone();
            files.insert(right.solution.clone(), text.clone().into_bytes());
            let catalog = read(&files);
            // Good or refused, and never lost.
            let folder = right.solution.trim_end_matches("/solution.yaml");
            let name = folder.rsplit('/').next().expect("a folder has a name");
            let known = catalog.solutions.contains_key(name) || catalog.protected.covers(name);
            assert!(known, "{}:\n{text}", right.name);
        }
    }
}
