//! One code as a page for people.

use std::fmt::Write as _;

use crate::model::Party;

/// What a code means, who mends it, and how it looks wrong and right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The stable code: `V0207`.
    pub code: &'static str,
    /// What it stands for in a few words: the heading of the page.
    pub title: &'static str,
    /// Who can mend it; several where it depends on the file.
    pub mends: &'static [Party],
    /// One to three sentences.
    pub means: &'static str,
    /// What a person writes that has this fault.
    pub wrong: Example,
    /// The same, mended.
    pub right: Example,
}

/// A piece of what a person writes. The corpus judges those that are files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    /// Lines below `spec:` of a `solution.yaml`.
    Spec(&'static str),
    /// A whole `solution.yaml`.
    Solution(&'static str),
    /// Lines below `spec:` of `platform.yaml`.
    Platform(&'static str),
    /// The daemon's settings.
    Settings(&'static str),
    /// What no text of a file can show: names of files, a sentence.
    Shown(&'static str),
}

impl Page {
    /// The page, as Markdown.
    pub fn markdown(&self) -> String {
        let severity = if self.code.starts_with("V9") { "warning" } else { "error" };
        let parties: Vec<String> = self.mends.iter().map(|party| format!("the {party}")).collect();
        let mut text = format!("# {}: {}\n\n{}\n\n", self.code, self.title, self.means);
        let _ = writeln!(text, "Severity: {severity}. Who mends it: {}.\n", parties.join(" or "));
        let _ =
            writeln!(text, "Wrong:\n\n{}\nRight:\n\n{}", self.wrong.block(), self.right.block());
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

impl Example {
    /// The whole text of the file, or what else is shown.
    pub fn text(&self) -> String {
        match self {
            Self::Spec(lines) | Self::Platform(lines) => {
                let indented = lines.lines().map(|line| format!("  {line}\n"));
                format!("spec:\n{}", indented.collect::<String>())
            }
            Self::Solution(text) | Self::Settings(text) | Self::Shown(text) => {
                format!("{}\n", text.trim_end())
            }
        }
    }

    fn block(&self) -> String {
        let (file, language) = match self {
            Self::Spec(_) | Self::Solution(_) => (Some("solution.yaml"), "yaml"),
            Self::Platform(_) => (Some("platform.yaml"), "yaml"),
            Self::Settings(_) => (Some("vitrine.yaml"), "yaml"),
            Self::Shown(_) => (None, "text"),
        };
        let comment = file.map(|file| format!("# {file}\n")).unwrap_or_default();
        format!("```{language}\n{comment}{}```\n", self.text())
    }
}
