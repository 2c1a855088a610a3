//! Flags over variables over the file: where each setting comes from.

use std::collections::BTreeMap;

use crate::model::Party;
use crate::model::decode::{self, Cursor, Fields, Sheet, nearest};
use crate::model::fault::{Fault, code};
use crate::model::yaml::{self, Node, Span, Value};

/// The settings' text and the name by which faults call it.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Stands in faults as the file's path.
    pub name: &'a str,
    /// The whole file, in YAML; an empty one says nothing.
    pub text: &'a str,
}

/// A setting that a variable may set, too, unless it is a list.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// `repository.url`
    pub path: &'static str,
    /// The flag that sets it, where there is one.
    pub flag: Option<&'static str>,
    form: Form,
}

/// What is made of the text of a flag or a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The text, also if it looks like a number.
    Text,
    /// What YAML makes of it.
    Plain,
    /// Nothing: only the file can say it.
    List,
}

const fn text(path: &'static str, flag: Option<&'static str>) -> Setting {
    Setting { path, flag, form: Form::Text }
}

const fn plain(path: &'static str) -> Setting {
    Setting { path, flag: None, form: Form::Plain }
}

const fn list(path: &'static str) -> Setting {
    Setting { path, flag: None, form: Form::List }
}

/// Every setting that is one value or one list.
pub const SETTINGS: &[Setting] = &[
    text("instance", Some("--instance")),
    text("repository.url", Some("--repo")),
    text("repository.branch", Some("--branch")),
    text("repository.path", Some("--path")),
    plain("repository.poll"),
    text("repository.auth.tokenFile", None),
    text("repository.auth.username", None),
    text("repository.auth.passwordFile", None),
    text("repository.auth.sshKeyFile", None),
    text("repository.auth.knownHostsFile", None),
    text("repository.caFile", None),
    text("repository.mirror", Some("--mirror")),
    text("cluster.kubeconfig", Some("--kubeconfig")),
    text("cluster.context", Some("--context")),
    text("cluster.namespace", Some("--namespace")),
    text("cluster.mode", None),
    plain("cluster.leaderElection"),
    plain("safety.maxRemovedShare"),
    plain("safety.maxDeletions"),
    plain("safety.approvalsExpireAfter"),
    plain("rollouts.maxParallel"),
    text("rollouts.verify.on", None),
    plain("rollouts.verify.parallel"),
    plain("reporting.notes"),
    text("reporting.forge.kind", None),
    text("reporting.forge.apiUrl", None),
    text("reporting.forge.repository", None),
    text("reporting.forge.auth.tokenFile", None),
    text("reporting.forge.auth.appId", None),
    plain("reporting.forge.auth.installationId"),
    text("reporting.forge.auth.privateKeyFile", None),
    plain("reporting.forge.perSolution"),
    text("reporting.forge.caFile", None),
    text("reporting.forge.pullRequests", None),
    plain("reporting.forge.annotations"),
    plain("reporting.forge.dryRun"),
    plain("reporting.forge.images.ask"),
    text("reporting.forge.images.credentialsFile", None),
    list("reporting.forge.images.plainHttp"),
    text("web.public.listen", Some("--listen")),
    text("web.public.url", None),
    text("web.private.listen", None),
    list("web.hooks"),
    text("log.level", Some("--log-level")),
    text("log.format", Some("--log-format")),
];

/// The variable of a setting: `safety.maxRemovedShare` is `VITRINE_SAFETY_MAX_REMOVED_SHARE`.
pub fn variable(path: &str) -> String {
    let mut name = "VITRINE_".to_owned();
    for character in path.chars() {
        match character {
            '.' => name.push('_'),
            c if c.is_ascii_uppercase() => {
                name.push('_');
                name.push(c);
            }
            c => name.push(c.to_ascii_uppercase()),
        }
    }
    name
}

/// The flag of a setting.
pub fn flag(path: &str) -> Option<&'static str> {
    SETTINGS.iter().find(|setting| setting.path == path)?.flag
}

/// A variable that means something else: the file's place, and what Kubernetes puts into every
/// container for a Service that is called `vitrine`.
fn is_foreign(name: &str) -> bool {
    name == "VITRINE_CONFIG"
        || name == "VITRINE_PORT"
        || name.starts_with("VITRINE_PORT_")
        || name.starts_with("VITRINE_SERVICE_")
}

/// A value that a flag or a variable gave.
struct Given {
    path: &'static str,
    sheet: Sheet,
    node: Node,
}

/// Values from flags and variables, the flags first.
pub struct Layers {
    given: Vec<Given>,
}

impl Layers {
    /// Sorts out flags (by the setting's path) and variables (by their own name); a variable
    /// that is no setting is a fault.
    pub fn new(
        flags: &BTreeMap<&'static str, String>,
        variables: &BTreeMap<String, String>,
    ) -> (Self, Vec<Fault>) {
        let mut given = Vec::new();
        for setting in SETTINGS {
            if let Some(value) = flags.get(setting.path) {
                given.push(Given::new(setting, setting.flag.unwrap_or(setting.path), value));
            }
        }
        let mut faults = Vec::new();
        for (name, value) in variables {
            let setting = SETTINGS.iter().find(|setting| variable(setting.path) == *name);
            if let Some(setting) = setting.filter(|setting| setting.form == Form::List) {
                faults.push(only_in_the_file(name, setting));
            } else if let Some(setting) = setting {
                given.push(Given::new(setting, name, value));
            } else if name.starts_with("VITRINE_") && !is_foreign(name) {
                faults.push(unknown(name));
            }
        }
        (Self { given }, faults)
    }

    /// The value of a setting from the highest layer that has one. The file's map that would
    /// hold it is `fields`; its last key is `key`.
    pub fn get<'a>(
        &'a self,
        path: &str,
        fields: Option<&Fields<'a>>,
        key: &str,
    ) -> Option<Cursor<'a>> {
        let given = self.given.iter().find(|given| given.path == path);
        match given {
            Some(given) => Some(Cursor {
                sheet: &given.sheet,
                node: &given.node,
                key: Span::START,
                path: given.path.to_owned(),
                form: decode::Form::Any,
            })
            .filter(|cursor| cursor.node.value != Value::Null),
            None => fields?.or_null(key),
        }
    }

    /// What is wrong with the values.
    pub fn finish(self) -> Vec<Fault> {
        self.given.into_iter().flat_map(|given| given.sheet.finish()).collect()
    }
}

impl Given {
    fn new(setting: &Setting, name: &str, value: &str) -> Self {
        let end = u32::try_from(value.chars().count()).unwrap_or(u32::MAX - 1);
        let at = Span { line: 1, column: 1, end_line: 1, end_column: end.saturating_add(1) };
        let parsed = match setting.form == Form::Text && !value.is_empty() {
            true => Value::Text(value.to_owned()),
            false => yaml::scalar(value),
        };
        Self {
            path: setting.path,
            sheet: Sheet::new(name, value, Party::Operator),
            node: Node { at, value: parsed },
        }
    }
}

fn only_in_the_file(name: &str, setting: &Setting) -> Fault {
    let message = format!("`{}` is a list, which no variable can say", setting.path);
    let fault = Fault::new(code::SETTING_VALUE, name, Party::Operator, message);
    fault.help("write it in the file")
}

fn unknown(name: &str) -> Fault {
    let settings = SETTINGS.iter().filter(|setting| setting.form != Form::List);
    let names: Vec<String> = settings.map(|setting| variable(setting.path)).collect();
    let near = nearest(name, names.iter().map(String::as_str));
    let message = format!("no setting is called `{name}`");
    let fault = Fault::new(code::SETTING_UNKNOWN, name, Party::Operator, message);
    match near {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`vitrine config show` lists the settings"),
    }
}
