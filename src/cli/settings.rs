//! Brings the settings' file, the environment and the flags to [`config::read`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{SettingsArguments, Stop};
use vitrine_core::catalog::Fault;
use vitrine_core::config::{self, Config, File};
use vitrine_core::model::{ContentHash, InstanceName, yaml};

/// Prefix of the variables that carry settings.
const PREFIX: &str = "VITRINE_";
/// Variables with the prefix that carry no setting.
const NOT_SETTINGS: [&str; 2] = ["VITRINE_CONFIG", "VITRINE_TEST_CRDS"];

/// What the settings are read from.
pub(super) struct Layers {
    /// The file by the name that the person gave it, and its text.
    pub file: Option<(String, String)>,
    pub variables: BTreeMap<String, String>,
    pub flags: BTreeMap<&'static str, String>,
}

impl Layers {
    /// Brings the file, the variables and the flags; judges nothing.
    pub(super) fn bring(arguments: &SettingsArguments) -> Result<Self, Stop> {
        let file = match &arguments.config {
            Some(path) => Some((path.display().to_string(), text(path)?)),
            None => None,
        };
        Ok(Self { file, variables: variables(), flags: flags(arguments) })
    }

    pub(super) fn file(&self) -> Option<File<'_>> {
        self.file.as_ref().map(|(name, text)| File { name, text })
    }

    /// The settings in force: flag > variable > file > default.
    pub(super) fn read(&self) -> Result<Config, Vec<Fault>> {
        let mut config = config::read(self.file(), &self.variables, &self.flags)?;
        if config.repository.mirror == Path::new(MIRROR) && !Path::new(STATE).is_dir() {
            config.repository.mirror = laptop_mirror(&config);
        }
        Ok(config)
    }
}

fn text(path: &Path) -> Result<String, Stop> {
    // A pipe would be waited for, a device read without end.
    let about = std::fs::metadata(path).map_err(|error| unreadable(path, &error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable(path, "it is not a file"));
    }
    if about.len() > yaml::MAX_BYTES as u64 {
        return Err(unreadable(path, "it is larger than 256 KiB"));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error.to_string()))
}

fn unreadable(path: &Path, why: &str) -> Stop {
    Stop::new(format!(
        "cannot read the settings {}: {why}; name another file with --config",
        path.display()
    ))
}

/// Reads the daemon's settings: flag > variable `VITRINE_...` > file > default.
pub(super) fn read(arguments: &SettingsArguments) -> Result<Config, Stop> {
    Layers::bring(arguments)?.read().map_err(|faults| refused(&faults))
}

/// Where the mirror lies by default, and the folder that the image has for it.
const MIRROR: &str = "/var/lib/vitrine/mirror";
const STATE: &str = "/var/lib/vitrine";

/// A mirror for a machine that was not made for the daemon: in the user's cache, one for each
/// repository.
fn laptop_mirror(config: &Config) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let cache =
        cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let url = ContentHash::of(config.repository.url.as_bytes());
    let folder = format!("mirror-{}-{}", config.instance, url.first(12));
    cache.unwrap_or_else(std::env::temp_dir).join("vitrine").join(folder)
}

/// As [`read`], for a command that looks while the daemon may be at work: with a mirror of its
/// own, which goes with the guard.
pub(super) fn read_aside(
    arguments: &SettingsArguments,
) -> Result<(Config, tempfile::TempDir), Stop> {
    let mut config = read(arguments)?;
    let place = tempfile::tempdir()
        .map_err(|error| Stop::new(format!("cannot make a temporary folder: {error}")))?;
    config.repository.mirror = place.path().join("mirror");
    Ok((config, place))
}

/// The cluster, and the instance if one is named, for a person who has a kubeconfig and perhaps no
/// settings.
pub(super) fn cluster(
    arguments: &SettingsArguments,
) -> Result<(config::Cluster, Option<InstanceName>), Stop> {
    let mut arguments = arguments.clone();
    // What the cluster does not need, but the settings do.
    arguments.repo.get_or_insert_with(|| ".".to_owned());
    if let Ok(config) = read(&arguments) {
        return Ok((config.cluster, Some(config.instance)));
    }
    arguments.instance.get_or_insert_with(|| "any".to_owned());
    read(&arguments).map(|config| (config.cluster, None))
}

/// The settings of the demo: a repository on this machine, everything else as it is by default.
pub(super) fn of_demo(instance: &str, catalogue: &Path, mirror: &Path) -> Result<Config, Stop> {
    let flags = BTreeMap::from([
        ("instance", instance.to_owned()),
        ("repository.url", catalogue.display().to_string()),
        ("repository.mirror", mirror.display().to_string()),
        ("repository.poll", "5s".to_owned()),
    ]);
    config::read(None, &BTreeMap::new(), &flags).map_err(|faults| refused(&faults))
}

/// A duration as the settings write it: `90s`, `10m`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    vitrine_core::model::duration::parse(text).map_err(|error| error.to_string())
}

fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX) && !NOT_SETTINGS.contains(&name.as_str()))
        .collect()
}

fn flags(arguments: &SettingsArguments) -> BTreeMap<&'static str, String> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.display().to_string());
    [
        ("repository.url", arguments.repo.clone()),
        ("repository.branch", arguments.branch.clone()),
        ("repository.path", arguments.path.clone()),
        ("repository.mirror", path(&arguments.mirror)),
        ("instance", arguments.instance.clone()),
        ("cluster.kubeconfig", path(&arguments.kubeconfig)),
        ("cluster.context", arguments.context.clone()),
        ("cluster.namespace", arguments.namespace.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn refused(faults: &[Fault]) -> Stop {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Stop::new(lines.join("\nvitrine: "))
}
