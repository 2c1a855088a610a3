//! One forge, and how it is spoken to: a request, its answer, and what an answer means.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use url::Url;

use vitrine_core::config::{self, ForgeKind};
use vitrine_core::engine::{Refusal, Reply};
use vitrine_core::ledger::is_of_a_head;
use vitrine_core::model::Revision;
use vitrine_core::status::CommitStatus;

use super::answer::{self, Heard};
use super::credential::Credential;
use super::dialect::{Dialect, Place, Request};
use super::pull::locked;
use super::{gitea, github, gitlab, pull};

/// How long a forge may take: to connect, and between two bytes.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(15);
/// The largest answer that is read, in bytes, of what is read and of what is written. A page has at
/// most 100 statuses, or as many pull requests or comments with all that people wrote there.
const MAX_READ: usize = 32 << 20;
const MAX_ANSWER: usize = 4 << 20;
/// The most pages that are read of one thing.
pub(super) const MAX_PAGES: u32 = 20;

/// The words of a kind of forge.
fn dialect(kind: ForgeKind) -> &'static dyn Dialect {
    match kind {
        ForgeKind::GitHub => &github::GitHub,
        ForgeKind::GitLab => &gitlab::GitLab,
        ForgeKind::Gitea | ForgeKind::Forgejo => &gitea::Gitea,
    }
}

/// One forge, and how it is spoken to.
pub(super) struct Line {
    pub dialect: &'static dyn Dialect,
    pub place: Place,
    pub settings: config::Forge,
    pub credential: Credential,
    client: OnceLock<Client>,
    pub pulls: pull::Memory,
}

impl Line {
    pub fn new(settings: &config::Forge, branch: &str) -> Self {
        Self {
            dialect: dialect(settings.kind),
            place: Place { repository: settings.repository.clone(), branch: branch.to_owned() },
            credential: Credential::new(settings),
            settings: settings.clone(),
            client: OnceLock::new(),
            pulls: pull::Memory::default(),
        }
    }

    pub async fn post(&self, commit: &Revision, status: &CommitStatus) -> Reply<()> {
        let head = locked(&self.pulls.heads).get(commit).cloned();
        let at = match &head {
            // What is said of the head is not said of the branch.
            Some(reference) if is_of_a_head(&status.context) => reference.as_deref(),
            _ => Some(self.place.branch.as_str()),
        };
        let request = self.dialect.post(&self.place, at, commit, status);
        match self.ask(&request).await {
            Err(refusal) => Reply { result: Err(refusal), left: None },
            Ok(heard) if heard.status.is_success() => {
                let left = heard.left();
                let result = match self.dialect.stored(&heard.body) {
                    true => Ok(()),
                    // A forge answers what it stored; anything else was somebody in between.
                    false => Err(self.no_forge()),
                };
                Reply { result, left }
            }
            Ok(heard) => {
                let left = heard.left();
                let hidden = heard.status == StatusCode::NOT_FOUND && self.dialect.hides_rights();
                let refusal = match hidden {
                    true => self.meaning(&heard),
                    false => self.refusal(commit, &heard).await,
                };
                Reply { result: Err(refusal), left }
            }
        }
    }

    pub async fn read(&self, commit: &Revision) -> Reply<Vec<CommitStatus>> {
        let mut rows = Vec::new();
        let mut left = None;
        let is_head = locked(&self.pulls.heads).contains_key(commit);
        let at = (!is_head).then_some(self.place.branch.as_str());
        for page in 1..=MAX_PAGES {
            let request = self.dialect.page(&self.place, at, commit, page);
            let heard = match self.ask(&request).await {
                Ok(heard) => heard,
                Err(refusal) => return Reply { result: Err(refusal), left },
            };
            left = heard.left().or(left);
            if !heard.status.is_success() {
                return Reply { result: Err(self.refusal(commit, &heard).await), left };
            }
            let Some(found) = self.dialect.rows(&heard.body) else {
                return Reply { result: Err(self.no_forge()), left };
            };
            let more = self.dialect.has_more(&heard, page, found.len());
            rows.extend(found);
            if !more {
                break;
            }
        }
        Reply { result: Ok(self.dialect.newest(rows)), left }
    }

    /// Sends a request; once more with a new token, where an App's own was refused.
    pub async fn ask(&self, request: &Request) -> Result<Heard, Refusal> {
        let client = self.client().map_err(Refusal::Shut)?;
        let mut again = true;
        loop {
            let token = self.credential.token(client, self.dialect).await?;
            let heard = self.send(client, request, &token).await?;
            if heard.status == StatusCode::UNAUTHORIZED && again && self.credential.forget() {
                again = false;
                continue;
            }
            return Ok(heard);
        }
    }

    async fn send(
        &self,
        client: &Client,
        request: &Request,
        token: &str,
    ) -> Result<Heard, Refusal> {
        let address = format!("{}{}", self.settings.api_url, request.path);
        let url = Url::parse_with_params(&address, &request.query)
            .map_err(|error| Refusal::Shut(format!("reporting.forge: {address}: {error}")))?;
        let (name, value) = self.dialect.authorization(token);
        let mut sent = client.request(request.method.clone(), url).header(name, value);
        for (name, value) in self.dialect.headers() {
            sent = sent.header(*name, *value);
        }
        if let Some(tag) = &request.tag {
            sent = sent.header(reqwest::header::IF_NONE_MATCH, tag.as_str());
        }
        if let Some(body) = &request.body {
            sent = sent.json(body);
        }
        let most = if request.method == Method::GET { MAX_READ } else { MAX_ANSWER };
        answer::of(sent, most, token)
            .await
            .map_err(|why| Refusal::Unsure(format!("{} cannot be reached ({why})", self.name())))
    }

    fn client(&self) -> Result<&Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = crate::http::builder().connect_timeout(CONNECT).read_timeout(SILENCE);
        if let Some(file) = &self.settings.ca_file {
            let told = |why: String| format!("reporting.forge.caFile {} {why}", file.display());
            let pem = std::fs::read(file).map_err(|e| told(format!("cannot be read ({e})")))?;
            for certificate in crate::http::certificates(&pem).map_err(told)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder.build().map_err(|error| {
            format!("no HTTPS client can be made: {}", crate::http::reason(&error))
        })?;
        Ok(self.client.get_or_init(|| client))
    }

    /// `github (api.github.com)`, for sentences.
    pub fn name(&self) -> String {
        let host = Url::parse(&self.settings.api_url).ok();
        let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        format!("{} ({host})", self.settings.kind.as_str())
    }

    pub fn no_forge(&self) -> Refusal {
        let api = &self.settings.api_url;
        Refusal::Shut(format!(
            "what answers at {api} is no {}; mend reporting.forge.apiUrl",
            self.settings.kind.as_str()
        ))
    }

    /// What an answer means that is no yes. Where a commit or the repository may be missing, that
    /// is asked.
    async fn refusal(&self, commit: &Revision, heard: &Heard) -> Refusal {
        if let Some(refusal) = self.dialect.refusal(heard) {
            return refusal;
        }
        let unknown = heard.status == StatusCode::NOT_FOUND
            || (heard.status.is_server_error() && self.dialect.hides_unknown_commits());
        if unknown {
            match self.ask(&self.dialect.commit(&self.place, commit)).await {
                Err(refusal) => return refusal,
                Ok(found) if found.status.is_success() => {}
                Ok(found) if is_missing(found.status) => {
                    match self.ask(&self.dialect.repository(&self.place)).await {
                        Err(refusal) => return refusal,
                        Ok(found) if found.status.is_success() => return Refusal::NoCommit,
                        Ok(other) => return self.meaning(&other),
                    }
                }
                Ok(other) => return self.meaning(&other),
            }
        }
        // So GitLab answers where the project moved: it leads nobody on but who only reads.
        if heard.status == StatusCode::METHOD_NOT_ALLOWED {
            match self.ask(&self.dialect.repository(&self.place)).await {
                Err(refusal) => return refusal,
                Ok(found) if found.status.is_redirection() => return self.meaning(&found),
                Ok(_) => {}
            }
        }
        self.meaning(heard)
    }

    /// What a status says on every forge.
    pub fn meaning(&self, heard: &Heard) -> Refusal {
        self.meaning_of(heard, "write statuses of", self.dialect.scope())
    }

    /// The same of something else than a status, which needs `scope`.
    pub fn meaning_of(&self, heard: &Heard, what: &str, scope: &str) -> Refusal {
        if let Some(wait) = heard.pause() {
            return Refusal::Later(wait);
        }
        let (name, words) = (self.name(), heard.words());
        let (code, repository) = (heard.status.as_u16(), &self.settings.repository);
        let origin = self.credential.origin();
        match heard.status {
            StatusCode::UNAUTHORIZED => Refusal::Shut(format!(
                "{name} does not accept {origin} ({code}: {words}); write a valid one into that file"
            )),
            StatusCode::FORBIDDEN => Refusal::Shut(format!(
                "{name} does not let {origin} {what} {repository} ({code}: {words}); give it {scope}"
            )),
            StatusCode::NOT_FOUND => Refusal::Shut(format!(
                "{name} has no repository {repository}, or {origin} may not see it; mend \
                 reporting.forge.repository, or give the token {scope}"
            )),
            StatusCode::LOCKED => Refusal::Shut(format!(
                "{name} lets nobody write into {repository} ({code}: {words}); open it again"
            )),
            status if status.is_redirection() => Refusal::Shut(format!(
                "{name} says that {repository} is elsewhere now{}; mend reporting.forge",
                heard.location().map(|to| format!(" ({to})")).unwrap_or_default()
            )),
            status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Refusal::Unsure(format!("{name} has a fault of its own ({code}: {words})"))
            }
            _ => Refusal::Never(format!("{name} refuses to {what} {repository} ({code}: {words})")),
        }
    }
}

/// Whether a forge says so that it does not have a commit.
fn is_missing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY)
}

/// What a refusal says to people who asked by themselves.
pub(super) fn sentence(refusal: Refusal) -> String {
    match refusal {
        Refusal::Unsure(why) | Refusal::Shut(why) | Refusal::Never(why) => why,
        Refusal::Later(wait) => {
            format!("the forge wants to be left alone for {} s; try again then", wait.as_secs())
        }
        Refusal::NoCommit => "the forge does not know a commit".to_owned(),
        Refusal::Full | Refusal::Busy | Refusal::Is(_) => {
            "somebody else writes the same status; try again".to_owned()
        }
    }
}
