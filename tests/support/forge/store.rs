//! What a forge holds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use vitrine_core::config::ForgeKind;

use super::app::App;
use super::checks::CheckRun;
use super::pulls::{Comment, Pull};

/// Whose token the test has.
pub const LOGIN: &str = "vitrine-bot";
pub const BRANCH: &str = "main";
/// The repository's own number, by which a renamed one is found.
pub const REPOSITORY_ID: u64 = 4711;
/// How many requests GitHub answers in an hour.
pub const RATE_LIMIT: u32 = 5000;

/// A status, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub sha: String,
    /// GitLab calls it the name.
    pub context: String,
    /// The forge's own word.
    pub state: String,
    pub description: String,
    pub target_url: String,
    /// Counts per commit on Gitea and Forgejo, over everything on the others.
    pub id: u64,
    pub creator: String,
    /// GitLab's `ref`.
    pub reference: Option<String>,
    /// GitLab's pipeline.
    pub pipeline: Option<u64>,
    /// When it came, in whole seconds since the forge was started.
    pub second: u64,
}

impl Row {
    /// One that says nothing yet.
    pub fn of(sha: &str) -> Self {
        Self {
            sha: sha.to_owned(),
            context: String::new(),
            state: String::new(),
            description: String::new(),
            target_url: String::new(),
            id: 0,
            creator: LOGIN.to_owned(),
            reference: None,
            pipeline: None,
            second: 0,
        }
    }
}

/// GitLab's, which a status is a job of.
pub struct Pipeline {
    pub id: u64,
    pub sha: String,
    pub reference: String,
    pub source: &'static str,
}

/// A webhook.
pub struct Hook {
    pub url: String,
    pub active: bool,
    /// Whether it sends JSON; else a form.
    pub json: bool,
}

/// A trial delivery that was made.
pub struct Delivery {
    pub hook: u64,
    /// What it was answered; 0 when nobody was there.
    pub code: u16,
    pub words: String,
}

/// GitHub's window of requests.
pub struct Rate {
    pub remaining: u32,
    pub reset: Instant,
}

pub struct Store {
    pub kind: ForgeKind,
    pub version: String,
    pub repository: String,
    pub old_names: Vec<String>,
    pub commits: Vec<String>,
    pub rows: Vec<Row>,
    pub checks: Vec<CheckRun>,
    /// The next comment that is edited is deleted just before.
    pub vanishing: bool,
    pub pipelines: Vec<Pipeline>,
    /// The first has the id 1.
    pub hooks: Vec<Hook>,
    /// The oldest first; the first has the id 1.
    pub deliveries: Vec<Delivery>,
    /// The account of the token may not see webhooks.
    pub hooks_hidden: bool,
    /// GitLab: trials that were asked for.
    pub trials: u32,
    pub faults: Vec<String>,
    pub rate: Rate,
    pub revoked: bool,
    pub scope_missing: bool,
    pub no_access: bool,
    /// GitLab: the branch takes pushes from maintainers only, and our account is none.
    pub protected: bool,
    /// Requests with a wrong token.
    pub strangers: u32,
    pub max_per_context: usize,
    pub max_per_pipeline: usize,
    pub app: Option<App>,
    pub pulls: Vec<Pull>,
    /// The oldest first.
    pub comments: Vec<Comment>,
    pub last_comment: u64,
    /// The token may not comment.
    pub comments_forbidden: bool,
    begun: Instant,
}

impl Store {
    pub fn new(kind: ForgeKind, commits: Vec<String>) -> Self {
        let version = match kind {
            ForgeKind::Forgejo => "12.0.4+gitea-1.22.0",
            ForgeKind::Gitea => "1.25.5",
            ForgeKind::GitHub | ForgeKind::GitLab => "",
        };
        Self {
            kind,
            version: version.to_owned(),
            repository: super::FakeForge::REPOSITORY.to_owned(),
            old_names: Vec::new(),
            commits,
            rows: Vec::new(),
            checks: Vec::new(),
            vanishing: false,
            pipelines: Vec::new(),
            hooks: Vec::new(),
            deliveries: Vec::new(),
            hooks_hidden: false,
            trials: 0,
            faults: Vec::new(),
            rate: Rate { remaining: RATE_LIMIT, reset: Instant::now() + Duration::from_secs(3600) },
            revoked: false,
            scope_missing: false,
            no_access: false,
            protected: false,
            strangers: 0,
            max_per_context: 1000,
            max_per_pipeline: usize::MAX,
            app: None,
            pulls: Vec::new(),
            comments: Vec::new(),
            last_comment: 500,
            comments_forbidden: false,
            begun: Instant::now(),
        }
    }

    /// What every path begins with.
    pub fn base(&self) -> &'static str {
        match self.kind {
            ForgeKind::GitHub => "/api/v3",
            ForgeKind::GitLab => "/api/v4",
            ForgeKind::Gitea | ForgeKind::Forgejo => "/api/v1",
        }
    }

    /// Stores a row under the next id.
    pub fn add(&mut self, mut row: Row) -> Row {
        row.id = match self.kind {
            ForgeKind::Gitea | ForgeKind::Forgejo => {
                self.rows.iter().filter(|other| other.sha == row.sha).count() as u64 + 1
            }
            // Other repositories have statuses too.
            ForgeKind::GitHub | ForgeKind::GitLab => 9_000_000_001 + self.rows.len() as u64 * 3,
        };
        row.second = self.begun.elapsed().as_secs();
        self.rows.push(row.clone());
        row
    }

    pub fn add_pipeline(&mut self, sha: &str, reference: &str, source: &'static str) -> u64 {
        let id = 501 + self.pipelines.len() as u64;
        let (sha, reference) = (sha.to_owned(), reference.to_owned());
        self.pipelines.push(Pipeline { id, sha, reference, source });
        id
    }

    /// Whether there is a webhook with the id that a path names.
    pub fn hook(&self, id: &str) -> Option<u64> {
        id.parse().ok().filter(|id| (1..=self.hooks.len() as u64).contains(id))
    }

    /// The deliveries of a webhook with their ids, the newest first.
    pub fn deliveries(&self, hook: u64) -> Vec<(u64, &Delivery)> {
        let numbered = (1..).zip(&self.deliveries);
        let mut of_it: Vec<_> = numbered.filter(|(_, it)| it.hook == hook).collect();
        of_it.reverse();
        of_it
    }

    /// The rows of a commit, the oldest first.
    pub fn of(&self, sha: &str) -> Vec<Row> {
        self.rows.iter().filter(|row| row.sha == sha).cloned().collect()
    }

    /// The newest row of each context of a commit, the newest first.
    pub fn latest(&self, sha: &str) -> Vec<Row> {
        let mut newest = BTreeMap::new();
        for row in self.of(sha) {
            newest.insert(self.same(&row.context), row);
        }
        let mut newest: Vec<Row> = newest.into_values().collect();
        newest.sort_by_key(|row| std::cmp::Reverse(row.id));
        newest
    }

    /// Equal for contexts that are one for this forge.
    pub fn same(&self, context: &str) -> String {
        match self.kind {
            ForgeKind::GitHub => context.to_lowercase(),
            ForgeKind::GitLab | ForgeKind::Gitea | ForgeKind::Forgejo => context.to_owned(),
        }
    }

    /// The commit that a path means: a full sha, the begin of one, the branch or `HEAD`.
    pub fn commit(&self, word: &str) -> Option<String> {
        if word == BRANCH || word == "HEAD" {
            return self.commits.last().cloned();
        }
        let whole = self.commits.iter().find(|sha| *sha == word);
        let begun = || {
            let mut found = self.commits.iter().filter(|sha| sha.starts_with(word));
            found.next().filter(|_| word.len() >= 7 && found.next().is_none())
        };
        whole.or_else(begun).cloned()
    }
}
