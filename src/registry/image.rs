//! What a registry says of an image without anybody running it.
//!
//! Its index or manifest, and of each system that it is built for the manifest and the settings
//! (two small documents); no layer is fetched.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Call, MANIFESTS, MAX_MANIFEST, Unresolved};
use vitrine_core::catalog::fit::{Build, Image, NotHad};
use vitrine_core::model::fault::code;
use vitrine_core::model::{ContentHash, ImageReference, Party};

/// The largest settings of an image that are read, in bytes. They tell its history, and are a few
/// kilobytes.
const MAX_SETTINGS: usize = 4 << 20;

/// The systems of an index that are looked at; nobody builds for more.
const MOST_BUILDS: usize = 32;

/// The longest word of an image's settings that is kept, in characters, and the most ports.
const LONGEST: usize = 200;
const MOST_PORTS: usize = 64;

/// An index, a manifest, or something else that is kept as one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<u64>,
    manifests: Option<Vec<Entry>>,
    config: Option<Blob>,
    layers: Option<Vec<Layer>>,
}

/// One system of an index.
#[derive(Deserialize)]
struct Entry {
    digest: String,
    platform: Option<System>,
}

#[derive(Deserialize)]
struct System {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
}

/// Of millions that a manifest may list, no more than this is kept.
#[derive(Deserialize)]
struct Layer {
    #[serde(default)]
    size: u64,
}

/// An image's settings. Go writes absent maps as null.
#[derive(Deserialize)]
struct Settings {
    os: Option<String>,
    architecture: Option<String>,
    created: Option<String>,
    config: Option<Run>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    user: Option<String>,
    #[expect(clippy::zero_sized_map_values, reason = "Docker writes a set as a map")]
    exposed_ports: Option<BTreeMap<String, IgnoredAny>>,
    labels: Option<Labels>,
}

/// The two that OCI's image specification gives a meaning and people want to read.
#[derive(Deserialize)]
struct Labels {
    #[serde(rename = "org.opencontainers.image.licenses")]
    license: Option<String>,
    #[serde(rename = "org.opencontainers.image.source")]
    source: Option<String>,
}

impl Call<'_> {
    /// What stands behind the tag, or the digest that stands in its place.
    pub(super) async fn image(&self) -> Result<Image, NotHad> {
        let first = self.reference("manifests", &self.place.tag);
        let mut authorization = None;
        let mut response = self.ask(Method::GET, &first, MANIFESTS, None).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            authorization = Some(self.authorize(response.headers()).await?);
            response = self.ask(Method::GET, &first, MANIFESTS, authorization.as_ref()).await?;
        }
        let status = response.status();
        if status != StatusCode::OK {
            let body = self.body(response, MAX_MANIFEST).await?;
            return Err(self.judge(status, &body).into());
        }
        let headers = response.headers().clone();
        let body = self.body(response, MAX_MANIFEST).await?;
        let digest = format!("sha256:{}", ContentHash::of(&body));
        self.is_the_same(&self.place.tag, &digest)?;
        let Ok(document) = serde_json::from_slice::<Document>(&body) else {
            return Err(self.no_registry(&headers).into());
        };
        if document.schema_version == Some(1) {
            return Err(self.of_the_first_kind().into());
        }
        let authorization = authorization.as_ref();
        let builds = match document.manifests {
            None => self.build(document, authorization).await?.into_iter().collect(),
            Some(entries) => self.builds(entries, authorization).await?,
        };
        if builds.is_empty() {
            return Err(self.no_image());
        }
        Ok(Image { digest, builds })
    }

    /// Each system of an index. Proofs of how an image was built stand beside it as systems that
    /// are called unknown.
    async fn builds(
        &self,
        entries: Vec<Entry>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Vec<Build>, NotHad> {
        let unknown = |entry: &Entry| {
            entry.platform.as_ref().is_some_and(|system| system.architecture == "unknown")
        };
        let mut builds = Vec::new();
        let mut seen = BTreeSet::new();
        let mut known = |entry: &Entry| {
            let system = entry.platform.as_ref().map(|it| (it.os.clone(), it.architecture.clone()));
            !unknown(entry) && seen.insert((entry.digest.clone(), system))
        };
        for entry in entries.into_iter().filter(|entry| known(entry)).take(MOST_BUILDS) {
            let ours = |system: &System| {
                system.os == "linux" && ["amd64", "arm64"].contains(&system.architecture.as_str())
            };
            match entry.platform {
                // It is named, and never fetched.
                Some(system) if !ours(&system) => {
                    let System { os, architecture } = system;
                    let (os, architecture) = (short(os), short(architecture));
                    builds.push(Build { os, architecture, ..Build::default() });
                }
                _ => {
                    let body =
                        self.document("manifests", &entry.digest, MANIFESTS, authorization).await?;
                    let document = serde_json::from_slice(&body).map_err(|_| self.no_image())?;
                    builds.extend(self.build(document, authorization).await?);
                }
            }
        }
        Ok(builds)
    }

    /// The image of one manifest, if it is one.
    async fn build(
        &self,
        manifest: Document,
        authorization: Option<&HeaderValue>,
    ) -> Result<Option<Build>, NotHad> {
        let Some(config) = manifest.config.filter(|config| is_settings(&config.media_type)) else {
            return Ok(None);
        };
        let body = self.document("blobs", &config.digest, "*/*", authorization).await?;
        let Ok(settings) = serde_json::from_slice::<Settings>(&body) else { return Ok(None) };
        let run = settings.config;
        let ports = run.as_ref().and_then(|run| run.exposed_ports.as_ref());
        let ports = ports.into_iter().flatten().filter_map(|(port, _)| tcp(port));
        let ports = ports.take(MOST_PORTS).collect();
        let (user, labels) = run.map(|run| (run.user, run.labels)).unwrap_or_default();
        let (license, source) = labels.map(|it| (it.license, it.source)).unwrap_or_default();
        let label = |label: Option<String>| label.filter(|text| !text.is_empty()).map(short);
        Ok(Some(Build {
            os: short(settings.os.unwrap_or_else(|| "linux".to_owned())),
            architecture: short(settings.architecture.unwrap_or_default()),
            size: manifest
                .layers
                .iter()
                .flatten()
                .fold(0, |sum, blob| blob.size.saturating_add(sum)),
            ports,
            user: short(user.unwrap_or_default()),
            created: settings.created.and_then(|text| text.parse().ok()),
            license: label(license),
            source: label(source),
        }))
    }

    /// A document of the registry by its digest, if it is the one that was asked for.
    async fn document(
        &self,
        sort: &str,
        digest: &str,
        accept: &str,
        authorization: Option<&HeaderValue>,
    ) -> Result<Vec<u8>, NotHad> {
        // What is no digest could be a way to somewhere else.
        if ImageReference::parse(&format!("x@{digest}")).is_none() {
            return Err(self.no_image());
        }
        let limit = if sort == "blobs" { MAX_SETTINGS } else { MAX_MANIFEST };
        let path = self.reference(sort, digest);
        let response = self.ask(Method::GET, &path, accept, authorization).await?;
        let status = response.status();
        let body = self.body(response, limit).await?;
        if status != StatusCode::OK {
            let what = format!("lacks a part of `{}` ({})", self.tag(), status.as_u16());
            let help = "push the image again";
            let why = self.place.says(what, help, Party::Author);
            let is_gone = status == StatusCode::NOT_FOUND;
            return Err(if is_gone { why.lacks() } else { why }.into());
        }
        self.is_the_same(digest, &format!("sha256:{}", ContentHash::of(&body)))?;
        Ok(body)
    }

    /// Whether what came is what was asked for, where a digest was.
    fn is_the_same(&self, asked: &str, came: &str) -> Result<(), NotHad> {
        if asked.starts_with("sha256:") && asked != came {
            return Err(self.changed(asked, came).into());
        }
        Ok(())
    }

    fn no_image(&self) -> NotHad {
        let what = format!("holds no image as `{}`", self.tag());
        let help = "name what `docker push` pushed: a chart or a signature does not run";
        let why = self.place.says(what, help, Party::Author).lacks();
        NotHad { code: code::NO_IMAGE, ..why.into() }
    }
}

impl From<Unresolved> for NotHad {
    fn from(unresolved: Unresolved) -> Self {
        let Unresolved { registry, what, help, party, denial } = unresolved;
        let what = format!("{registry} {what}");
        Self { denial, code: code::IMAGE_NOT_HAD, what, help, party }
    }
}

/// Whether a document says how containers of an image run.
fn is_settings(media_type: &str) -> bool {
    media_type == "application/vnd.oci.image.config.v1+json"
        || media_type == "application/vnd.docker.container.image.v1+json"
}

/// A word of an image's settings, which may be megabytes.
fn short(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// The number of a port as `EXPOSE` writes it, `8080` or `8080/tcp`.
fn tcp(port: &str) -> Option<u16> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    number.parse().ok().filter(|_| protocol == "tcp")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "image/tests.rs"]
mod tests;
