//! What people read of an image.

use std::fmt::Write as _;

use super::{Build, Image, User};
use crate::model::fault::harmless;
use crate::model::invisible::visible;
use crate::model::quantity;

/// The longest label that is told, in characters.
const LABEL: usize = 100;

impl Image {
    /// One line: each system that it is built for.
    pub fn told(&self) -> String {
        let builds: Vec<String> = self.builds.iter().map(Build::told).collect();
        builds.join("; ")
    }
}

impl Build {
    /// One line: for which system it is, how much a node fetches, as whom it runs.
    pub fn told(&self) -> String {
        let mut text = visible(&format!("{}/{}", self.os, self.architecture));
        let Self { os: _, architecture: _, size, user, ports, created, license, source } = self;
        // Of a system that no node here has, only the name is known.
        if *size == 0 && user.is_empty() && ports.is_empty() && created.is_none() {
            return text;
        }
        let user = match self.runs_as() {
            User::Root => "root".to_owned(),
            User::Named(name) => format!("user `{}`", visible(name)),
            User::Numbered(number) => format!("user {number}"),
        };
        let _ = write!(text, " · {} to fetch · {user}", quantity::rounded(*size));
        if !ports.is_empty() {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            let _ = write!(text, " · port {}", ports.join(", "));
        }
        // A build that is made to be the same at any time says 1970.
        if let Some(created) = created.filter(|time| time.as_second() > 86_400) {
            let _ = write!(text, " · built {}", created.strftime("%Y-%m-%d"));
        }
        for (what, label) in [("license", license), ("source", source)] {
            if let Some(label) = label {
                let label: String = visible(&harmless(label)).chars().take(LABEL).collect();
                let _ = write!(text, " · {what} {label}");
            }
        }
        text
    }
}
