//! Reads `reporting.forge`: who is told what became of commits, and how we prove who we are.

use super::section::Section;
use super::{Forge, ForgeAuth, ForgeKind, Images, PullRequests, address, contract};
use crate::model::decode::Cursor;
use crate::model::fault::code;
use crate::model::yaml::Value;

/// The forge; `None` where none is set, or what is said of it is faulty.
pub fn forge(reporting: &Section<'_>) -> Option<Forge> {
    let section = reporting.section("forge", contract::FORGE);
    let auth = section.section("auth", contract::FORGE_AUTH);
    // What `config show` prints without a forge has every key, and a value for none.
    let own = contract::FORGE.keys().filter(|key| !["auth", "images"].contains(key));
    let images = section.section("images", contract::FORGE_IMAGES);
    if section.is_silent(own)
        && auth.is_silent(contract::FORGE_AUTH.keys())
        && images.is_silent(contract::FORGE_IMAGES.keys())
    {
        return None;
    }
    let kind = kind(&section);
    let api_url = match section.get("apiUrl") {
        Some(cursor) => api_url(&cursor, kind),
        None => usual_api(&section, kind),
    };
    let repository = repository(&section, kind);
    let auth = proof(&auth, kind);
    let annotations = annotates(&section, auth.as_ref());
    let dry_run = section.get("dryRun").and_then(|cursor| cursor.boolean());
    let per_solution = section.get("perSolution").and_then(|cursor| cursor.boolean());
    let ca_file = section.path_of("caFile");
    let words = PullRequests::ALL.map(PullRequests::as_str);
    let told = section.get("pullRequests").and_then(|cursor| cursor.one_of(&words));
    let pull_requests = told
        .and_then(|told| PullRequests::ALL.into_iter().find(|mode| mode.as_str() == told.value));
    let kind = kind?;
    Some(Forge {
        kind,
        api_url: api_url?,
        repository: repository?,
        auth: auth?,
        // On GitLab each status is a job in a pipeline.
        per_solution: per_solution.map_or(kind != ForgeKind::GitLab, |told| told.value),
        ca_file,
        pull_requests: pull_requests.unwrap_or_default(),
        annotations,
        dry_run: dry_run.is_some_and(|told| told.value),
        images: asked(&images),
    })
}

/// Whether faults are to stand at their lines; only an App can write check runs.
fn annotates(section: &Section<'_>, auth: Option<&ForgeAuth>) -> bool {
    let Some(cursor) = section.get("annotations") else { return false };
    let wanted = cursor.boolean().is_some_and(|told| told.value);
    if wanted && matches!(auth, Some(ForgeAuth::Token { .. })) {
        let message =
            format!("`{}` needs a GitHub App: no token may write check runs", cursor.path);
        let help = "write auth: {appId, installationId, privateKeyFile}, or leave annotations out";
        cursor.sheet.report(cursor.fault(code::EXCLUDES, message).help(help));
    }
    wanted
}

/// How registries are asked, if they are.
fn asked(section: &Section<'_>) -> Option<Images> {
    let ask = section.get("ask").and_then(|cursor| cursor.boolean());
    let credentials_file = section.path_of("credentialsFile");
    let plain = section.get("plainHttp").and_then(|cursor| cursor.list());
    let plain = plain.into_iter().flatten().filter_map(|item| Some(item.line()?.value));
    let images = Images { credentials_file, plain_http: plain.collect() };
    ask.is_some_and(|ask| ask.value).then_some(images)
}

fn kind(section: &Section<'_>) -> Option<ForgeKind> {
    let Some(cursor) = section.get("kind") else {
        section.missing("kind", "write github, gitlab, gitea or forgejo");
        return None;
    };
    let word = cursor.one_of(&ForgeKind::ALL.map(ForgeKind::as_str))?.value;
    ForgeKind::ALL.into_iter().find(|kind| kind.as_str() == word)
}

/// Where the API of a forge begins that everybody knows.
fn usual_api(section: &Section<'_>, kind: Option<ForgeKind>) -> Option<String> {
    match kind? {
        ForgeKind::GitHub => Some("https://api.github.com".to_owned()),
        ForgeKind::GitLab => Some("https://gitlab.com/api/v4".to_owned()),
        ForgeKind::Gitea | ForgeKind::Forgejo => {
            section.missing("apiUrl", "write where the forge is: apiUrl: https://git.example");
            None
        }
    }
}

/// An address without a path gets the path that the kind's API usually has.
fn api_url(cursor: &Cursor<'_>, kind: Option<ForgeKind>) -> Option<String> {
    let help = "write https://host, or with the path of its API, without a query";
    let (address, url) = address::web(cursor, "the address of an API", help)?;
    let path = match kind? {
        _ if url.path() != "/" => "",
        ForgeKind::GitHub if url.host_str() == Some("api.github.com") => "",
        ForgeKind::GitHub => "/api/v3",
        ForgeKind::GitLab => "/api/v4",
        ForgeKind::Gitea | ForgeKind::Forgejo => "/api/v1",
    };
    Some(format!("{address}{path}"))
}

fn repository(section: &Section<'_>, kind: Option<ForgeKind>) -> Option<String> {
    let Some(cursor) = section.get("repository") else {
        section.missing("repository", "write owner/name, as the forge shows it");
        return None;
    };
    let text = cursor.line_of(400)?.value;
    let parts: Vec<&str> = text.split('/').collect();
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    let deep = parts.len() == 2 || (parts.len() > 2 && kind == Some(ForgeKind::GitLab));
    if deep && parts.iter().all(|part| plain(part)) {
        return Some(text);
    }
    let message = format!("`{}` is not the name of a repository", cursor.path);
    let help = "write owner/name, without the forge's address and without .git";
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
    None
}

/// One complete way to prove who we are.
fn proof(section: &Section<'_>, kind: Option<ForgeKind>) -> Option<ForgeAuth> {
    let keys = contract::FORGE_AUTH.keys();
    let written: Vec<&str> = keys.filter(|key| section.get(key).is_some()).collect();
    let path = |key| section.path_of(key);
    match written.as_slice() {
        [] => {
            section.missing("tokenFile", "name the file that holds the forge's token");
            None
        }
        ["tokenFile"] => Some(ForgeAuth::Token { token_file: path("tokenFile")? }),
        ["appId", "installationId", "privateKeyFile"] => {
            let cursor = section.get("appId")?;
            if kind.is_some_and(|kind| kind != ForgeKind::GitHub) {
                cursor.say(code::EXCLUDES, format!("`{}` is of GitHub alone", cursor.path));
                return None;
            }
            let app_id = match cursor.node.value {
                Value::Text(_) => cursor.line_of(64)?.value,
                _ => cursor.integer(1, u64::MAX)?.value.to_string(),
            };
            Some(ForgeAuth::App {
                app_id,
                installation_id: section
                    .get("installationId")?
                    .integer(1, i64::MAX.unsigned_abs())?
                    .value,
                private_key_file: path("privateKeyFile")?,
            })
        }
        [first, ..] => {
            let cursor = section.get(first)?;
            let message = format!("`{}` is not one complete way to prove who we are", section.path);
            let help = "write tokenFile, or appId, installationId and privateKeyFile";
            cursor.sheet.report(cursor.fault(code::EXCLUDES, message).help(help));
            None
        }
    }
}
