//! Reads the settings: every fault at once, every default filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::layers::{File, Layers};
use super::section::Section;
use super::{
    Auth, Cluster, Config, Log, Mode, Repository, Rollouts, Safety, Verify, Web, address, contract,
    hook, reporting,
};
use crate::model::decode::{self, Cursor, Fields, Schema, Sheet};
use crate::model::fault::{Fault, code};
use crate::model::yaml::{Span, Value};
use crate::model::{InstanceName, Party};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Reads settings from a file, from `VITRINE_*` variables and from flags (by the setting's path,
/// such as `repository.url`). A flag is stronger than a variable, a variable than the file.
///
/// # Errors
/// Every fault, for the operator. None shows a secret.
pub fn read(
    file: Option<File<'_>>,
    variables: &BTreeMap<String, String>,
    flags: &BTreeMap<&'static str, String>,
) -> Result<Config, Vec<Fault>> {
    let (layers, mut faults) = Layers::new(flags, variables);
    let name = file.map_or("settings", |file| file.name);
    let (sheet, root) = match file {
        // An empty file says what no file says.
        Some(file) if !file.text.trim().is_empty() => {
            decode::open(file.name, file.text.as_bytes(), Party::Operator)
        }
        _ => (Sheet::new(name, "", Party::Operator), None),
    };
    // What cannot be read as YAML tells only itself: nobody knows what else stands in it.
    if root.is_none() && file.is_some_and(|file| !file.text.trim().is_empty()) {
        faults.extend(sheet.finish());
        faults.extend(layers.finish());
        for fault in &mut faults {
            fault.code = code::of_settings(fault.code);
        }
        return Err(faults);
    }
    let fields = root.as_ref().and_then(|root| sheet.root(root, contract::ROOT));
    let settings = Settings { layers: &layers, root: fields.as_ref(), sheet: &sheet };
    let config = settings.config();
    faults.extend(sheet.finish());
    faults.extend(layers.finish());
    for fault in &mut faults {
        fault.code = code::of_settings(fault.code);
    }
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(faults),
    }
}

struct Settings<'a> {
    layers: &'a Layers,
    root: Option<&'a Fields<'a>>,
    sheet: &'a Sheet,
}

impl<'a> Settings<'a> {
    fn section(&self, key: &str, schema: Schema) -> Section<'a> {
        Section::of(self.layers, self.sheet, self.root, key, schema)
    }

    fn missing(&self, key: &str, help: &str) {
        let at = self.root.map_or(Span::START, |root| root.key);
        let message = format!("the setting `{key}` is missing");
        self.sheet.report(self.sheet.fault(code::MISSING, at, message).help(help));
    }

    fn config(&self) -> Option<Config> {
        let instance = self.instance();
        let repository = self.repository();
        let cluster = self.cluster();
        self.section("schedule", contract::SCHEDULE);
        let section = self.section("reporting", contract::REPORTING);
        let notes = section.get("notes").and_then(|c| c.boolean());
        let forge = reporting::forge(&section);
        Some(Config {
            safety: self.safety(),
            rollouts: self.rollouts(),
            notes: notes.is_none_or(|notes| notes.value),
            forge,
            web: self.web(),
            log: self.log(),
            cluster,
            instance: instance?,
            repository: repository?,
        })
    }

    fn instance(&self) -> Option<InstanceName> {
        let Some(cursor) = self.layers.get("instance", self.root, "instance") else {
            self.missing("instance", "name this daemon: instance: prod, or --instance prod");
            return None;
        };
        match InstanceName::parse(&cursor.text()?.value) {
            Ok(name) => Some(name),
            Err(bad) => {
                cursor.say(code::BAD_NAME, format!("`instance`: {bad}"));
                None
            }
        }
    }

    fn repository(&self) -> Option<Repository> {
        let section = self.section("repository", contract::REPOSITORY);
        let url = match section.get("url") {
            Some(cursor) => address::repository(&cursor),
            None => {
                let help = "say where the catalogue lies: repository: {url: ...}, or --repo URL";
                self.missing("repository.url", help);
                None
            }
        };
        let branch = section.get("branch").map(|c| branch(&c));
        let path = section.get("path").map(|c| root_path(&c));
        let poll = section.get("poll").map(|c| poll(&c));
        let auth = auth(&section);
        let ca_file = section.path_of("caFile");
        let mirror = section.path_of("mirror");
        Some(Repository {
            url: url?,
            branch: branch.unwrap_or_else(|| Some("main".to_owned()))?,
            path: path.unwrap_or_else(|| Some(".".to_owned()))?,
            poll: poll.unwrap_or(Some(Duration::from_secs(60))),
            auth,
            ca_file,
            mirror: mirror.unwrap_or_else(|| PathBuf::from("/var/lib/vitrine/mirror")),
        })
    }

    fn cluster(&self) -> Cluster {
        let section = self.section("cluster", contract::CLUSTER);
        let mode = section.get("mode").and_then(|cursor| cursor.one_of(&["apply", "report"]));
        let reports = mode.is_some_and(|mode| mode.value == "report");
        if let Some(cursor) = section.get("leaderElection")
            && cursor.boolean().is_some_and(|on| on.value)
        {
            let message = "`cluster.leaderElection: true` is not supported yet";
            let help = "run one replica, and write false or nothing";
            cursor.sheet.report(cursor.fault(code::NOT_YET, message).help(help));
        }
        let namespace = section.get("namespace").and_then(|cursor| {
            let text = cursor.text()?.value;
            let label = (1..=63).contains(&text.len())
                && !text.starts_with('-')
                && !text.ends_with('-')
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !label {
                let message = format!("`{text}` is not the name of a namespace");
                cursor.say(code::BAD_NAME, message);
            }
            label.then_some(text)
        });
        Cluster {
            kubeconfig: section.path_of("kubeconfig"),
            context: section.get("context").and_then(|c| c.line_of(253)).map(|text| text.value),
            namespace: namespace.unwrap_or_else(|| "vitrine-system".to_owned()),
            mode: if reports { Mode::Report } else { Mode::Apply },
        }
    }

    fn safety(&self) -> Safety {
        let section = self.section("safety", contract::SAFETY);
        let share = section.get("maxRemovedShare").and_then(|c| c.number(0.0, 1.0));
        let deletions = section.get("maxDeletions").and_then(|c| c.integer(0, 1_000_000));
        let bounds = (Duration::from_secs(60), HOUR * 24 * 30);
        let expiry =
            section.get("approvalsExpireAfter").and_then(|c| c.duration(bounds.0, bounds.1));
        Safety {
            max_removed_share: share.map_or(0.2, |share| share.value),
            max_deletions: deletions.map_or(100, |n| usize::try_from(n.value).unwrap_or(100)),
            approvals_expire_after: expiry.map_or(HOUR * 24, |expiry| expiry.value),
        }
    }

    fn rollouts(&self) -> Rollouts {
        let section = self.section("rollouts", contract::ROLLOUTS);
        let small = |cursor: Option<Cursor<'_>>, most, default| {
            let number = cursor.and_then(|cursor| cursor.integer(1, most));
            number.map_or(default, |n| usize::try_from(n.value).unwrap_or(default))
        };
        let max_parallel = small(section.get("maxParallel"), 1000, 10);
        let verify = section.section("verify", contract::VERIFY);
        let on = verify.get("on").and_then(|c| c.one_of(&["update", "never"]));
        let parallel = small(verify.get("parallel"), 100, 5);
        let verify = match on.map(|on| on.value) {
            Some("never") => Verify::Never,
            _ => Verify::OnUpdate { parallel },
        };
        Rollouts { max_parallel, verify }
    }

    fn web(&self) -> Web {
        let web = self.section("web", contract::WEB);
        let public = web.section("public", contract::PUBLIC);
        let private = web.section("private", contract::PRIVATE);
        // `listen: null` closes the door; an absent key leaves it where it usually is.
        let listen = |section: &Section<'_>, default: &str| match section.get("listen") {
            Some(cursor) => address::listen(&cursor),
            None if section.written("listen") => None,
            None => Some(default.to_owned()),
        };
        let hooks = web.get("hooks");
        if let Some(cursor) = &hooks
            && public.written("listen")
            && public.get("listen").is_none()
        {
            let message = "`web.hooks` needs the door that `web.public.listen: null` closes";
            cursor.say(code::EXCLUDES, message);
        }
        Web {
            public_listen: listen(&public, "0.0.0.0:8080"),
            public_url: public.get("url").and_then(|c| address::public(&c)),
            private_listen: listen(&private, "127.0.0.1:9090"),
            hooks: hooks.map(|cursor| hook::all(&cursor)).unwrap_or_default(),
        }
    }

    fn log(&self) -> Log {
        let section = self.section("log", contract::LOG);
        let levels = ["error", "warn", "info", "debug", "trace"];
        let level = section.get("level").and_then(|c| c.one_of(&levels));
        let format = section.get("format").and_then(|c| c.one_of(&["text", "json"]));
        Log {
            level: level.map_or("info", |level| level.value).to_owned(),
            json: format.is_some_and(|format| format.value == "json"),
        }
    }
}

/// A branch by Git's rules for names (`git check-ref-format`), and no option in disguise.
fn branch(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line_of(255)?.value;
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let ok = !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && !text.contains("//")
        && !text.contains("@{")
        && !text.contains(forbidden)
        && text.split('/').all(|part| !part.starts_with('.') && !part.ends_with(".lock"));
    if !ok {
        cursor.say(code::BAD_NAME, format!("`{text}` is not the name of a branch"));
    }
    ok.then(|| text.strip_prefix("refs/heads/").unwrap_or(&text).to_owned())
}

/// A folder inside the repository, without `.` and `..` in between.
fn root_path(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line_of(1024)?.value;
    let clean = text.trim_start_matches("./").trim_end_matches('/');
    if clean.is_empty() || clean == "." {
        return Some(".".to_owned());
    }
    let ok = !text.starts_with('/')
        && clean.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if !ok {
        let message = format!("`{text}` is not a folder inside the repository");
        cursor.sheet.report(
            cursor
                .fault(code::BAD_PATH, message)
                .help("write it relative to the repository's root"),
        );
    }
    ok.then(|| clean.to_owned())
}

/// 5 s to 1 h, or 0 for "only hints".
fn poll(cursor: &Cursor<'_>) -> Option<Duration> {
    let never = match &cursor.node.value {
        Value::Integer(raw) => raw == "0",
        Value::Text(raw) => raw == "0s" || raw == "0",
        _ => false,
    };
    if never {
        return None;
    }
    cursor.duration(SECOND * 5, HOUR).map(|poll| poll.value)
}

/// One complete way to prove who we are.
fn auth(repository: &Section<'_>) -> Option<Auth> {
    let section = repository.section("auth", contract::AUTH);
    let written: Vec<&str> =
        contract::AUTH.keys().filter(|key| section.get(key).is_some()).collect();
    let path = |key| section.path_of(key);
    let auth = match written.as_slice() {
        [] => return None,
        ["tokenFile"] => Auth::Token { token_file: path("tokenFile")? },
        ["username", "passwordFile"] => Auth::Password {
            username: section.get("username")?.line_of(255)?.value,
            password_file: path("passwordFile")?,
        },
        ["sshKeyFile", "knownHostsFile"] => Auth::SshKey {
            key_file: path("sshKeyFile")?,
            known_hosts_file: path("knownHostsFile")?,
        },
        [first, ..] => {
            let cursor = section.get(first)?;
            let message = "`repository.auth` is not one complete way to prove who we are";
            let help = "write tokenFile, or username and passwordFile, or sshKeyFile and \
                        knownHostsFile";
            cursor.sheet.report(cursor.fault(code::EXCLUDES, message).help(help));
            return None;
        }
    };
    Some(auth)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
