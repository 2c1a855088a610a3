//! One open pull request: what was found of it, what it was told, and whether it is shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::label::{self, Label};
use super::staging::Show;
use super::words::{NOTHING, preview, preview_line};
use crate::catalog::Platform;
use crate::catalog::platform::Previews as Settings;
use crate::engine::check::Check;
use crate::engine::reviewed::Showing;
use crate::model::{ClaimedName, InstanceName, Revision, SolutionName};
use crate::status::{CommitState, CommitStatus, Verdict};

/// What the line says of a preview that can be opened.
const READY: CommitState = CommitState::Success;

/// A pull request that is open.
#[derive(Debug)]
pub struct Pull {
    pub head: Revision,
    /// Whether its head lies in the repository itself.
    pub own: bool,
    pub judged: Option<Judged>,
    /// What stands there: the comment, and the page that it says.
    pub told: Option<(u64, String)>,
    /// The page that somebody deleted: it is not told again.
    pub unwanted: Option<Revision>,
    pub not_before: Option<Timestamp>,
    /// The labels that are on it.
    pub labels: BTreeMap<String, Label>,
    /// The head whose preview was there for as long as it may.
    pub over: Option<Revision>,
    pub show: Show,
    /// The check run that stands on a head.
    pub marked: Option<(Revision, Check)>,
    /// What stands on a head of how its preview does.
    line: Option<(Revision, CommitStatus)>,
}

/// What was found of a head.
#[derive(Debug)]
pub struct Judged {
    pub head: Revision,
    pub base: Revision,
    /// Whether it was known to lie in the repository itself.
    pub own: bool,
    pub page: Option<String>,
    pub line: CommitStatus,
    /// It could not be read, and is read again.
    pub unread: bool,
    /// The names that it changes.
    pub names: BTreeSet<ClaimedName>,
    /// What a preview of it would be; `None` where the platform has none, or nothing changes.
    pub showing: Option<Showing>,
    /// What is wrong, at its lines; `None`: it was not read.
    pub check: Option<Check>,
    /// When it is judged again, because something was not had or not taken, and after which pause.
    pub again: Option<(Timestamp, SignedDuration)>,
}

impl Pull {
    pub fn of(head: Revision) -> Self {
        Self {
            head,
            own: false,
            judged: None,
            told: None,
            unwanted: None,
            not_before: None,
            labels: BTreeMap::new(),
            over: None,
            show: Show::Off,
            marked: None,
            line: None,
        }
    }

    /// It was listed again. `before`: its head the last time, if there was one.
    pub fn looked_at(
        &mut self,
        before: Option<&Revision>,
        head: Revision,
        labels: BTreeSet<String>,
        own: bool,
    ) {
        self.labels = label::seen(&self.labels, before, &head, labels);
        self.own = own;
        if self.head != head {
            self.head = head;
            self.not_before = None;
        }
    }

    /// What was found of its head.
    pub fn judged(&self) -> Option<&Judged> {
        self.judged.as_ref().filter(|judged| judged.head == self.head)
    }

    /// Whether it asks to be shown, and may be, but for the room.
    pub fn asks(&self, settings: &Settings, platform: &Platform) -> Show {
        let judged = self.judged().filter(|judged| !judged.unread);
        let showing = judged.map(|judged| judged.showing.as_ref());
        if matches!(showing, Some(None)) {
            return Show::Off;
        }
        match self.labels.get(&settings.label) {
            None => Show::Unasked,
            Some(Label::Unseen) => Show::Unseen,
            Some(Label::On(head)) if *head != self.head => Show::Stale(head.clone()),
            Some(Label::On(_)) if self.over.as_ref() == Some(&self.head) => Show::Over,
            Some(Label::On(_)) => match showing.flatten() {
                // It was judged for this platform.
                Some(showing) if showing.platform == platform.digest => Show::Shown,
                _ => Show::Undecided,
            },
        }
    }

    /// How its preview does, for its head. `verdict`: what is said of one. That it is ready is said
    /// once: how it does later is the board's business.
    pub fn preview_line<'v>(
        &mut self,
        instance: &InstanceName,
        verdict: impl Fn(&SolutionName) -> Option<&'v Verdict>,
    ) -> Option<&CommitStatus> {
        let line = self.judged().and_then(|judged| {
            let showing = judged.showing.as_ref().filter(|_| self.show == Show::Shown)?;
            let verdicts: Vec<_> = showing.solutions.iter().map(|one| verdict(&one.name)).collect();
            (!verdicts.is_empty()).then(|| preview_line(instance, showing, &verdicts))
        });
        let head = &self.head;
        let ready = self.line.take().filter(|(of, line)| of == head && line.state == READY);
        self.line = line.map(|line| ready.unwrap_or_else(|| (head.clone(), line)));
        self.line.as_ref().map(|(_, line)| line)
    }

    /// The check run that its head should have and of which nobody knows that it stands there. One
    /// without a fault is of use only in the place of another.
    pub fn unmarked(&self) -> Option<&Check> {
        let check = self.judged()?.check.as_ref()?;
        let marked = self.marked.as_ref().filter(|(head, _)| *head == self.head);
        marked.is_none_or(|(_, told)| told != check).then_some(check)
    }

    /// How long its head waits to be judged: one that never was comes before all others, then the
    /// one whose look is due longest. `None`: it is judged, or has to wait.
    pub fn is_fresh(&self, base: &Revision, now: Timestamp) -> Option<Option<Timestamp>> {
        if self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        let is_of_now = |one: &&Judged| one.base == *base && one.own == self.own && !one.unread;
        let Some(judged) = self.judged().filter(is_of_now) else {
            return Some(None);
        };
        let (at, _) = judged.again?;
        (at <= now).then_some(Some(at))
    }

    /// When there is something to do for it again.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.not_before.or_else(|| Some(self.judged.as_ref()?.again?.0))
    }

    /// The page that it should say and does not. `settings`: how the platform shows pull requests.
    pub fn unsaid(&self, settings: Option<&Settings>) -> Option<String> {
        let judged = self.judged()?;
        if self.unwanted.as_ref() == Some(&self.head) || self.show == Show::Undecided {
            return None;
        }
        let page = match (&judged.page, &self.told) {
            (Some(page), _) => {
                let showing = judged.showing.as_ref();
                let words = settings
                    .and_then(|settings| preview(&self.show, &self.head, showing?, settings));
                match words {
                    Some(words) => beneath_the_summary(page, &words),
                    None => page.clone(),
                }
            }
            // What it said is true no more.
            (None, Some(_)) if !judged.unread => NOTHING.to_owned(),
            (None, _) => return None,
        };
        (self.told.as_ref().map(|(_, told)| told) != Some(&page)).then_some(page)
    }
}

/// The page with a paragraph behind its first.
fn beneath_the_summary(page: &str, words: &str) -> String {
    match page.split_once("\n\n") {
        Some((summary, rest)) => format!("{summary}\n\n{words}\n\n{rest}"),
        None => format!("{}\n\n{words}\n", page.trim_end()),
    }
}
