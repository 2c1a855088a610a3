//! Pull requests at a forge: which are open, what became of one, and our one comment on it.
//!
//! A comment of ours begins with a mark that names the instance and the hash of what follows. It is
//! found by that mark and by our own account, so that nobody else's words are taken for ours; of two
//! the older one stays.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;

use vitrine_core::engine::{Comment, Commented, Fate, Left, Listing, Opened, Refusal, Reply};
use vitrine_core::model::{InstanceName, Revision};

use super::answer::Heard;
use super::dialect::Request;
use super::line::{Line, MAX_PAGES};
use super::pull::{Me, Row, Said, State, is_by, locked, mark, marked};

/// How far back merges are looked for at the start.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// An answer that is no yes, with what is left of the window.
type Tried<T> = Result<T, Refusal>;

impl Line {
    /// The open pull requests of the branch; `None`: the forge says that they are as before.
    pub async fn pulls(&self, recent: bool) -> Reply<Option<Listing>> {
        let mut left = None;
        let result = self.list(recent, &mut left).await;
        Reply { result, left }
    }

    async fn list(&self, recent: bool, left: &mut Option<Left>) -> Tried<Option<Listing>> {
        let (mut listing, mut heads) = (Listing::default(), BTreeMap::new());
        let known = locked(&self.pulls.tag).clone().filter(|_| !recent);
        for page in 1..=MAX_PAGES {
            let mut request = self.dialect.pulls(&self.place, page);
            if page == 1 {
                request.tag.clone_from(&known);
            }
            let heard = self.ask(&request).await?;
            *left = heard.left().or(*left);
            if heard.status == StatusCode::NOT_MODIFIED && page == 1 {
                return Ok(None);
            }
            let rows = self.rows_of(&heard)?;
            let full = rows.len() >= self.dialect.pulls_on_a_page();
            if page == 1 {
                // A list of several pages has no tag of its own.
                let tag = heard.header("etag").filter(|_| !full).map(str::to_owned);
                *locked(&self.pulls.tag) = tag;
            }
            for row in rows {
                let Row { number, head, base, labels, state, reference, own } = row;
                if let (Some(head), State::Open) = (head, state)
                    && base == self.place.branch
                {
                    heads.insert(head.clone(), reference);
                    listing.open.push(Opened { number, head, labels, own });
                }
            }
            if !full {
                break;
            }
        }
        *locked(&self.pulls.heads) = heads;
        if recent {
            listing.merged = self.merged_lately(left).await?;
        }
        Ok(Some(listing))
    }

    async fn merged_lately(&self, left: &mut Option<Left>) -> Tried<Vec<(u64, Revision)>> {
        let heard = self.ask(&self.dialect.merged_pulls(&self.place)).await?;
        *left = heard.left().or(*left);
        // Gitea has a fault of its own here where a fork was deleted; nobody waits for this list.
        if !heard.status.is_success() {
            return Ok(Vec::new());
        }
        let since = Timestamp::now() - LATELY;
        let rows = self.rows_of(&heard)?.into_iter();
        let merged = rows.filter(|row| row.base == self.place.branch).filter_map(|row| {
            let State::Merged(commit, at) = row.state else { return None };
            at.is_some_and(|at| at > since).then_some((row.number, commit))
        });
        Ok(merged.collect())
    }

    fn rows_of(&self, heard: &Heard) -> Tried<Vec<Row>> {
        if !heard.status.is_success() {
            return Err(self.not_of_pulls(heard));
        }
        let rows = heard.body.as_array().ok_or_else(|| self.no_forge())?;
        Ok(rows.iter().filter_map(|row| self.dialect.pull_row(row)).collect())
    }

    /// What became of a pull request.
    pub async fn pull(&self, number: u64) -> Reply<Fate> {
        let heard = match self.ask(&self.dialect.pull(&self.place, number)).await {
            Ok(heard) => heard,
            Err(refusal) => return Reply { result: Err(refusal), left: None },
        };
        let left = heard.left();
        let result = match self.dialect.pull_row(&heard.body) {
            Some(row) if heard.status.is_success() => Ok(match row.state {
                State::Open => Fate::Open,
                State::Closed => Fate::Closed,
                State::Merged(commit, _) => Fate::Merged(commit),
            }),
            // Deleted, with all that stood on it.
            _ if heard.status == StatusCode::NOT_FOUND => Ok(Fate::Closed),
            _ if heard.status.is_success() => Err(self.no_forge()),
            _ => Err(self.not_of_pulls(&heard)),
        };
        Reply { result, left }
    }

    /// Makes our comment on a pull request say something.
    pub async fn comment(
        &self,
        instance: &InstanceName,
        number: u64,
        comment: Comment,
    ) -> Reply<Option<Commented>> {
        let mut left = None;
        let result = match comment {
            Comment::Page { page, known } => {
                self.page_says(instance, number, &page, known, &mut left).await
            }
            Comment::Last(line) => self.last_says(instance, number, &line, &mut left).await,
        };
        Reply { result, left }
    }

    async fn page_says(
        &self,
        instance: &InstanceName,
        number: u64,
        page: &str,
        known: Option<u64>,
        left: &mut Option<Left>,
    ) -> Tried<Option<Commented>> {
        let body = marked(instance, page);
        if let Some(id) = known {
            return Ok(self.edit(number, id, &body, left).await?.then_some(Commented { id }));
        }
        if let Some(found) = self.ours(instance, number, left).await? {
            let id = found.id;
            // The forge may have trimmed it; the hash knows.
            let is_said = mark(instance, &found.body) == mark(instance, &body)
                || self.edit(number, id, &body, left).await?;
            return Ok(is_said.then_some(Commented { id }));
        }
        let heard = self.ask(&self.dialect.write_comment(&self.place, number, &body)).await?;
        *left = heard.left().or(*left);
        if !heard.status.is_success() {
            return Err(self.not_of_pulls(&heard));
        }
        let written = self.dialect.comment_row(&heard.body).ok_or_else(|| self.no_forge())?;
        Ok(Some(Commented { id: written.id }))
    }

    async fn last_says(
        &self,
        instance: &InstanceName,
        number: u64,
        line: &str,
        left: &mut Option<Left>,
    ) -> Tried<Option<Commented>> {
        let Some(found) = self.ours(instance, number, left).await? else { return Ok(None) };
        let rest = found.body.split_once('\n').map_or("", |(_, rest)| rest);
        // What became of it is told once, in whatever words.
        let begin = line.find(".**").and_then(|end| line.get(..end)).unwrap_or(line);
        if !rest.trim_start().starts_with(begin) {
            let body = marked(instance, &format!("{line}\n{rest}"));
            if !self.edit(number, found.id, &body, left).await? {
                return Ok(None);
            }
        }
        Ok(Some(Commented { id: found.id }))
    }

    /// Whether the comment is still there.
    async fn edit(&self, number: u64, id: u64, body: &str, left: &mut Option<Left>) -> Tried<bool> {
        let heard = self.ask(&self.dialect.edit_comment(&self.place, number, id, body)).await?;
        *left = heard.left().or(*left);
        match heard.status {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(false),
            _ => Err(self.not_of_pulls(&heard)),
        }
    }

    /// Our comment, if there is one. Of several the oldest stays.
    async fn ours(
        &self,
        instance: &InstanceName,
        number: u64,
        left: &mut Option<Left>,
    ) -> Tried<Option<Said>> {
        let me = self.me().await?;
        let mut ours: Vec<Said> = Vec::new();
        for page in 1..=MAX_PAGES {
            let heard = self.ask(&self.dialect.comments(&self.place, number, page)).await?;
            *left = heard.left().or(*left);
            if !heard.status.is_success() {
                return Err(self.not_of_pulls(&heard));
            }
            let rows = heard.body.as_array().ok_or_else(|| self.no_forge())?;
            let said = rows.iter().filter_map(|row| self.dialect.comment_row(row));
            ours.extend(
                said.filter(|said| mark(instance, &said.body).is_some() && is_by(said, &me)),
            );
            if self.dialect.comments_on_a_page().is_none_or(|most| rows.len() < most) {
                break;
            }
        }
        ours.sort_by_key(|said| std::cmp::Reverse(said.id));
        let kept = ours.pop();
        for other in ours {
            let request = self.dialect.delete_comment(&self.place, number, other.id);
            let heard = self.ask(&request).await?;
            *left = heard.left().or(*left);
        }
        Ok(kept)
    }

    /// Who we are; asked once.
    async fn me(&self) -> Tried<Me> {
        if let Some(app) = self.credential.app() {
            return Ok(Me::App(app.to_owned()));
        }
        if let Some(me) = locked(&self.pulls.me).clone() {
            return Ok(me);
        }
        let heard = self.ask(&Request::get("/user".to_owned(), Vec::new())).await?;
        if !heard.status.is_success() {
            return Err(self.not_of_pulls(&heard));
        }
        let name = heard.body["login"].as_str().or(heard.body["username"].as_str());
        let me = Me::Account(name.ok_or_else(|| self.no_forge())?.to_owned());
        *locked(&self.pulls.me) = Some(me.clone());
        Ok(me)
    }

    fn not_of_pulls(&self, heard: &Heard) -> Refusal {
        self.meaning_of(heard, "speak of pull requests of", self.dialect.pull_scope())
    }
}
