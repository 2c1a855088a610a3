//! Where an image lies.

use std::time::Duration;

use url::Url;

use super::unresolved::Unresolved;
use vitrine_core::catalog::fit::Denial;
use vitrine_core::model::{ImageReference, Party};

/// The tag that stands for none.
const LATEST: &str = "latest";

/// Where an image lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As people write it.
    pub registry: String,
    /// `https://host[:port]`
    pub origin: String,
    /// The repository in the registry.
    pub repository: String,
    /// Or a digest, where the image of one is asked for.
    pub tag: String,
}

impl Place {
    pub fn of(image: &ImageReference, plain_http: &[String]) -> Self {
        let full = image.full_repository();
        let (registry, path) = full.split_once('/').unwrap_or(("docker.io", &full));
        let tag = image.tag().unwrap_or(LATEST).to_owned();
        if matches!(registry, "docker.io" | "index.docker.io") {
            let repository =
                if path.contains('/') { path.to_owned() } else { format!("library/{path}") };
            let origin = "https://registry-1.docker.io".to_owned();
            return Self { registry: "docker.io".to_owned(), origin, repository, tag };
        }
        let plain = is_loopback(registry) || plain_http.iter().any(|host| host == registry);
        let origin = format!("{}://{registry}", if plain { "http" } else { "https" });
        Self { registry: registry.to_owned(), origin, repository: path.to_owned(), tag }
    }

    pub fn is_near(&self) -> bool {
        is_loopback(&self.registry)
    }

    /// As [`crate::http::quiet`] knows it: what a registry refuses, the same machine may serve as a
    /// Git server.
    pub fn server(&self) -> String {
        format!("{} as a registry", self.origin)
    }

    pub fn is_digest(&self) -> bool {
        self.tag.contains(':')
    }

    pub fn says(
        &self,
        what: impl Into<String>,
        help: impl Into<String>,
        party: Party,
    ) -> Unresolved {
        Unresolved {
            registry: self.registry.clone(),
            what: what.into(),
            help: help.into(),
            party,
            denial: Denial::Silent,
        }
    }

    pub fn late(&self, limit: Duration) -> Unresolved {
        let what = format!("did not answer within {} s", limit.as_secs());
        self.says(what, "try again, or check the network to it", Party::Operator)
    }
}

/// Whether a host, with or without a port, is this machine.
fn is_loopback(registry: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{registry}")) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
