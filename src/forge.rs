//! Carries out what the ledger wants a forge to be told: one order is one status, posted or read.
//!
//! In: an order. Out: an event with the forge's `Reply`. Decides nothing: pace, pauses and order
//! are the ledger's. What differs between forges stands in their `dialect`s. No secret stands in
//! a sentence, and a redirect is never followed: one of a POST would look like a success.

mod answer;
mod check_run;
mod credential;
mod dialect;
mod gitea;
mod github;
mod gitlab;
mod hooks;
mod line;
mod pull;
mod pulls;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use vitrine_core::config;
use vitrine_core::engine::{Answer, Check, Comment, Event, Left, OrderId, Refusal};
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::CommitStatus;

pub use hooks::Hooked;
use line::Line;

/// How long what is under way may go on after the daemon was told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// The line to a forge.
pub struct Forge {
    line: Arc<Line>,
    instance: InstanceName,
    tasks: TaskTracker,
    tell: mpsc::UnboundedSender<Event>,
}

impl Forge {
    /// A line to the forge of these settings; `branch`: the tracked one; `tell`: whom its answers
    /// go to. Touches no network and no file.
    pub fn new(
        settings: &config::Forge,
        branch: &str,
        instance: InstanceName,
        tell: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let line = Arc::new(Line::new(settings, branch));
        Self { line, instance, tasks: TaskTracker::new(), tell }
    }

    /// Posts a status.
    pub fn tell(&self, id: OrderId, commit: Revision, status: CommitStatus) {
        let line = Arc::clone(&self.line);
        self.send(id, async move { Answer::Told(line.post(&commit, &status).await) });
    }

    /// Reads the newest status of each context of a commit.
    pub fn lines(&self, id: OrderId, commit: Revision) {
        let line = Arc::clone(&self.line);
        self.send(id, async move { Answer::Has(line.read(&commit).await) });
    }

    /// Lists the open pull requests.
    pub fn pulls(&self, id: OrderId, recent: bool) {
        let line = Arc::clone(&self.line);
        self.send(id, async move { Answer::Pulls(line.pulls(recent).await) });
    }

    /// Asks what became of a pull request.
    pub fn pull(&self, id: OrderId, number: u64) {
        let line = Arc::clone(&self.line);
        self.send(id, async move { Answer::Pull(line.pull(number).await) });
    }

    /// Makes our comment on a pull request say something.
    pub fn comment(&self, id: OrderId, number: u64, comment: Comment) {
        let (line, instance) = (Arc::clone(&self.line), self.instance.clone());
        self.send(
            id,
            async move { Answer::Commented(line.comment(&instance, number, comment).await) },
        );
    }

    /// Makes our check run on a head say something.
    pub fn mark(&self, id: OrderId, head: Revision, check: Check) {
        let line = Arc::clone(&self.line);
        self.send(id, async move { Answer::Marked(line.mark(&head, &check).await) });
    }

    fn send(&self, id: OrderId, work: impl Future<Output = Answer> + Send + 'static) {
        let tell = self.tell.clone();
        self.tasks.spawn(async move {
            let answer = work.await;
            let _ = tell.send(Event::Answered(id, answer)); // the loop may have ended
        });
    }

    /// Lets what is under way finish, but not for long.
    pub async fn stop(self) {
        self.tasks.close();
        let _ = tokio::time::timeout(FAREWELL, self.tasks.wait()).await;
    }
}

/// What a try of the settings found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whether it is as it must be.
    pub good: bool,
    /// For people.
    pub sentence: String,
}

/// Tries whether the forge of these settings can be told anything, and tells it nothing: a status
/// for a commit that nobody has is refused for that reason alone, if all else is good.
pub async fn tried(settings: &config::Forge, branch: &str) -> Vec<Tried> {
    let line = Line::new(settings, branch);
    let good = |sentence: String| Tried { good: true, sentence };
    let seen = match line.ask(&line.dialect.repository(&line.place)).await {
        Ok(heard) if heard.status.is_success() => heard,
        Ok(heard) => return vec![bad(line.meaning(&heard))],
        Err(refusal) => return vec![bad(refusal)],
    };
    let (name, repository) = (line.name(), &settings.repository);
    let origin = line.credential.origin();
    let mut found = vec![good(format!("{name} accepts {origin} and shows it {repository}"))];
    let nobodys = Revision::parse(&"0".repeat(40)).ok();
    if let Some(commit) = nobodys {
        let status = CommitStatus {
            state: vitrine_core::status::CommitState::Success,
            context: "vitrine/test".to_owned(),
            description: "vitrine forge test".to_owned(),
            url: String::new(),
        };
        let reply = line.post(&commit, &status).await;
        found.push(match reply.result {
            Err(Refusal::NoCommit) => good(format!("it may write statuses of {repository}")),
            // Not even a wrong commit is refused: it may, whatever this server is.
            Ok(()) => good(format!("it may write statuses of {repository}, and checks nothing")),
            Err(refusal) => bad(refusal),
        });
        let left = reply.left.or_else(|| seen.left());
        found.extend(left.map(|left| {
            let Left { remaining, limit, resets_in } = left;
            let minutes = (resets_in.as_secs() + 59) / 60;
            good(format!("{remaining} of {limit} requests are left; anew in {minutes} min"))
        }));
    }
    found
}

/// Tries the webhook of this forge that leads to this address.
pub async fn hook_tried(settings: &config::Forge, branch: &str, url: &str) -> Hooked {
    hooks::tried(&Line::new(settings, branch), url).await
}

fn bad(refusal: Refusal) -> Tried {
    Tried { good: false, sentence: line::sentence(refusal) }
}
