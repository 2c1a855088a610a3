//! The commit that a person means by a name: an id, a branch, a tag, and what is counted from it.
//!
//! A repository on this machine is asked itself. Of one elsewhere the mirror has the tracked branch
//! alone, so that a tag or another branch is fetched by its full name, beside it.

use git2::{ErrorCode, Oid, Repository};

use super::Trouble;
use super::refs::TIP;
use super::remote::Remote;

/// Where the mirror keeps what a person named. Each is overwritten by the next.
const TAG: &str = "refs/vitrine/named-tag";
const BRANCH: &str = "refs/vitrine/named-branch";

/// See [`Source::resolve`](super::Source::resolve).
pub fn commit(remote: &Remote, mirror: &Repository, text: &str) -> Result<Oid, Trouble> {
    let (name, rest) = parts(text);
    let branch = remote.branch();
    let tracked = format!("refs/heads/{branch}");
    // What a clone calls the tracked branch.
    let is_tracked = ["origin/", "refs/remotes/origin/"]
        .iter()
        .any(|remote| name.strip_prefix(remote) == Some(branch));
    if remote.is_local() {
        let local = remote.open_local()?;
        one_meaning(&local, name, "refs/tags/", "refs/heads/")?;
        let found = match find(&local, text, text)? {
            None if is_tracked => find(&local, &format!("{tracked}{rest}"), text)?,
            found => found,
        };
        return found.ok_or_else(|| {
            Trouble::new(format!(
                "{remote} has no commit `{text}`; name a branch, a tag or a commit that it has"
            ))
        });
    }
    let is_tracked = is_tracked
        || ["HEAD", "@", "origin", branch, tracked.as_str()].contains(&name)
        || name.strip_prefix("heads/") == Some(branch);
    let here = if is_tracked { format!("{TIP}{rest}") } else { text.to_owned() };
    let found = match find(mirror, &here, text)? {
        None if !is_tracked => fetched(remote, mirror, name, rest)?,
        found => found,
    };
    found.ok_or_else(|| {
        Trouble::new(format!(
            "{remote} has no branch or tag `{name}` that has `{text}`, and its branch `{branch}` \
             has no such commit; name a commit of that branch, a branch or a tag, or look from a \
             clone with --repo PATH"
        ))
    })
}

/// As [`commit`], of a repository that is read where it lies, called `shown`.
pub fn here(repository: &Repository, shown: &str, text: &str) -> Result<Oid, Trouble> {
    one_meaning(repository, parts(text).0, "refs/tags/", "refs/heads/")?;
    find(repository, text, text)?.ok_or_else(|| {
        Trouble::new(format!(
            "{shown} has no commit `{text}`; name a branch, a tag or a commit that it has"
        ))
    })
}

/// `v1.4~2` is `v1.4` and `~2`.
fn parts(text: &str) -> (&str, &str) {
    let ends = text.char_indices().skip(1).find(|(at, character)| match character {
        '~' | '^' | ':' => true,
        '@' => text.get(at + 1..).is_some_and(|rest| rest.starts_with('{')),
        _ => false,
    });
    ends.map_or((text, ""), |(at, _)| text.split_at(at))
}

/// The commit that libgit2 finds by this text, which a person wrote as `text`.
fn find(repository: &Repository, by: &str, text: &str) -> Result<Option<Oid>, Trouble> {
    let object = match repository.revparse_single(by) {
        Ok(object) => object,
        Err(error) if error.code() == ErrorCode::Ambiguous => {
            return Err(Trouble::new(format!(
                "`{text}` is how several ids begin; write more of the one that you mean"
            )));
        }
        // Whatever else is wrong with a name: it names nothing.
        Err(_) => return Ok(None),
    };
    object.peel_to_commit().map(|commit| Some(commit.id())).map_err(|_| {
        Trouble::new(format!("`{text}` is no commit; name a commit, a branch or a tag"))
    })
}

/// A name that is both a tag and a branch, of two commits, says nothing.
fn one_meaning(
    repository: &Repository,
    name: &str,
    tags: &str,
    branches: &str,
) -> Result<(), Trouble> {
    let at = |prefix: &str| {
        let found = repository.find_reference(&format!("{prefix}{name}")).ok()?;
        found.peel_to_commit().ok().map(|commit| commit.id())
    };
    match (at(tags), at(branches)) {
        (Some(tag), Some(branch)) if tag != branch => Err(two_meanings(name)),
        _ => Ok(()),
    }
}

fn two_meanings(name: &str) -> Trouble {
    Trouble::new(format!(
        "`{name}` is a tag and a branch, of two commits; write refs/tags/{name} or \
         refs/heads/{name}"
    ))
}

/// Asks the other side for the tag and for the branch of this name.
fn fetched(
    remote: &Remote,
    mirror: &Repository,
    name: &str,
    rest: &str,
) -> Result<Option<Oid>, Trouble> {
    let branch = name.strip_prefix("origin/").unwrap_or(name);
    let asked = match (name.strip_prefix("refs/tags/"), name.strip_prefix("refs/heads/")) {
        (Some(_), _) => [Some(name.to_owned()), None],
        (_, Some(_)) => [None, Some(name.to_owned())],
        (None, None) => [Some(format!("refs/tags/{name}")), Some(format!("refs/heads/{branch}"))],
    };
    let mut found = Vec::new();
    for (asked, kept) in asked.into_iter().zip([TAG, BRANCH]) {
        let Some(asked) = asked.filter(|asked| git2::Reference::is_valid_name(asked)) else {
            continue;
        };
        if let Ok(mut old) = mirror.find_reference(kept) {
            old.delete()?;
        }
        // What the other side does not have is no failure: nothing comes.
        remote.fetch(mirror, &format!("+{asked}:{kept}"))?;
        if mirror.find_reference(kept).is_ok() {
            found.push(find(mirror, &format!("{kept}{rest}"), &format!("{name}{rest}"))?);
        }
    }
    match found.as_slice() {
        [Some(tag), Some(branch)] if tag != branch => Err(two_meanings(name)),
        found => Ok(found.iter().copied().flatten().next()),
    }
}
