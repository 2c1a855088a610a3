//! Tries a webhook that is to lead to us: does the forge have it, and what becomes of a delivery?
//!
//! A delivery reaches the daemon, not whoever asked for it. What it was answered is told by the
//! forge's own record of it; where a forge keeps none that can be read, that is said.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::{Instant, sleep, timeout_at};

use vitrine_core::config::ForgeAuth;

use super::answer::Heard;
use super::dialect::{Delivery, Hook, Request};
use super::line::{Line, MAX_PAGES, sentence};

/// How long the record of a delivery is waited for, and how often it is read meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(500);

/// What a try of a webhook found. Each has a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hooked {
    /// A delivery was taken.
    Works(String),
    /// It is there and does not work.
    Broken(String),
    /// A delivery was asked for, and the forge does not tell what became of it.
    Asked(String),
    /// The forge has none, or does not let us look.
    Unseen(String),
}

/// Looks for the webhook that leads to this address, and asks for a delivery of it.
pub(super) async fn tried(line: &Line, url: &str) -> Hooked {
    let name = line.name();
    if let ForgeAuth::App { .. } = line.settings.auth {
        let why = "the App's token is made for statuses alone";
        return Hooked::Unseen(format!("whether {name} has this webhook is not known: {why}"));
    }
    let hook = match all(line).await {
        Err(why) => {
            return Hooked::Unseen(format!("whether {name} has this webhook is not known: {why}"));
        }
        Ok(hooks) => hooks.into_iter().find(|hook| hook.url.trim_end_matches('/') == url),
    };
    let Some(hook) = hook else {
        return Hooked::Unseen(format!("{name} has no webhook that leads to {url}"));
    };
    let wrong = match &hook {
        Hook { active: false, .. } => Some("is switched off"),
        Hook { pushes: false, .. } => Some("is not told of pushes"),
        Hook { json: false, .. } => Some("does not send application/json"),
        Hook { .. } => None,
    };
    match wrong {
        Some(wrong) => Hooked::Broken(format!("the webhook of {name} that leads to {url} {wrong}")),
        None => delivered(line, &hook).await,
    }
}

/// Every webhook of the repository, or why they cannot be seen.
async fn all(line: &Line) -> Result<Vec<Hook>, String> {
    let mut hooks = Vec::new();
    for page in 1..=MAX_PAGES {
        let heard = asked(line, line.dialect.hooks(&line.place, page)).await?;
        let rows = heard.body.as_array().map(Vec::as_slice).unwrap_or_default();
        hooks.extend(rows.iter().filter_map(|row| line.dialect.hook(row)));
        if rows.len() < line.dialect.hooks_on_a_page() {
            break;
        }
    }
    Ok(hooks)
}

async fn asked(line: &Line, request: Request) -> Result<Heard, String> {
    let heard = line.ask(&request).await.map_err(sentence)?;
    if heard.status.is_success() {
        return Ok(heard);
    }
    let origin = line.credential.origin();
    Err(format!("it does not show {origin} any: {}", refused(line, &heard)))
}

/// Why something was not done, and what a token needs for it.
fn refused(line: &Line, heard: &Heard) -> String {
    if heard.pause().is_some() {
        return sentence(line.meaning(heard));
    }
    let said = format!("{}: {}", heard.status.as_u16(), heard.words());
    match heard.status {
        // So GitHub speaks to whoever may not look.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
            format!("{said}; that takes {}", line.dialect.hook_right())
        }
        _ => said,
    }
}

/// Asks for a delivery and waits for the forge's record of it.
async fn delivered(line: &Line, hook: &Hook) -> Hooked {
    let (name, url, what) = (line.name(), &hook.url, line.dialect.trial());
    let before = record(line, hook).await;
    let known: BTreeSet<u64> = before.iter().flatten().map(|delivery| delivery.id).collect();
    let heard = match line.ask(&line.dialect.deliver(&line.place, hook.id)).await {
        Ok(heard) => heard,
        Err(refusal) => {
            let why = sentence(refusal);
            let what = format!("whether {name} made {what} to {url} is not known");
            return Hooked::Unseen(format!("{what}: {why}"));
        }
    };
    match heard.status {
        status if status.is_success() => {}
        // GitLab waits for the answer and repeats it.
        StatusCode::UNPROCESSABLE_ENTITY if line.dialect.waits_for_the_answer() => {
            let words = heard.words();
            return Hooked::Broken(format!("{what} of {name} to {url} failed ({words})"));
        }
        _ => {
            let why = refused(line, &heard);
            return Hooked::Unseen(format!("{name} does not make {what} to {url}: {why}"));
        }
    }
    let end = Instant::now() + PATIENCE;
    while before.is_some() && Instant::now() < end {
        sleep(AGAIN).await;
        let now = timeout_at(end, record(line, hook)).await.ok().flatten().unwrap_or_default();
        if let Some(delivery) = now.into_iter().find(|delivery| !known.contains(&delivery.id)) {
            return meaning(line, url, &delivery);
        }
    }
    if line.dialect.waits_for_the_answer() {
        let who = "something there answered with success; whether it was vitrine is not told";
        return Hooked::Asked(format!("{name} made {what} to {url}, and {who}"));
    }
    let told = match before {
        Some(_) => format!("has no record of it after {} s", PATIENCE.as_secs()),
        None => "does not tell what became of it".to_owned(),
    };
    let place = line.dialect.deliveries_for_people();
    Hooked::Asked(format!(
        "{name} was asked for {what} to {url}, and {told}; look there under {place}"
    ))
}

/// The newest trial deliveries of a webhook, where the forge shows them.
async fn record(line: &Line, hook: &Hook) -> Option<Vec<Delivery>> {
    let heard = line.ask(&line.dialect.deliveries(&line.place, hook.id)?).await.ok()?;
    let rows = heard.body.as_array().filter(|_| heard.status.is_success())?;
    Some(rows.iter().filter_map(|row| line.dialect.delivery(row)).collect())
}

/// What an answer says, by those that the daemon gives.
fn meaning(line: &Line, url: &str, delivery: &Delivery) -> Hooked {
    let (name, what, code) = (line.name(), line.dialect.trial(), delivery.code);
    if line.dialect.taken().contains(&code) {
        return Hooked::Works(format!("{name} made {what} to {url} and was answered {code}"));
    }
    let why = match code {
        401 => "its secret is not one of the files of web.hooks".to_owned(),
        404 => "no daemon that runs there has a hook of this name".to_owned(),
        415 => "it does not send application/json".to_owned(),
        200..=399 => "that is no answer of vitrine: something in between gave it".to_owned(),
        _ => vitrine_core::model::Quoted::of(&delivery.words).short(80),
    };
    Hooked::Broken(format!("{what} of {name} to {url} failed ({code}: {why})"))
}
