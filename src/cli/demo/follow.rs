//! Tells in the terminal what changes on the board.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use vitrine_core::engine::Happened;
use vitrine_core::model::ClaimedName;
use vitrine_core::status::{Board, Verdict};

/// Prints one line for each verdict that changed, until the board is closed.
/// `news`: what happened, told before the board that shows it.
pub(super) async fn follow(
    mut boards: watch::Receiver<Arc<Board>>,
    mut news: mpsc::UnboundedReceiver<Happened>,
) {
    let mut said: BTreeMap<ClaimedName, Verdict> = index(&boards.borrow_and_update());
    let mut held = boards.borrow().held.clone();
    let mut removed = BTreeMap::new();
    while boards.changed().await.is_ok() {
        let board = boards.borrow_and_update().clone();
        while let Ok(happened) = news.try_recv() {
            if let Happened::Removed(name, gone) = happened {
                removed.insert(ClaimedName::from(&name), gone);
            }
        }
        let now = index(&board);
        for (name, verdict) in &now {
            if said.get(name).is_none_or(|old| is_news(old, verdict)) {
                line(&format!("{name}: {}", words(verdict)));
            }
        }
        for name in said.keys().filter(|name| !now.contains_key(*name)) {
            let gone = removed.remove(name).unwrap_or_default();
            line(&format!("{name}: {}", gone.words(usize::MAX)));
        }
        if board.held != held {
            if let Some(hold) = &board.held {
                line(&format!("held: {}; let it run with `{}`", hold.reason, hold.command()));
            }
            held = board.held.clone();
        }
        said = now;
    }
}

/// Whether a person wants to read it. The counting down of what is under way is for the board.
fn is_news(old: &Verdict, new: &Verdict) -> bool {
    let state = |v: &Verdict| (v.sync, v.stage, v.health, v.party);
    state(old) != state(new) || (new.is_settled() && old.reason != new.reason)
}

fn index(board: &Board) -> BTreeMap<ClaimedName, Verdict> {
    board.verdicts.iter().map(|v| (v.name.clone(), v.clone())).collect()
}

/// `Synced, Asleep, Healthy: sleeps, wakes on visit`.
pub(super) fn words(verdict: &Verdict) -> String {
    let mut words = format!("{:?}", verdict.sync);
    if let Some(stage) = verdict.stage {
        words.push_str(&format!(", {stage:?}"));
    }
    if let Some(health) = verdict.health {
        words.push_str(&format!(", {health:?}"));
    }
    format!("{words}: {}", verdict.reason)
}

fn line(text: &str) {
    let now = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
    // Whoever closed the pipe does not want to read on.
    let _ = writeln!(std::io::stdout(), "  {now}  {text}");
}
