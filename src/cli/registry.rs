//! The flags by which commands reach registries, and many questions at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Stop;
use crate::registry::{Access, Registries, Unresolved, each};
use vitrine_core::model::ImageReference;

/// How registries are asked for the digest behind a tag.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RegistryArguments {
    /// A Docker configuration with credentials (`auths`). Without the flag, config.json in
    /// $DOCKER_CONFIG or ~/.docker, if it is there.
    #[arg(long, value_name = "FILE")]
    docker_config: Option<PathBuf>,
    /// A registry that has no TLS, as images name it (registry.lab:5000); may be repeated.
    /// Credentials for it travel in the clear. Registries of this machine need no flag.
    #[arg(long, value_name = "REGISTRY")]
    plain_http: Vec<String>,
}

impl RegistryArguments {
    /// Whether a flag of these was given.
    pub(super) fn given(&self) -> bool {
        self.docker_config.is_some() || !self.plain_http.is_empty()
    }

    pub(super) fn registries(&self) -> Result<Registries, Stop> {
        let credentials = self.docker_config.clone().or_else(usual_config);
        let access = Access { credentials, plain_http: self.plain_http.clone() };
        Registries::new(access).map_err(Stop::new)
    }
}

fn usual_config() -> Option<PathBuf> {
    let folder = match std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&std::env::var_os("HOME")?).join(".docker"),
    };
    Some(folder.join("config.json")).filter(|file| file.is_file())
}

/// Asks for the digest of each of these images once. What is no reference is left out.
pub(super) async fn digests(
    registries: &Registries,
    images: BTreeSet<String>,
) -> BTreeMap<String, Result<String, Unresolved>> {
    let references = images.iter().filter_map(|image| ImageReference::parse(image)).collect();
    let said = each(references, async |image| registries.digest(image).await).await;
    said.into_iter().map(|(image, digest)| (image.to_string(), digest)).collect()
}
