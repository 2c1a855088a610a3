//! The lines as a forge gets them: which of them, and in how many characters.
//!
//! In: the statuses of [`super::statuses`]. Out: the same, or nothing where the forge is not told.
//! What the words are called in an API is the edge's business.

use std::collections::BTreeMap;

use url::Url;

use crate::config::{Forge, ForgeKind};
use crate::model::{ClaimedName, InstanceName, Revision};
use crate::status::{CommitState, CommitStatus};

/// From more than so many solutions on one commit, only those that fail have a line of their own:
/// a change for all must not use up an hour's worth of statuses.
pub const MOST_ON_A_COMMIT: usize = 20;

/// The longest context that every forge takes, in bytes: GitHub's 255.
const LONGEST_CONTEXT: usize = 255;

/// The longest address that every forge takes: GitLab's 255.
const LONGEST_URL: usize = 255;

/// Whether a line is told there. The whole is, always; a solution is where each has its own and
/// they are not too many, and where it fails.
pub fn is_told(
    instance: &InstanceName,
    forge: &Forge,
    line: &CommitStatus,
    on_commit: usize,
) -> bool {
    let fails = matches!(line.state, CommitState::Failure | CommitState::Error);
    let whole = super::context(instance, None) == line.context;
    whole || fails || (forge.per_solution && on_commit <= MOST_ON_A_COMMIT)
}

/// How many lines of solutions a commit has.
pub fn solutions(instance: &InstanceName, lines: &[CommitStatus]) -> usize {
    let whole = super::context(instance, None);
    lines.iter().filter(|line| line.context != whole).count()
}

/// The line as it is sent: its context within bounds, and its address that of the solution's page
/// on the board (`board`: where people reach that), or what the line has.
pub fn as_sent(
    instance: &InstanceName,
    forge: &Forge,
    board: Option<&str>,
    commit: &Revision,
    line: &CommitStatus,
) -> CommitStatus {
    let url = match board {
        Some(board) => page(board, super::subject(instance, &line.context).flatten(), commit),
        None => line.url.clone(),
    };
    let url = if url.len() > LONGEST_URL { String::new() } else { url };
    CommitStatus { context: key(forge.kind, &line.context), url, ..line.clone() }
}

/// Where the board speaks of a solution, or of all.
fn page(board: &str, name: Option<ClaimedName>, commit: &Revision) -> String {
    let Ok(mut url) = Url::parse(board) else { return String::new() };
    if let (Some(name), Ok(mut path)) = (name, url.path_segments_mut()) {
        path.pop_if_empty().extend(["solutions", name.as_str()]);
    }
    let short = commit.as_str().get(..12).unwrap_or_default();
    url.query_pairs_mut().append_pair("commit", short);
    url.into()
}

/// What tells two lines of a commit apart there. GitHub does not mind upper and lower case.
pub fn key(kind: ForgeKind, context: &str) -> String {
    let context = match kind {
        ForgeKind::GitHub => context.to_lowercase(),
        ForgeKind::GitLab | ForgeKind::Gitea | ForgeKind::Forgejo => context.to_owned(),
    };
    if context.len() <= LONGEST_CONTEXT {
        return context;
    }
    let digest = crate::model::ContentHash::of(context.as_bytes());
    let digest = digest.first(12);
    let mut end = LONGEST_CONTEXT - digest.len() - 1;
    while !context.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{digest}", &context[..end])
}

/// The context of the line by which the notes remember that a forge was not told everything yet.
/// No solution is called so.
pub fn owed(instance: &InstanceName, kind: ForgeKind) -> String {
    format!("{}#{}", super::context(instance, None), kind.as_str())
}

/// Whether a context is such a line, of whatever forge.
pub fn is_mark(instance: &InstanceName, context: &str) -> bool {
    ForgeKind::ALL.into_iter().any(|kind| owed(instance, kind) == context)
}

/// The lines of each commit as they are sent; of two that a forge takes for one, the worse.
pub fn lines(
    instance: &InstanceName,
    forge: &Forge,
    board: Option<&str>,
    wanted: &BTreeMap<Revision, Vec<CommitStatus>>,
) -> BTreeMap<Revision, BTreeMap<String, Line>> {
    let of_commit = |commit: &Revision, lines: &[CommitStatus]| {
        let on_commit = solutions(instance, lines);
        let mut all: BTreeMap<String, Line> = BTreeMap::new();
        for line in lines {
            let told = is_told(instance, forge, line, on_commit);
            let line = Line { status: as_sent(instance, forge, board, commit, line), told };
            let known = all.get(&line.status.context);
            if known.is_none_or(|known| known.status.state < line.status.state) {
                all.insert(line.status.context.clone(), line);
            }
        }
        all
    };
    wanted.iter().map(|(commit, lines)| (commit.clone(), of_commit(commit, lines))).collect()
}

/// A line as a forge gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is sent.
    pub status: CommitStatus,
    /// Whether it is sent at all; otherwise the forge is as if it had it.
    pub told: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn forge(kind: ForgeKind, per_solution: bool) -> Forge {
        Forge { kind, ..Forge::sample(per_solution) }
    }

    fn instance() -> InstanceName {
        InstanceName::parse("prod").unwrap()
    }

    fn commit() -> Revision {
        Revision::parse(&"a1".repeat(20)).unwrap()
    }

    fn line(context: &str, state: CommitState) -> CommitStatus {
        let url = "https://use.demo.example".to_owned();
        CommitStatus { state, context: context.to_owned(), description: "x".to_owned(), url }
    }

    fn told(forge: &Forge, all: &[CommitStatus]) -> Vec<String> {
        let lines = lines(&instance(), forge, None, &[(commit(), all.to_vec())].into());
        let lines = lines.into_values().flatten();
        lines.filter(|(_, line)| line.told).map(|(context, _)| context).collect()
    }

    #[test]
    fn a_commit_that_touches_many_solutions_tells_the_whole_and_those_that_fail() {
        let many = |n: usize| {
            let mut all = vec![line("vitrine/prod", CommitState::Failure)];
            let state = |i| if i % 7 == 0 { CommitState::Failure } else { CommitState::Success };
            all.extend((0..n).map(|i| line(&format!("vitrine/prod/s{i:02}"), state(i))));
            all
        };
        let hub = forge(ForgeKind::GitHub, true);
        assert_eq!(told(&hub, &many(20)).len(), 21);
        let failing = ["vitrine/prod", "vitrine/prod/s00", "vitrine/prod/s07", "vitrine/prod/s14"];
        assert_eq!(told(&hub, &many(21)), failing);
        assert_eq!(told(&forge(ForgeKind::GitLab, false), &many(20)), failing);
    }

    #[test]
    fn two_contexts_that_github_takes_for_one_are_one_there_and_the_worse_counts() {
        let both = [
            line("vitrine/prod/use", CommitState::Success),
            line("vitrine/prod/Use", CommitState::Failure),
        ];
        for (kind, count) in [(ForgeKind::GitHub, 1), (ForgeKind::Gitea, 2)] {
            let all = [(commit(), both.to_vec())].into();
            let lines = lines(&instance(), &forge(kind, true), None, &all);
            let lines = &lines[&commit()];
            assert_eq!(lines.len(), count, "{kind:?}");
            if kind == ForgeKind::GitHub {
                assert_eq!(lines["vitrine/prod/use"].status.state, CommitState::Failure);
            }
        }
    }

    #[test]
    fn a_context_is_never_longer_than_a_forge_takes_and_stays_the_only_one_of_its_kind() {
        let long = |end: char| format!("vitrine/prod/{}{end}", "ü".repeat(200));
        let (a, b) = (key(ForgeKind::Gitea, &long('a')), key(ForgeKind::Gitea, &long('b')));
        assert!(a.len() <= 255 && b.len() <= 255 && a != b, "{a} {b}");
        assert_eq!(key(ForgeKind::GitLab, "vitrine/prod/use"), "vitrine/prod/use");
    }

    #[test]
    fn a_line_leads_to_the_solutions_page_of_the_board_where_there_is_one() {
        let sent = |board: Option<&str>, context: &str| {
            let line = line(context, CommitState::Success);
            as_sent(&instance(), &forge(ForgeKind::Gitea, true), board, &commit(), &line).url
        };
        let board = Some("https://gallery.example");
        assert_eq!(
            sent(board, "vitrine/prod/use"),
            "https://gallery.example/solutions/use?commit=a1a1a1a1a1a1"
        );
        assert_eq!(sent(board, "vitrine/prod"), "https://gallery.example/?commit=a1a1a1a1a1a1");
        assert_eq!(
            sent(Some("https://gallery.example/lab"), "vitrine/prod/What? a#b"),
            "https://gallery.example/lab/solutions/What%3F%20a%23b?commit=a1a1a1a1a1a1"
        );
        assert_eq!(sent(None, "vitrine/prod/use"), "https://use.demo.example");
        let long = format!("https://{}.example", "x".repeat(230));
        assert_eq!(sent(Some(&long), "vitrine/prod/use"), "", "GitLab refuses a longer address");
    }
}
