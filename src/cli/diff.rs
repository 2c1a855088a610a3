//! `diff`: what a merge would change, told as a reviewer asks. In a clone: without settings, a
//! cluster or a network.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::review::{Shape, Told};
use super::{Answer, Stop, catalogue, review};
use crate::git::LocalClone;
use vitrine_core::config::Safety;
use vitrine_core::model::InstanceName;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The branch that is merged into, and after two points what is merged; without them HEAD.
    #[arg(value_name = "BASE[..HEAD]")]
    commits: String,
    /// The clone, or a folder in it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// The catalogue's folder in the clone: the one that holds `platform.yaml`. Without the flag,
    /// the nearest above --repo.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// The daemon's name, which stands in labels and in the names of shared objects.
    #[arg(long, value_name = "NAME", default_value = "demo")]
    instance: String,
    #[command(flatten)]
    shape: Shape,
}

pub(super) fn diff(arguments: &Arguments) -> Result<Answer, Stop> {
    let instance = InstanceName::parse(&arguments.instance)
        .map_err(|error| Stop::new(format!("--instance: {error}")))?;
    let catalogue = match &arguments.catalog {
        Some(_) => Some(catalogue::root(arguments.catalog.as_deref())?),
        None => catalogue::above(&arguments.repo),
    };
    let (base, head) = commits(&arguments.commits)?;
    let unknown = |u: vitrine_core::catalog::snapshot::Unknown| Stop::new(u.cause);
    let clone = LocalClone::around(&arguments.repo, catalogue.as_deref()).map_err(unknown)?;
    let comparison = clone.compare(base, head).map_err(unknown)?;
    let brake = review::brake(&Safety::default());
    let told = Told { instance: &instance, now: Timestamp::now(), brake };
    review::tell(&comparison, &told, &arguments.shape)
}

/// `main..feature` and `main...feature` ask the same: what a merge of the second would change.
fn commits(text: &str) -> Result<(&str, &str), Stop> {
    let (base, head) = match text.split_once("..") {
        Some((base, head)) => (base, head.strip_prefix('.').unwrap_or(head)),
        None => (text, "HEAD"),
    };
    let head = if head.is_empty() { "HEAD" } else { head };
    if base.is_empty() {
        return Err(Stop::new(format!(
            "`{text}` names no base; write the branch that is merged into first: main..{head}"
        )));
    }
    Ok((base, head))
}
