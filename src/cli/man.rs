//! `man`: one manual page for each command.

use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::{Answer, Stop};

/// How the title of each page begins.
const TITLE: &str = ".TH vitrine";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder to write them into, such as /usr/local/share/man/man1.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn man(arguments: &Arguments, mut command: Command) -> Result<Answer, Stop> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .map_err(|error| Stop::new(format!("cannot make {}: {error}", folder.display())))?;
    command.build();
    if let Some(foreign) = foreign(&command, folder) {
        return Err(Stop::new(format!(
            "{} is no page of vitrine, so nothing is written; move it away, or name another folder",
            foreign.display()
        )));
    }
    let pages = write(&command, folder)
        .map_err(|error| Stop::new(format!("cannot write into {}: {error}", folder.display())))?;
    let first = folder.join("vitrine.1");
    say!("{pages} pages in {}; read one with: man -l {}", folder.display(), first.display())?;
    Ok(Answer::Good)
}

/// What stands in the place of a page and is none. The folder is everybody's; an older page of
/// ours is written anew.
fn foreign(command: &Command, folder: &Path) -> Option<PathBuf> {
    let file = folder.join(clap_mangen::Man::new(command.clone()).get_filename());
    let ours = match file.symlink_metadata() {
        Err(_) => true,
        Ok(about) if about.is_file() => std::fs::read(&file).is_ok_and(|text| {
            let mut lines = text.split(|byte| *byte == b'\n');
            lines.any(|line| line.starts_with(TITLE.as_bytes()))
        }),
        Ok(_) => false,
    };
    let mut inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    if ours { inner.find_map(|inner| foreign(inner, folder)) } else { Some(file) }
}

/// The page of a command and those of its own commands; how many they were.
fn write(command: &Command, folder: &Path) -> std::io::Result<usize> {
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    std::fs::write(folder.join(page.get_filename()), text)?;
    let mut pages = 1;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        pages += write(inner, folder)?;
    }
    Ok(pages)
}
