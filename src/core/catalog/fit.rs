//! Whether a component can run from its image, as far as that shows without running it.
//!
//! In: a solution, its file, and what a registry said of each image. Out: faults at the lines
//! that name the images.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Fault, code};
use super::platform::{Platform, RunAsRoot};
use super::solution::{Architecture, Component, Solution};
use super::{folders::FILE, images};

mod words;
use crate::model::decode::Sheet;
use crate::model::yaml::{self, Span};
use crate::model::{ImageReference, Party};

/// What a registry says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `sha256:...`, of the index or of the only manifest.
    pub digest: String,
    /// One for each system that it is built for, in the index's order.
    pub builds: Vec<Build>,
}

/// The image for one system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// `linux`, as Go calls it.
    pub os: String,
    /// `amd64`, as Go calls it.
    pub architecture: String,
    /// What a node fetches, in bytes: compressed.
    pub size: u64,
    /// As `USER` wrote it, with or without a group; empty = none, which is root.
    pub user: String,
    /// The TCP ports that `EXPOSE` names.
    pub ports: BTreeSet<u16>,
    /// When it was built, as it says itself.
    pub created: Option<jiff::Timestamp>,
    /// What its label `org.opencontainers.image.licenses` says, in one line.
    pub license: Option<String>,
    /// What its label `org.opencontainers.image.source` says, in one line.
    pub source: Option<String>,
}

/// What registries said of images.
pub type Told = BTreeMap<ImageReference, Result<Image, NotHad>>;

/// Why nothing is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHad {
    /// How much that says of the image.
    pub denial: Denial,
    /// [`code::IMAGE_NOT_HAD`] or [`code::NO_IMAGE`].
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
    /// Who can do it.
    pub party: Party,
}

/// How much it says of an image that it was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Its registry has none that a node could start under this name.
    Lacks,
    /// Its registry does not let us look; many answer so where there is none.
    Refuses,
    /// Nothing: its registry was not asked, or did not answer.
    Silent,
}

/// As whom a container of an image runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User<'b> {
    /// User 0, also because none is named.
    Root,
    /// Who has this name in the image, which nobody outside can look up.
    Named(&'b str),
    /// A number other than 0.
    Numbered(u32),
}

impl Build {
    /// As whom its container runs.
    pub fn runs_as(&self) -> User<'_> {
        let user = self.user.split(':').next().unwrap_or_default().trim();
        match user.parse() {
            _ if user.is_empty() => User::Root,
            Ok(0) => User::Root,
            Ok(number) => User::Numbered(number),
            Err(_) => User::Named(user),
        }
    }

    fn is_for(&self, architecture: Architecture) -> bool {
        self.os == "linux" && self.architecture == architecture.as_str()
    }
}

/// The images that a solution pulls, each once: its components' and those that are mounted.
pub fn pulled(solution: &Solution) -> BTreeSet<&ImageReference> {
    let components = || solution.components.values();
    let mounted = components().flat_map(|component| component.volumes.values());
    components().map(|component| &component.image).chain(mounted.map(|v| &v.image)).collect()
}

/// What stands against the images of a solution. `file` is its `solution.yaml`; `said` is what
/// the registries said of those that [`pulled`] names; of one that it does not know nothing is
/// told.
pub fn judge<'a>(
    solution: &Solution,
    platform: &Platform,
    file: &[u8],
    said: impl Fn(&ImageReference) -> Option<&'a Result<Image, NotHad>>,
) -> Vec<Fault> {
    let path = format!("{}/{FILE}", solution.folder);
    let sheet = Sheet::new(&path, &String::from_utf8_lossy(file), Party::Author);
    let places = Places::of(file);
    let mut told = BTreeSet::new();
    let mut say = |at: Span, fault: Fault| {
        // Configurations share an image, and its faults.
        if told.insert((at, fault.code)) {
            sheet.report(fault.at(at));
        }
    };
    for component in solution.components.values() {
        for volume in component.volumes.values() {
            // Whatever a registry holds can be mounted, if it holds it.
            match said(&volume.image) {
                Some(Err(not_had)) if not_had.code == code::IMAGE_NOT_HAD => {
                    say(places.mounted(&volume.image), missing(&path, not_had));
                }
                _ => {}
            }
        }
        let at = places.of_component(component);
        match said(&component.image) {
            Some(Ok(image)) => {
                for fault in against(&path, component, platform, image) {
                    say(at, fault);
                }
            }
            Some(Err(not_had)) => say(at, missing(&path, not_had)),
            None => {}
        }
    }
    sheet.finish()
}

fn missing(path: &str, not_had: &NotHad) -> Fault {
    let NotHad { denial: _, code, what, help, party } = not_had;
    Fault::new(code, path, *party, what).help(help)
}

/// Why a component would not run from an image, or probably not.
fn against(path: &str, component: &Component, platform: &Platform, image: &Image) -> Vec<Fault> {
    let fault = |code, message: String| Fault::new(code, path, Party::Author, message);
    let known = [Architecture::Amd64, Architecture::Arm64];
    let built: Vec<Architecture> =
        known.into_iter().filter(|one| image.builds.iter().any(|b| b.is_for(*one))).collect();
    let mut faults = Vec::new();
    let wanted = &component.architectures;
    let lacks: Vec<&str> =
        wanted.iter().filter(|one| !built.contains(one)).map(|one| one.as_str()).collect();
    match built.as_slice() {
        [] => {
            let names = image.builds.iter().map(|b| format!("{}/{}", b.os, b.architecture));
            let names: Vec<String> = names.collect();
            let message = format!("the image is built for {}", enumerated(&names));
            let help = "solutions run on linux/amd64 and linux/arm64: build it for one of them";
            return vec![fault(code::IMAGE_PROCESSOR, message).help(help)];
        }
        _ if !lacks.is_empty() => {
            let message = format!(
                "`architectures` allows nodes of {}, for which the image is not built",
                lacks.join(" and ")
            );
            let names: Vec<&str> = built.iter().map(|one| one.as_str()).collect();
            let help = format!(
                "build it for {} too (`docker buildx build --platform`), or write architectures: \
                 [{}]",
                lacks.join(" and "),
                names.join(", ")
            );
            faults.push(fault(code::IMAGE_PROCESSOR, message).help(help));
        }
        [Architecture::Arm64] if wanted.is_empty() => {
            let message = "the image is built for arm64 only, and most nodes are amd64";
            let help = "build it for amd64 (`docker buildx build --platform linux/amd64`), or, \
                        where the platform has such nodes, write architectures: [arm64]";
            faults.push(fault(code::IMAGE_ONE_PROCESSOR, message.to_owned()).help(help));
        }
        _ => {}
    }
    // Those that a node would fetch.
    let may = |one: &Architecture| wanted.is_empty() || wanted.contains(one);
    let running: Vec<&Build> = built
        .iter()
        .filter(|one| may(one))
        .filter_map(|one| image.builds.iter().find(|build| build.is_for(*one)))
        .collect();
    if platform.pod_security.run_as_root == RunAsRoot::Refuse {
        faults.extend(running.iter().find_map(|build| as_nobody(build, &fault)));
    }
    let silent = running.iter().any(|build| build.ports.is_empty());
    let named: BTreeSet<u16> = running.iter().flat_map(|build| build.ports.clone()).collect();
    if !silent && !named.is_empty() && !named.contains(&component.port) {
        let ports: Vec<String> = named.iter().map(u16::to_string).collect();
        let message = format!(
            "the image names the port {}, the component `{}` is asked at {}",
            enumerated(&ports),
            component.name,
            component.port
        );
        let help = match named.iter().find(|port| **port >= 1024) {
            Some(port) => format!("if its program listens there: write port: {port}"),
            None => "ports below 1024 are root's: let its program listen above".to_owned(),
        };
        faults.push(fault(code::IMAGE_PORT, message).help(help));
    }
    faults
}

/// Why a node that starts nobody as root does not start it.
fn as_nobody(build: &Build, fault: &impl Fn(&'static str, String) -> Fault) -> Option<Fault> {
    match build.runs_as() {
        User::Numbered(_) => None,
        User::Root => {
            let message = "the image runs as root, and this platform starts nobody as root";
            let help = "end its Dockerfile with a user of its own: USER 10001";
            Some(fault(code::IMAGE_ROOT, message.to_owned()).help(help))
        }
        User::Named(name) => {
            let message = format!(
                "the image's user is the name `{name}`, of which a node cannot tell that it is not \
                 root"
            );
            let help = "write its number: `id -u` in the image says it, then USER 10001";
            Some(fault(code::IMAGE_USER_NAMED, message).help(help))
        }
    }
}

fn enumerated(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Where a file names its images.
struct Places(Vec<images::Named>);

impl Places {
    fn of(file: &[u8]) -> Self {
        Self(yaml::read(file).root.as_ref().map(images::named).unwrap_or_default())
    }

    fn of_component(&self, component: &Component) -> Span {
        let own = format!("spec.components.{}.image", component.name);
        let field = |field: &str| self.0.iter().find(|named| named.field == field);
        field(&own).or_else(|| field("spec.image")).map_or(Span::START, |named| named.image.at)
    }

    fn mounted(&self, image: &ImageReference) -> Span {
        let same = |named: &&images::Named| {
            named.field.contains(".volumes[")
                && ImageReference::parse(&named.image.value).as_ref() == Some(image)
        };
        self.0.iter().find(same).map_or(Span::START, |named| named.image.at)
    }
}

#[cfg(test)]
#[path = "fit/tests.rs"]
mod tests;
