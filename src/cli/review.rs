//! What a change means to a reviewer, on a terminal, for a forge or for a program.

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{Answer, Stop, terminal};
use vitrine_core::catalog;
use vitrine_core::change::{self, Brake, Comparison, How, Setting};
use vitrine_core::config::Safety;
use vitrine_core::model::InstanceName;

/// How a review is printed.
#[derive(Clone, Debug, Args)]
pub(super) struct Shape {
    /// For people, for programs, or as a comment on a pull request.
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// Tells every field of every object that differs too.
    #[arg(long)]
    pub objects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
    /// For pull requests.
    Markdown,
}

/// What a review is told with.
pub(super) struct Told<'a> {
    pub instance: &'a InstanceName,
    pub now: Timestamp,
    pub brake: Brake,
}

/// The limits that two commits are held against.
pub(super) fn brake(safety: &Safety) -> Brake {
    let Safety { max_removed_share, max_deletions, approvals_expire_after: _ } = *safety;
    Brake { max_removed_share, max_deletions }
}

/// Judges both sides and prints what differs: 0 nothing, 1 something, 2 it cannot be told.
pub(super) fn tell(
    comparison: &Comparison,
    told: &Told<'_>,
    shape: &Shape,
) -> Result<Answer, Stop> {
    let mut memory = catalog::Memory::default();
    let base = catalog::read(&comparison.base, &mut memory);
    let head = catalog::read(&comparison.head, &mut memory);
    let setting = Setting {
        instance: told.instance,
        now: told.now,
        brake: told.brake,
        earlier: &comparison.earlier,
    };
    let review = change::between(&base, &head, &setting);
    match shape.format {
        Format::Human => terminal::write(&change::text(&review, told.now, shape.objects))?,
        Format::Json => say!("{:#}", change::json(&review))?,
        Format::Markdown => terminal::write(&change::markdown(&review))?,
    }
    if comparison.how == How::Branched {
        eprintln!(
            "vitrine: a merge would have conflicts; told is the branch beside {}, where it began",
            comparison.base.revision.short()
        );
    }
    if review.is_frozen() {
        eprintln!(
            "vitrine: platform.yaml is refused, so a pass changes nothing, and what would change \
             cannot be told; mend the file"
        );
        return Ok(Answer::Unknown);
    }
    Ok(if review.is_empty() { Answer::Good } else { Answer::NotGood })
}
