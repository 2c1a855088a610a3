//! What `new` is told.

use std::path::PathBuf;

use clap::Args;

use super::template::Template;
use crate::cli::registry::RegistryArguments;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The solution's name: its folder and the first word of its address. 1 to 40 of a-z, 0-9
    /// and dashes.
    pub(super) name: String,
    /// The container image: it answers HTTP on port 8080. A tag is resolved to its digest.
    #[arg(long, required_unless_present_any = ["from", "from_compose"])]
    pub(super) image: Option<String>,
    /// What the solution looks like.
    #[arg(long, value_enum, default_value = "page", conflicts_with = "from")]
    pub(super) template: Template,
    /// Copies the folder of this solution instead, with its comments.
    #[arg(long, value_name = "SOLUTION")]
    pub(super) from: Option<String>,
    /// Translates a docker-compose file: its one service, or its services as components. With
    /// --image, what is built there is that image. What has no translation is told.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "template"])]
    pub(super) from_compose: Option<PathBuf>,
    /// The folder to write the solution's folder into: the catalogue's root or a group in it.
    /// Without the flag, the root of the catalogue around the present folder.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Begins a catalogue here, with a `platform.yaml` that says this domain and nothing else.
    #[arg(long, value_name = "DOMAIN")]
    pub(super) with_platform: Option<String>,
    #[command(flatten)]
    pub(super) registry: RegistryArguments,
}
