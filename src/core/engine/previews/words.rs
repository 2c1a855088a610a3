//! What is wanted for pull requests, and the words that they are told beside what was found.

use jiff::SignedDuration;

use crate::change::quoted;
use crate::engine::event::Refusal;
use crate::model::Revision;
use crate::status::{CommitState, CommitStatus};

/// The pause after something that did not work, and after what an operator has to mend.
pub const AGAIN: SignedDuration = SignedDuration::from_secs(30);
const MUCH_LATER: SignedDuration = SignedDuration::from_mins(10);

/// Something to be done for pull requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// List those that are open; `recent`: those too that were merged lately.
    List { recent: bool },
    /// Read what a merge would leave.
    Compare { number: u64, head: Revision, base: Revision },
    /// Tell one what was found: `known`, the comment that stands there.
    Write { number: u64, page: String, known: Option<u64> },
    /// Ask what became of one that is open no more.
    Ask { number: u64 },
    /// Write the last line onto what stands there.
    Close { number: u64, line: String },
}

impl Wish {
    /// Whether the forge is written to, at its pace.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::Close { .. })
    }
}

/// What an operator should hear of a refusal, and how long to wait after it.
pub fn refused(refusal: Refusal) -> (Option<String>, SignedDuration) {
    match refusal {
        Refusal::Unsure(why) => (Some(why), AGAIN),
        Refusal::Later(wait) => (None, wait),
        Refusal::Shut(why) | Refusal::Never(why) => (Some(why), MUCH_LATER),
        Refusal::NoCommit | Refusal::Full | Refusal::Busy | Refusal::Is(_) => (None, AGAIN),
    }
}

/// What stands where something stood that a later push took back.
pub const NOTHING: &str = "Nothing that is published changes any more.\n";

/// The last line on a pull request that was merged.
pub fn last_line(commit: &Revision, lines: &[CommitStatus]) -> String {
    let short = commit.short();
    let said = lines.iter().map(|line| {
        let name = line.context.rsplit('/').next().unwrap_or_default();
        let url = match line.url.as_str() {
            "" => String::new(),
            url => format!(", {}", quoted(url)),
        };
        let mark = if line.state == CommitState::Success { "" } else { "**not published:** " };
        format!("- {mark}{}: {}{url}\n", quoted(name), quoted(&line.description))
    });
    let said: String = said.collect();
    match said.as_str() {
        "" => format!("**Merged as {short}.** It changed nothing that is published.\n"),
        said => format!("**Merged as {short}.** What became of it:\n\n{said}"),
    }
}
