//! From what was read of a head to what is said of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Previews;
use super::judging::{Judging, Todo};
use super::pull::Judged;
use super::words::{AGAIN, Wish};
use crate::catalog::fit::Told;
use crate::change::{Comparison, DryRun};
use crate::engine::reviewed::Reviewed;
use crate::ledger;
use crate::model::InstanceName;
use crate::status::CommitState;

/// The first pause before it is looked again for what was not had or not taken, and the longest.
const SOON: SignedDuration = SignedDuration::from_mins(1);
const LATE: SignedDuration = SignedDuration::from_hours(6);

impl Previews {
    /// What a merge would leave was read, or not. It is to be judged now.
    pub fn compared(
        &mut self,
        read: Result<Box<Comparison>, String>,
        instance: &InstanceName,
        now: Timestamp,
    ) {
        let Some(Wish::Compare { number, head, base }) = self.out.take() else { return };
        match read {
            Ok(comparison) => {
                let pull = self.open.get(&number).filter(|pull| pull.head == head);
                let own = pull.is_some_and(|pull| pull.own);
                self.judging = Some(Judging::of(number, head, base, comparison, own));
            }
            Err(why) => {
                let line = ledger::validated(
                    instance,
                    CommitState::Error,
                    &format!("it cannot be read: {why}"),
                    "vitrine tries again",
                );
                if let Some(pull) = self.open.get_mut(&number).filter(|pull| pull.head == head) {
                    pull.judged = Some(Judged {
                        head,
                        base,
                        own: pull.own,
                        page: None,
                        line,
                        unread: true,
                        showing: None,
                        names: BTreeSet::new(),
                        check: None,
                        again: None,
                    });
                    pull.not_before = Some(now + AGAIN);
                }
            }
        }
    }

    /// What of a head is to be done now, once, and the head.
    pub fn todo(&mut self) -> Option<(Todo, &Judging)> {
        let judging = self.judging.as_mut()?;
        Some((judging.todo()?, judging))
    }

    /// The pull request that is being judged.
    pub fn number_judged(&self) -> Option<u64> {
        self.judging.as_ref().map(|judging| judging.number)
    }

    /// Registries were asked for the images of the head that is being judged.
    pub fn asked(&mut self, said: Told) {
        if let Some(judging) = &mut self.judging {
            judging.is_said(said);
        }
    }

    /// The API server was asked about the objects of the head that is being judged.
    pub fn tried(&mut self, said: DryRun) {
        if let Some(judging) = &mut self.judging {
            judging.is_tried(said);
        }
    }

    /// It was judged; `None`: nobody answered.
    pub fn reviewed(&mut self, reviewed: Option<Reviewed>, now: Timestamp) {
        if let (Some(judging), Some(reviewed)) = (&mut self.judging, &reviewed)
            && !judging.is_found(reviewed)
        {
            return;
        }
        let Some(Judging { number, head, base, own, .. }) = self.judging.take() else { return };
        let Some(pull) = self.open.get_mut(&number).filter(|pull| pull.head == head) else {
            return;
        };
        match reviewed {
            Some(Reviewed { line, page, names, showing, check, lacks, .. }) => {
                let looked = pull.judged.as_ref().filter(|before| before.head == head);
                let pause = looked
                    .and_then(|before| before.again)
                    .map_or(SOON, |(_, pause)| pause.saturating_mul(2).min(LATE));
                let again = lacks.then(|| (now + pause, pause));
                let unread = false;
                pull.judged = Some(Judged {
                    head,
                    base,
                    own,
                    page,
                    line,
                    unread,
                    names,
                    showing,
                    check: Some(check),
                    again,
                });
            }
            None => pull.not_before = Some(now + AGAIN),
        }
    }
}
