//! What a delivery says, as far as it concerns us: whether one branch moved.

use std::borrow::Cow;

use axum::http::HeaderMap;
use serde::Deserialize;

use vitrine_core::config::ForgeKind;

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody pushed to the branch.
    Moved,
    /// A pull request is another one than before.
    Pull,
    /// The forge tries the hook.
    Ping,
    /// Something else happened: to another branch, a tag, a status, a comment.
    Other,
    /// No event is named, or a push names no branch.
    Meaningless,
}

/// The only field of a push that is read.
#[derive(Deserialize)]
struct Push<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Cow<'a, str>,
}

/// What a delivery that was proven says about a branch.
pub fn of(kind: ForgeKind, headers: &HeaderMap, body: &[u8], branch: &str) -> News {
    let (names, push, pull): (&[&str], &str, &str) = match kind {
        ForgeKind::GitHub => (&["x-github-event"], "push", "pull_request"),
        ForgeKind::GitLab => (&["x-gitlab-event"], "Push Hook", "Merge Request Hook"),
        ForgeKind::Gitea => (&["x-gitea-event"], "push", "pull_request"),
        ForgeKind::Forgejo => (&["x-forgejo-event", "x-gitea-event"], "push", "pull_request"),
    };
    let Some(event) = first(headers, names) else { return News::Meaningless };
    if event == b"ping" && kind == ForgeKind::GitHub {
        return News::Ping;
    }
    // Which one is not read: the list says it. Gitea calls the kinds of news by longer names.
    let is_pull = event
        .strip_prefix(pull.as_bytes())
        .is_some_and(|rest| rest.is_empty() || [&b"_sync"[..], b"_label"].contains(&rest));
    if is_pull {
        return News::Pull;
    }
    if event != push.as_bytes() {
        return News::Other;
    }
    match serde_json::from_slice::<Push<'_>>(body) {
        Ok(push) if push.reference.strip_prefix("refs/heads/") == Some(branch) => News::Moved,
        Ok(_) => News::Other,
        Err(_) => News::Meaningless,
    }
}

/// What a forge calls this delivery, also when it sends it again. GitLab's `X-Gitlab-Webhook-UUID`
/// is the hook's own, and `X-Gitlab-Event-UUID` is shared by events that caused each other.
pub fn number(kind: ForgeKind, headers: &HeaderMap) -> Option<&[u8]> {
    let names: &[&str] = match kind {
        ForgeKind::GitHub => &["x-github-delivery"],
        ForgeKind::GitLab => &["idempotency-key"],
        ForgeKind::Gitea => &["x-gitea-delivery"],
        ForgeKind::Forgejo => &["x-forgejo-delivery", "x-gitea-delivery"],
    };
    first(headers, names).filter(|number| !number.is_empty())
}

/// The first of these headers that is there.
fn first<'a>(headers: &'a HeaderMap, names: &[&str]) -> Option<&'a [u8]> {
    names.iter().find_map(|name| headers.get(*name)).map(|value| value.as_bytes())
}
