//! The settings in force, each with where it comes from.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::layers::{File, SETTINGS, variable};
use super::{Auth, Config, Forge, ForgeAuth, Hook, Mode, Verify};
use crate::model::duration;
use crate::model::yaml::{self, Node, Value};

/// Which layer decided about a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, such as `--repo`.
    Flag(&'static str),
    /// A variable of the environment, by its name.
    Variable(String),
    /// 1-based.
    File {
        /// Of the setting's value.
        line: u32,
    },
    /// Nobody: what is built in holds.
    Default,
}

/// Where each setting comes from, by its path. Says nothing of whether the values are good.
pub fn origins(
    file: Option<File<'_>>,
    variables: &BTreeMap<String, String>,
    flags: &BTreeMap<&'static str, String>,
) -> BTreeMap<&'static str, Origin> {
    let root = file.and_then(|file| yaml::read(file.text.as_bytes()).root);
    let origin = |setting: &super::Setting| {
        let path = setting.path;
        if let (true, Some(flag)) = (flags.contains_key(path), setting.flag) {
            return Origin::Flag(flag);
        }
        if variables.contains_key(&variable(path)) {
            return Origin::Variable(variable(path));
        }
        match root.as_ref().and_then(|root| find(root, path)) {
            // Nothing is the default, but for a door, which it closes.
            Some(node) if node.value != Value::Null || path.ends_with(".listen") => {
                Origin::File { line: node.at.line }
            }
            _ => Origin::Default,
        }
    };
    SETTINGS.iter().map(|setting| (setting.path, origin(setting))).collect()
}

fn find<'a>(root: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').try_fold(root, |node, key| {
        let Value::Map(entries) = &node.value else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    })
}

/// The value in force of a setting; `null` where there is none. Secrets are names of files here as
/// everywhere. `None` for a path that is no setting.
pub fn value(config: &Config, path: &str) -> Option<Json> {
    let Config { instance, repository, cluster, safety, rollouts, notes, forge, web, log } = config;
    let auth = |wanted: &str| match (&repository.auth, wanted) {
        (Some(Auth::Token { token_file }), "tokenFile") => json!(token_file),
        (Some(Auth::Password { username, .. }), "username") => json!(username),
        (Some(Auth::Password { password_file, .. }), "passwordFile") => json!(password_file),
        (Some(Auth::SshKey { key_file, .. }), "sshKeyFile") => json!(key_file),
        (Some(Auth::SshKey { known_hosts_file, .. }), "knownHostsFile") => json!(known_hosts_file),
        _ => Json::Null,
    };
    let (verify, parallel) = match rollouts.verify {
        Verify::Never => ("never", Json::Null),
        Verify::OnUpdate { parallel } => ("update", json!(parallel)),
    };
    if let Some(key) = path.strip_prefix("repository.auth.") {
        return Some(auth(key));
    }
    if let Some(key) = path.strip_prefix("reporting.forge.") {
        return Some(forge.as_ref().map_or(Json::Null, |forge| of_forge(forge, key)));
    }
    Some(match path {
        "instance" => json!(instance.as_str()),
        "repository.url" => json!(repository.shown_url()),
        "repository.branch" => json!(repository.branch),
        "repository.path" => json!(repository.path),
        "repository.poll" => json!(repository.poll.map_or("0s".to_owned(), duration::text)),
        "repository.caFile" => json!(repository.ca_file),
        "repository.mirror" => json!(repository.mirror),
        "cluster.kubeconfig" => json!(cluster.kubeconfig),
        "cluster.context" => json!(cluster.context),
        "cluster.namespace" => json!(cluster.namespace),
        "cluster.mode" => json!(match cluster.mode {
            Mode::Apply => "apply",
            Mode::Report => "report",
        }),
        // The other word is not supported yet, and refused.
        "cluster.leaderElection" => json!(false),
        "rollouts.maxParallel" => json!(rollouts.max_parallel),
        "safety.maxRemovedShare" => json!(safety.max_removed_share),
        "safety.maxDeletions" => json!(safety.max_deletions),
        "safety.approvalsExpireAfter" => json!(duration::text(safety.approvals_expire_after)),
        "rollouts.verify.on" => json!(verify),
        "rollouts.verify.parallel" => parallel,
        "reporting.notes" => json!(notes),
        "web.public.listen" => json!(web.public_listen),
        "web.public.url" => json!(web.public_url),
        "web.private.listen" => json!(web.private_listen),
        "web.hooks" => web.hooks.iter().map(hook).collect(),
        "log.level" => json!(log.level),
        "log.format" => json!(if log.json { "json" } else { "text" }),
        _ => return None,
    })
}

fn of_forge(forge: &Forge, key: &str) -> Json {
    match (key, &forge.auth) {
        ("kind", _) => json!(forge.kind.as_str()),
        ("apiUrl", _) => json!(forge.api_url),
        ("repository", _) => json!(forge.repository),
        ("perSolution", _) => json!(forge.per_solution),
        ("caFile", _) => json!(forge.ca_file),
        ("pullRequests", _) => json!(forge.pull_requests.as_str()),
        ("annotations", _) => json!(forge.annotations),
        ("dryRun", _) => json!(forge.dry_run),
        ("images.ask", _) => json!(forge.images.is_some()),
        ("images.credentialsFile", _) => json!(forge.images.as_ref().map(|i| &i.credentials_file)),
        ("images.plainHttp", _) => json!(forge.images.as_ref().map(|i| &i.plain_http)),
        ("auth.tokenFile", ForgeAuth::Token { token_file }) => json!(token_file),
        ("auth.appId", ForgeAuth::App { app_id, .. }) => json!(app_id),
        ("auth.installationId", ForgeAuth::App { installation_id, .. }) => json!(installation_id),
        ("auth.privateKeyFile", ForgeAuth::App { private_key_file, .. }) => json!(private_key_file),
        _ => Json::Null,
    }
}

fn hook(hook: &Hook) -> Json {
    json!({ "name": hook.name, "kind": hook.kind.as_str(), "secretFiles": hook.secret_files })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "instance: prod\nrepository:\n  url: /srv/a.git\n  branch: null\n  \
                        auth: {tokenFile: /run/token}\nweb:\n  public: {listen: null}\n";

    fn file() -> Option<File<'static>> {
        Some(File { name: "vitrine.yaml", text: TEXT })
    }

    #[test]
    fn every_setting_has_a_value_to_show() {
        let config = super::super::read(file(), &BTreeMap::new(), &BTreeMap::new()).unwrap();
        for setting in SETTINGS {
            assert!(value(&config, setting.path).is_some(), "{}", setting.path);
        }
        assert_eq!(value(&config, "repository.auth.tokenFile"), Some(json!("/run/token")));
        assert_eq!(value(&config, "repository.poll"), Some(json!("1m")));
        assert_eq!(value(&config, "web.hooks"), Some(json!([])));
        assert_eq!(value(&config, "no.such.setting"), None);
    }

    #[test]
    fn the_layer_that_decided_is_the_origin() {
        let variables = BTreeMap::from([("VITRINE_INSTANCE".to_owned(), "lab".to_owned())]);
        let flags = BTreeMap::from([("cluster.context", "c".to_owned())]);
        let origins = origins(file(), &variables, &flags);
        assert_eq!(origins["instance"], Origin::Variable("VITRINE_INSTANCE".to_owned()));
        assert_eq!(origins["cluster.context"], Origin::Flag("--context"));
        assert_eq!(origins["repository.url"], Origin::File { line: 3 });
        assert_eq!(origins["repository.branch"], Origin::Default);
        assert_eq!(origins["repository.auth.tokenFile"], Origin::File { line: 5 });
        assert_eq!(origins["web.public.listen"], Origin::File { line: 7 });
        assert_eq!(origins["log.level"], Origin::Default);
        assert_eq!(origins.len(), SETTINGS.len());
    }
}
