//! A catalogue, a cluster and a daemon's settings, for one test alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::Api;
use crate::support::binary::{Finished, finish, vitrine};
use crate::support::catalogue::Catalogue;

/// What `once` and the other commands need.
pub struct Scene {
    pub catalogue: Catalogue,
    pub api: Api,
    folder: TempDir,
}

impl Scene {
    pub fn example() -> Self {
        Self::with(Catalogue::example())
    }

    pub fn of(names: &[&str]) -> Self {
        Self::with(Catalogue::of(names))
    }

    fn with(catalogue: Catalogue) -> Self {
        let scene = Self { catalogue, api: Api::start(), folder: tempfile::tempdir().unwrap() };
        scene.api.write_kubeconfig(&scene.kubeconfig());
        scene.settle(|_| {});
        scene
    }

    /// Where the commands run.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.home().join("kubeconfig")
    }

    /// Writes the settings again, changed.
    pub fn settle(&self, change: impl FnOnce(&mut Value)) {
        let mut settings = json!({
            "instance": "prod",
            "repository": {
                "url": self.catalogue.path(), "poll": "5s", "mirror": self.home().join("mirror"),
            },
            "cluster": {"kubeconfig": self.kubeconfig()},
            "rollouts": {"verify": {"on": "never"}},
        });
        change(&mut settings);
        // JSON is YAML.
        std::fs::write(self.home().join("vitrine.yaml"), settings.to_string()).unwrap();
    }

    /// Runs a command with the settings.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = vitrine(self.home());
        finish(command.args(arguments).args(["--config", "vitrine.yaml"]))
    }

    #[track_caller]
    pub fn once(&self) -> Finished {
        self.run(&["once", "--timeout", "30s", "--format", "json"])
    }

    /// Publishes what is there, which is good.
    #[track_caller]
    pub fn publish(&self) {
        self.once().exits(0);
    }
}

/// The verdicts of a board by name.
pub fn verdicts(board: &Value) -> BTreeMap<String, Value> {
    let all = board["solutions"].as_array().unwrap().iter();
    all.map(|v| (v["name"].as_str().unwrap().to_owned(), v.clone())).collect()
}
