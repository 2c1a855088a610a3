//! Somebody who opens pull requests, and what they are told.

use vitrine_core::config::PullRequests;
use vitrine_core::model::Revision;

use super::stage::{Stage, until};
use crate::support::forge::{Comment, FakeForge};

/// The number of the pull request that a story is about.
pub const ONE: u64 = 1;
/// What our comment begins with.
pub const MARK: &str = "<!-- vitrine:test:pr v=1 sum=";

/// A branch beside `main`, and the pull requests that are made of it.
pub struct Author<'s> {
    pub stage: &'s Stage,
}

impl Author<'_> {
    /// Commits what `edit` does, beside the branch, and pushes it as a pull request.
    pub fn pushes(&self, number: u64, edit: impl FnOnce(&Stage)) -> Revision {
        let stage = self.stage;
        stage.catalogue.git(&["checkout", "-q", "--detach", "main"]);
        edit(stage);
        let head = stage.catalogue.commit("A change");
        let reference = stage.kind().unwrap().pull_reference(number);
        stage.catalogue.git(&["update-ref", &reference, head.as_str()]);
        stage.forge().pull(number, head.as_str());
        stage.catalogue.git(&["checkout", "-q", "--detach", "main"]);
        head
    }

    /// Merges a pull request, as the forge's button does it.
    pub fn merges(&self, number: u64, head: &Revision) -> Revision {
        let stage = self.stage;
        stage.catalogue.git(&["merge", "-q", "--no-ff", "-m", "Merge", head.as_str()]);
        let merge = stage.catalogue.head();
        stage.forge().add_commit(merge.as_str());
        stage.forge().end_pull(number, Some(merge.as_str()));
        stage.push();
        merge
    }
}

/// Sets the scene: the daemon lives and has nothing to do.
pub async fn opened(stage: &mut Stage, mode: PullRequests) {
    stage.settings.forge.as_mut().unwrap().pull_requests = mode;
    let head = stage.catalogue.head();
    stage.push();
    stage.start().await;
    stage.daemon().settled(&head).await;
}

/// What stands on a head: state and text.
pub fn validated(stage: &Stage, head: &Revision) -> Option<(String, String)> {
    stage.said(head).remove("vitrine/test/validate")
}

/// Waits until this stands on a head.
pub async fn is_validated(stage: &Stage, head: &Revision, state: &str, text: &str) {
    stage.daemon_hint();
    let is = || validated(stage, head).is_some_and(|(s, t)| s == state && t.contains(text));
    until(is, || format!("{state} {text}: {:?}", validated(stage, head))).await;
}

pub fn ours(stage: &Stage, number: u64) -> Vec<Comment> {
    let all = stage.forge().comments(number).into_iter();
    all.filter(|said| said.by == FakeForge::LOGIN && said.body.starts_with(MARK)).collect()
}

/// Waits until our one comment says this.
pub async fn says(stage: &Stage, number: u64, words: &[&str]) -> Comment {
    stage.daemon_hint();
    let is = || {
        let ours = ours(stage, number);
        ours.len() == 1 && words.iter().all(|word| ours[0].body.contains(word))
    };
    until(is, || format!("{words:?}: {:#?}", stage.forge().comments(number))).await;
    ours(stage, number).remove(0)
}
