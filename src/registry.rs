//! What the registry that holds an image says of it: the digest behind a tag, or for which systems
//! it is built and how it runs.
//!
//! In: an image's [`ImageReference`], a file with credentials. Out: `sha256:...` or an [`Image`];
//! or else what is wrong and who can mend it. Speaks the OCI distribution protocol: for a digest
//! one HEAD, or a GET whose body is hashed here. No secret goes to another host than it is for, over plain
//! HTTP unasked, or into a sentence.

mod challenge;
mod credentials;
mod image;
mod many;
mod meaning;
mod place;
mod unresolved;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode};
use url::Url;

use vitrine_core::catalog::fit::{Image, NotHad};
use vitrine_core::model::{ContentHash, ImageReference, Party};

use crate::http::quiet;
use crate::http::reason;
use crate::http::redirect::{MAX_HOPS, Refused, next_hop};
use challenge::{Challenge, Grant};
use credentials::{Basic, Credentials};
pub use many::{Desk, each};
use place::Place;
pub use unresolved::Unresolved;

/// What stands behind a tag: an index or a manifest, in OCI's words or Docker's.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";
/// The largest manifest that is read, in bytes; registries need not take larger ones.
const MAX_MANIFEST: usize = 4 << 20;
/// The largest answer of a token server that is read, in bytes.
const MAX_TOKEN: usize = 64 << 10;

/// How registries may be asked.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// A Docker configuration with `auths`.
    pub credentials: Option<PathBuf>,
    /// Registries, as images name them, that are asked over plain HTTP although they are not on
    /// this machine.
    pub plain_http: Vec<String>,
}

/// How long a registry may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    connect: Duration,
    /// Silence in between.
    read: Duration,
    /// One image.
    total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(15),
            total: Duration::from_secs(40),
        }
    }
}

/// Asks registries. Nothing is remembered between images: credentials are read anew.
#[derive(Debug)]
pub struct Registries {
    access: Access,
    limits: Limits,
    client: Client,
    /// For registries on this machine: a proxy would look for them on its own.
    near: Client,
}

impl Registries {
    /// Makes the HTTP clients. Touches no network.
    ///
    /// # Errors
    /// A sentence, if this machine's certificates or proxy settings cannot be used.
    pub fn new(access: Access) -> Result<Self, String> {
        Self::with_limits(access, Limits::default())
    }

    fn with_limits(access: Access, limits: Limits) -> Result<Self, String> {
        let client = |near: bool| {
            let builder =
                crate::http::builder().connect_timeout(limits.connect).read_timeout(limits.read);
            let builder = if near { builder.no_proxy() } else { builder };
            builder
                .build()
                .map_err(|error| format!("no HTTPS client can be made: {}", reason(&error)))
        };
        Ok(Self { client: client(false)?, near: client(true)?, access, limits })
    }

    /// The digest behind the image's tag (`latest` without one), whatever digest it carries.
    ///
    /// # Errors
    /// [`Unresolved`].
    pub async fn digest(&self, image: &ImageReference) -> Result<String, Unresolved> {
        let place = Place::of(image, &self.access.plain_http);
        self.asked(place, |call| Box::pin(call.digest())).await
    }

    /// What the image is: that of its digest, if it carries one, else that of its tag.
    ///
    /// # Errors
    /// [`NotHad`].
    pub async fn image(&self, image: &ImageReference) -> Result<Image, NotHad> {
        let mut place = Place::of(image, &self.access.plain_http);
        if let Some(digest) = image.digest() {
            digest.clone_into(&mut place.tag);
        }
        self.asked(place, |call| Box::pin(call.image())).await
    }

    /// Asks, within our patience. What it takes for the registry to answer is the same for every
    /// question.
    async fn asked<T, E: From<Unresolved>>(
        &self,
        place: Place,
        ask: impl for<'c> Fn(&'c Call<'c>) -> BoxFuture<'c, Result<T, E>>,
    ) -> Result<T, E> {
        let near = place.is_near();
        let call = Call {
            client: if near { &self.near } else { &self.client },
            limits: self.limits,
            credentials: Credentials::read(self.access.credentials.as_deref())
                .map_err(|bad| place.says(bad.what, bad.help, Party::Operator))?,
            place,
        };
        let end = Instant::now() + self.limits.total;
        loop {
            // A registry that asked to be left alone is, within our patience; also when it told
            // so while another image was asked for.
            if let Some(quiet) = quiet::of(&call.place.server()) {
                if quiet.until >= end {
                    return Err(call.left_alone(quiet).into());
                }
                tokio::time::sleep_until(quiet.until.into()).await;
            }
            match tokio::time::timeout_at(end.into(), ask(&call)).await {
                Ok(Err(_)) if quiet::of(&call.place.server()).is_some() => {}
                Ok(answer) => return answer,
                Err(_) => return Err(call.place.late(self.limits.total).into()),
            }
        }
    }
}

/// One image's question to its registry.
struct Call<'a> {
    client: &'a Client,
    limits: Limits,
    credentials: Credentials,
    place: Place,
}

impl Call<'_> {
    async fn digest(&self) -> Result<String, Unresolved> {
        let mut authorization = None;
        let mut response = self.manifest(Method::HEAD, None).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            authorization = Some(self.authorize(response.headers()).await?);
            response = self.manifest(Method::HEAD, authorization.as_ref()).await?;
        }
        if response.status() == StatusCode::OK
            && is_manifest(response.headers())
            && let Some(digest) = told(response.headers())
        {
            return Ok(digest);
        }
        // Some registries answer no HEAD, or without a digest, and a refusal has its reason in the
        // body, which a HEAD lacks.
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(self.refused());
        }
        self.read_manifest(authorization.as_ref()).await
    }

    /// GETs the manifest and hashes it.
    async fn read_manifest(
        &self,
        authorization: Option<&HeaderValue>,
    ) -> Result<String, Unresolved> {
        let response = self.manifest(Method::GET, authorization).await?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = self.body(response, MAX_MANIFEST).await?;
        if status != StatusCode::OK {
            return Err(self.judge(status, &body));
        }
        let json = serde_json::from_slice::<serde_json::Value>(&body).ok();
        let version = json.as_ref().and_then(|json| json.get("schemaVersion")?.as_u64());
        if version == Some(1) {
            return Err(self.of_the_first_kind());
        }
        if version != Some(2) || !is_manifest(&headers) {
            return Err(self.no_registry(&headers));
        }
        let digest = format!("sha256:{}", ContentHash::of(&body));
        match told(&headers) {
            Some(told) if told.starts_with("sha256:") && told != digest => {
                Err(self.changed(&told, &digest))
            }
            _ => Ok(digest),
        }
    }

    /// Asks for the manifest.
    async fn manifest(
        &self,
        method: Method,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Unresolved> {
        let path = self.reference("manifests", &self.place.tag);
        self.ask(method, &path, MANIFESTS, authorization).await
    }

    /// The address of a document of the image's repository.
    fn reference(&self, sort: &str, name: &str) -> String {
        format!("{}/v2/{}/{sort}/{name}", self.place.origin, self.place.repository)
    }

    /// Asks the registry, following redirects.
    async fn ask(
        &self,
        method: Method,
        address: &str,
        accept: &str,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Unresolved> {
        let place = &self.place;
        let mut url = Url::parse(address)
            .map_err(|_| place.says("is not a host", "check the image's name", Party::Author))?;
        let first = url.origin();
        for _ in 0..=MAX_HOPS {
            let mut request =
                self.client.request(method.clone(), url.clone()).header(ACCEPT, accept);
            // Meant for this registry, and for nobody it points at.
            if let Some(value) = authorization.filter(|_| url.origin() == first) {
                request = request.header(AUTHORIZATION, value);
            }
            let response = request.send().await.map_err(|error| self.unreachable(&error))?;
            if let Some(quiet) = quiet::heed(&place.server(), &response) {
                return Err(self.left_alone(quiet));
            }
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let hop = next_hop(&url, response.headers()).map_err(|refused| {
                let to = match refused {
                    Refused::Nowhere => "nowhere".to_owned(),
                    Refused::Unsafe(place) => place,
                };
                let what = format!("redirects to {to}, which is not followed");
                place.says(what, "check the image's registry", Party::Operator)
            })?;
            url = hop.to;
        }
        Err(place.says("redirects in a circle", "its operator must mend it", Party::Operator))
    }

    /// What to prove who we are with, as the registry wants it.
    async fn authorize(&self, headers: &HeaderMap) -> Result<HeaderValue, Unresolved> {
        let held = self.credentials.held(&self.place.registry);
        match challenge::parse(headers) {
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scope = challenge::narrow(scope.as_deref(), &self.place.repository);
                self.token(&realm, service.as_deref(), &scope, held.basic()).await
            }
            Some(Challenge::Basic) => match held.basic() {
                Some(basic) => Ok(basic.header()),
                None => Err(self.refused()),
            },
            None => {
                let what = "asks for credentials (401) in a way that vitrine does not know";
                let help = "its operator must offer Basic or Bearer";
                Err(self.place.says(what, help, Party::Operator))
            }
        }
    }

    /// Fetches a token, anonymously or with credentials.
    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        basic: Option<&Basic>,
    ) -> Result<HeaderValue, Unresolved> {
        let place = &self.place;
        let Ok(mut url) = Url::parse(realm) else {
            let what = "names a token server that is no address";
            return Err(place.says(what, "its operator must mend it", Party::Operator));
        };
        let server = url.host_str().unwrap_or("?").to_owned();
        if !may_ask(&place.origin, &url) {
            let what = format!("sends us for a token to {server} over plain HTTP");
            let help = "it would be read on the way: its operator must offer https";
            return Err(place.says(what, help, Party::Operator));
        }
        url.query_pairs_mut().append_pair("scope", scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let mut request = self.client.get(url.clone());
        let trusted = basic.filter(|_| may_carry(&place.origin, &url));
        if let Some(basic) = trusted {
            request = request.header(AUTHORIZATION, basic.header());
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if let Some(quiet) = quiet::heed(&place.server(), &response) {
            return Err(self.left_alone(quiet));
        }
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST
                if trusted.is_some() || basic.is_none() =>
            {
                return Err(self.refused());
            }
            _ => {
                let what =
                    format!("sends us for a token to {server}, which answered {}", status.as_u16());
                return Err(place.says(what, "try again, or tell its operator", Party::Operator));
            }
        }
        let body = self.body(response, MAX_TOKEN).await?;
        let token = serde_json::from_slice::<Grant>(&body).ok().and_then(Grant::header);
        token.ok_or_else(|| {
            let what = format!("sends us for a token to {server}, which sent none");
            place.says(what, "its operator must mend it", Party::Operator)
        })
    }

    /// The whole body, if it is not larger than `limit` bytes.
    async fn body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, Unresolved> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            if body.len() + chunk.len() > limit {
                let what = format!("sent more than {} KiB", limit >> 10);
                let help = "that is no manifest: check that the image's name names a registry";
                return Err(self.place.says(what, help, Party::Author));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Whether a token server may be asked at all: what it says opens the registry.
fn may_ask(origin: &str, realm: &Url) -> bool {
    realm.scheme() == "https" || (realm.scheme() == "http" && origin.starts_with("http://"))
}

/// Whether the registry's credentials may go to the token server that it names. Over https the
/// registry itself said so, and it could have asked for them; over plain HTTP anybody on the way
/// could have, so only the registry itself gets them.
fn may_carry(origin: &str, realm: &Url) -> bool {
    let Ok(registry) = Url::parse(origin) else { return false };
    let both_safe = registry.scheme() == "https" && realm.scheme() == "https";
    both_safe || registry.origin() == realm.origin()
}

/// The digest that the registry says, if it is one.
fn told(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("docker-content-digest")?.to_str().ok()?.trim();
    let parsed = format!("x@{text}");
    ImageReference::parse(&parsed)?.digest().map(str::to_owned)
}

fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the answer calls itself what we asked for.
fn is_manifest(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    !kind.is_empty() && MANIFESTS.split(", ").any(|known| known == kind)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "registry/tests.rs"]
mod tests;
