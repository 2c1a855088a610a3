#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::config::{ForgeAuth, ForgeKind, Hook, Images, layers};
use crate::model::decode::{Form, Schema};

fn settings(text: &str) -> Result<Config, Vec<Fault>> {
    read(Some(File { name: "vitrine.yaml", text }), &BTreeMap::new(), &BTreeMap::new())
}

fn faults(text: &str) -> Vec<String> {
    let faults = settings(text).expect_err("a fault was expected");
    faults.iter().map(|fault| format!("{} {fault}", fault.code)).collect()
}

const LEAST: &str = "instance: prod\nrepository: {url: /srv/a.git}\n";

#[test]
fn two_settings_are_enough_and_everything_else_has_a_default() {
    let config = settings(LEAST).unwrap();
    assert_eq!(config.repository.branch, "main");
    assert_eq!(config.repository.path, ".");
    assert_eq!(config.repository.poll, Some(Duration::from_secs(60)));
    assert_eq!(config.cluster.namespace, "vitrine-system");
    assert_eq!(config.safety.max_deletions, 100);
    assert!((config.safety.max_removed_share - 0.2).abs() < f64::EPSILON);
    assert_eq!(config.rollouts.verify, Verify::OnUpdate { parallel: 5 });
    assert_eq!(config.rollouts.max_parallel, 10);
    assert!(config.notes);
    assert_eq!(config.web.private_listen.as_deref(), Some("127.0.0.1:9090"));
    assert_eq!(config.log, Log { level: "info".into(), json: false });
}

#[test]
fn registries_are_asked_only_where_that_is_written() {
    let forge = |images: &str| {
        let text = format!(
            "{LEAST}reporting:\n  forge:\n    kind: github\n    repository: a/b\n    \
             auth: {{tokenFile: /t}}\n{images}"
        );
        settings(&text).unwrap().forge.unwrap().images
    };
    assert_eq!(forge(""), None);
    assert_eq!(forge("    images: null\n"), None);
    assert_eq!(forge("    images: {credentialsFile: /c}\n"), None);
    assert_eq!(forge("    images: {ask: true}\n"), Some(Images::default()));
    let images = forge("    images: {ask: true, credentialsFile: /c, plainHttp: [lab:5000]}\n");
    let credentials_file = Some("/c".into());
    let plain_http = vec!["lab:5000".to_owned()];
    assert_eq!(images, Some(Images { credentials_file, plain_http }));
    let alone = faults(&format!("{LEAST}reporting: {{forge: {{images: {{ask: true}}}}}}\n"));
    assert!(
        alone.iter().any(|fault| fault.contains("`reporting.forge.kind` is missing")),
        "{alone:?}"
    );
}

#[test]
fn the_api_server_is_asked_only_where_that_is_written() {
    let forge = |more: &str| {
        let forge = "kind: github, repository: a/b, auth: {tokenFile: /t}";
        let text = format!("{LEAST}reporting: {{forge: {{{forge}{more}}}}}\n");
        settings(&text).unwrap().forge.unwrap().dry_run
    };
    assert!(!forge("") && !forge(", dryRun: false") && forge(", dryRun: true"));
}

#[test]
fn lines_are_marked_by_an_app_alone() {
    let forge = |auth: &str| {
        format!(
            "{LEAST}reporting: {{forge: {{kind: github, repository: a/b, annotations: true, \
             auth: {auth}}}}}\n"
        )
    };
    let app = "{appId: 1, installationId: 2, privateKeyFile: /k}";
    assert!(settings(&forge(app)).unwrap().forge.unwrap().annotations);
    let [fault] = faults(&forge("{tokenFile: /t}")).try_into().unwrap();
    assert!(fault.contains("`reporting.forge.annotations` needs a GitHub App"), "{fault}");
    let off = forge("{tokenFile: /t}").replace("true", "false");
    assert!(!settings(&off).unwrap().forge.unwrap().annotations);
}

#[test]
fn every_key_that_the_file_may_have_can_be_set_and_shown() {
    fn leaves(schema: Schema, path: &str, found: &mut Vec<String>) {
        for field in schema.fields() {
            let path = format!("{path}{}", field.name);
            match field.form {
                Form::Map(inner) => leaves(*inner, &format!("{path}."), found),
                _ => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    leaves(contract::ROOT, "", &mut found);
    let known: Vec<&str> = layers::SETTINGS.iter().map(|setting| setting.path).collect();
    for path in found {
        assert!(known.contains(&path.as_str()), "{path} is no setting of layers.rs");
    }
}

#[test]
fn what_is_not_yaml_tells_only_that() {
    for text in ["instance: lab\nrepository: {url: [\n", "# nothing yet\n", "a: b: c\n"] {
        let faults = settings(text).unwrap_err();
        let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [code::SETTINGS_YAML], "{text}: {faults:?}");
    }
}

#[test]
fn without_a_file_two_flags_are_enough() {
    let flags = BTreeMap::from([("instance", "lab".to_owned()), ("repository.url", "../c".into())]);
    let config = read(None, &BTreeMap::new(), &flags).unwrap();
    assert_eq!(config.instance.as_str(), "lab");
    let missing = read(None, &BTreeMap::new(), &BTreeMap::new()).unwrap_err();
    let codes: Vec<&str> = missing.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, [code::SETTING_MISSING, code::SETTING_MISSING]);
}

#[test]
fn a_flag_is_stronger_than_a_variable_and_a_variable_than_the_file() {
    let text = "instance: file\nrepository: {url: /file, branch: file, poll: 10s}\n";
    let variables = BTreeMap::from([
        ("VITRINE_INSTANCE".to_owned(), "variable".to_owned()),
        ("VITRINE_REPOSITORY_URL".to_owned(), "/variable".to_owned()),
        ("VITRINE_REPOSITORY_POLL".to_owned(), "0".to_owned()),
        ("VITRINE_SAFETY_MAX_REMOVED_SHARE".to_owned(), "0.5".to_owned()),
    ]);
    let flags = BTreeMap::from([("instance", "flag".to_owned())]);
    let config = read(Some(File { name: "f", text }), &variables, &flags).unwrap();
    assert_eq!(config.instance.as_str(), "flag");
    assert_eq!(config.repository.url, "/variable");
    assert_eq!(config.repository.branch, "file");
    assert_eq!(config.repository.poll, None);
    assert!((config.safety.max_removed_share - 0.5).abs() < f64::EPSILON);
}

#[test]
fn a_misspelt_variable_is_a_fault_and_one_of_kubernetes_is_not() {
    let variables = BTreeMap::from([
        ("VITRINE_REPOSITRY_URL".to_owned(), "/x".to_owned()),
        ("VITRINE_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned()),
        ("VITRINE_PORT_8080_TCP".to_owned(), "tcp://10.0.0.1:8080".to_owned()),
        ("PATH".to_owned(), "/bin".to_owned()),
    ]);
    let faults =
        read(Some(File { name: "f", text: LEAST }), &variables, &BTreeMap::new()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].to_string().contains("`VITRINE_REPOSITORY_URL`"), "{faults:#?}");
}

#[test]
fn a_fault_in_a_variable_names_the_variable() {
    let variables = BTreeMap::from([("VITRINE_LOG_LEVEL".to_owned(), "loud".to_owned())]);
    let faults =
        read(Some(File { name: "f", text: LEAST }), &variables, &BTreeMap::new()).unwrap_err();
    assert_eq!(faults[0].file, "VITRINE_LOG_LEVEL");
}

fn with_forge(forge: &str) -> String {
    format!("{LEAST}reporting: {{forge: {forge}}}\n")
}

#[test]
fn a_forge_has_its_usual_api_and_what_it_shows_by_itself() {
    let forge = |text: &str| settings(&with_forge(text)).unwrap().forge.unwrap();
    let token = "auth: {tokenFile: /run/token}";
    let hub = forge(&format!("{{kind: github, repository: aim/catalogue, {token}}}"));
    assert_eq!((&*hub.api_url, hub.per_solution), ("https://api.github.com", true));
    assert_eq!(hub.auth, ForgeAuth::Token { token_file: "/run/token".into() });
    let lab = forge(&format!("{{kind: gitlab, repository: a/b/catalogue, {token}}}"));
    assert_eq!((&*lab.api_url, lab.per_solution), ("https://gitlab.com/api/v4", false));
    for (kind, url, api) in [
        ("gitea", "https://git.example", "https://git.example/api/v1"),
        ("forgejo", "https://git.example/", "https://git.example/api/v1"),
        ("forgejo", "https://example.org/git/api/v1/", "https://example.org/git/api/v1"),
        ("github", "https://hub.example", "https://hub.example/api/v3"),
        ("gitlab", "http://127.0.0.1:80", "http://127.0.0.1:80/api/v4"),
    ] {
        let text = format!("{{kind: {kind}, apiUrl: \"{url}\", repository: a/b, {token}}}");
        assert_eq!(forge(&text).api_url, api, "{kind} {url}");
    }
    let app = "auth: {appId: 12, installationId: 7, privateKeyFile: /run/key.pem}";
    let app = forge(&format!("{{kind: github, repository: a/b, {app}}}")).auth;
    let key = "/run/key.pem".into();
    let wanted = ForgeAuth::App { app_id: "12".into(), installation_id: 7, private_key_file: key };
    assert_eq!(app, wanted);
    let variable = ("VITRINE_REPORTING_FORGE_REPOSITORY".to_owned(), "c/d".to_owned());
    let text = with_forge(&format!("{{kind: github, repository: a/b, {token}}}"));
    let file = File { name: "f", text: &text };
    let config = read(Some(file), &[variable].into(), &BTreeMap::new()).unwrap();
    assert_eq!(config.forge.unwrap().repository, "c/d");
}

#[test]
fn a_forge_that_is_not_said_completely_is_a_fault_and_none_is_none() {
    assert_eq!(settings(LEAST).unwrap().forge, None);
    for none in ["null", "{}", "{kind: null, auth: {tokenFile: null}}"] {
        assert_eq!(settings(&with_forge(none)).unwrap().forge, None, "{none}");
    }
    for (text, codes) in [
        ("{kind: github}", "V0704 V0704"),
        ("{repository: a/b, auth: {tokenFile: t}}", "V0704"),
        ("{kind: svn, repository: a/b, auth: {tokenFile: t}}", "V0702"),
        ("{kind: gitea, repository: a/b, auth: {tokenFile: t}}", "V0704"),
        ("{kind: github, repository: a/b/c, auth: {tokenFile: t}}", "V0702"),
        ("{kind: github, repository: 'https://x/a', auth: {tokenFile: t}}", "V0702"),
        ("{kind: gitlab, repository: a/.., auth: {tokenFile: t}}", "V0702"),
        ("{kind: github, repository: a/b, auth: {appId: 1, tokenFile: t}}", "V0702"),
        ("{kind: github, repository: a/b, auth: {token: secret}}", "V0703 V0704"),
        (
            "{kind: gitea, apiUrl: 'https://h', repository: a/b, \
             auth: {appId: 1, installationId: 1, privateKeyFile: k}}",
            "V0702",
        ),
        ("{kind: github, apiUrl: 'https://u:p@h', repository: a/b, auth: {tokenFile: t}}", "V0706"),
        ("{kind: github, apiUrl: ftp://h, repository: a/b, auth: {tokenFile: t}}", "V0702"),
    ] {
        let mut told: Vec<&str> =
            settings(&with_forge(text)).unwrap_err().iter().map(|fault| fault.code).collect();
        told.sort_unstable();
        assert_eq!(told.join(" "), codes, "{text}");
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let faults = faults(
        "instance: Prod\nrepository:\n  url: ext::sh\n  branch: -x\n  path: ../x\n  poll: 1s\n  \
         auth: {tokenFile: a, username: b}\nsafety: {maxRemovedShare: 2}\nlgo: {}\n\
         web: {public: {listen: 8080}}\n",
    );
    assert_eq!(faults.len(), 9, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.starts_with("V07")), "{faults:#?}");
}

#[test]
fn what_is_not_built_yet_is_refused_when_written() {
    for text in [
        "cluster: {leaderElection: true}",
        "schedule: {audit: \"17 3 * * *\"}",
        "schedule: {freeze: []}",
    ] {
        let faults = faults(&format!("{LEAST}{text}\n"));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains("not supported yet"), "{faults:#?}");
    }
    for text in ["cluster: {mode: apply, leaderElection: false}", "schedule: {}"] {
        assert!(settings(&format!("{LEAST}{text}\n")).is_ok(), "{text}");
    }
}

#[test]
fn a_daemon_acts_unless_it_is_told_to_report() {
    let mode = |text: &str| settings(&format!("{LEAST}{text}\n")).map(|c| c.cluster.mode);
    assert_eq!(mode(""), Ok(Mode::Apply));
    assert_eq!(mode("cluster: {mode: apply}"), Ok(Mode::Apply));
    assert_eq!(mode("cluster: {mode: report}"), Ok(Mode::Report));
    assert!(mode("cluster: {mode: Report}").is_err());
}

#[test]
fn a_password_in_an_address_is_refused_and_shown_nowhere() {
    for url in [
        "https://user:hunter2secret@git.example/a.git",
        "https://hunter2secret@git.example/a.git",
        "ssh://git:hunter2secret@git.example/a.git",
    ] {
        let text = format!("instance: prod\nrepository: {{url: \"{url}\"}}\n");
        let faults = settings(&text).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert_eq!(faults[0].code, code::SETTING_PASSWORD);
        assert!(!format!("{faults:?}").contains("hunter2secret"), "{faults:#?}");
        let variables = BTreeMap::from([("VITRINE_REPOSITORY_URL".to_owned(), url.to_owned())]);
        let faults =
            read(Some(File { name: "f", text: LEAST }), &variables, &BTreeMap::new()).unwrap_err();
        assert!(!format!("{faults:?}").contains("hunter2secret"), "{faults:#?}");
    }
    assert!(settings("instance: a\nrepository: {url: \"ssh://git@h.example/a\"}\n").is_ok());
}

#[test]
fn one_complete_way_to_prove_who_we_are() {
    let auth = |text: &str| {
        settings(&format!("instance: a\nrepository: {{url: /x, auth: {text}}}\n"))
            .map(|config| config.repository.auth)
    };
    assert_eq!(auth("{tokenFile: /t}").unwrap(), Some(Auth::Token { token_file: "/t".into() }));
    assert!(matches!(
        auth("{username: u, passwordFile: /p}").unwrap(),
        Some(Auth::Password { .. })
    ));
    assert!(matches!(
        auth("{sshKeyFile: /k, knownHostsFile: /h}").unwrap(),
        Some(Auth::SshKey { .. })
    ));
    assert_eq!(auth("null").unwrap(), None);
    for bad in ["{username: u}", "{sshKeyFile: /k}", "{tokenFile: /t, sshKeyFile: /k}"] {
        assert!(auth(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_hook_has_a_name_a_kind_and_one_or_two_secrets() {
    let hooks = |text: &str| {
        settings(&format!("{LEAST}web: {{hooks: {text}}}\n")).map(|config| config.web.hooks)
    };
    let two = "[{name: aim, kind: github, secretFiles: [/a, /b]}, \
               {name: lab, kind: forgejo, secretFiles: [/c]}]";
    let hook = |name: &str, kind, files: &[&str]| Hook {
        name: name.to_owned(),
        kind,
        secret_files: files.iter().map(PathBuf::from).collect(),
    };
    let read =
        [hook("aim", ForgeKind::GitHub, &["/a", "/b"]), hook("lab", ForgeKind::Forgejo, &["/c"])];
    assert_eq!(hooks(two).unwrap(), read);
    for none in ["null", "[]"] {
        assert_eq!(hooks(none).unwrap(), []);
    }
    for (bad, told) in [
        ("{}", "`web.hooks` is a map, it must be a list"),
        ("[aim]", "`web.hooks[0]` is text, it must be a map"),
        ("[{kind: github, secretFiles: [/a]}]", "`web.hooks[0]` lacks `name`"),
        ("[{name: aim, secretFiles: [/a]}]", "`web.hooks[0]` lacks `kind`"),
        ("[{name: aim, kind: github}]", "`web.hooks[0]` lacks `secretFiles`"),
        ("[{name: aim, kind: github, secretFiles: []}]", "`web.hooks[0].secretFiles` is empty"),
        ("[{name: aim, kind: github, secretFiles: [/a, /b, /c]}]", "allowed are 2"),
        ("[{name: aim, kind: github, secretFiles: [5]}]", "`web.hooks[0].secretFiles[0]` is"),
        ("[{name: aim, kind: bitbucket, secretFiles: [/a]}]", "`web.hooks[0].kind` is `bitbucket`"),
        ("[{name: Aim, kind: github, secretFiles: [/a]}]", "`web.hooks[0].name` is `Aim`"),
        ("[{name: a/b, kind: github, secretFiles: [/a]}]", "`web.hooks[0].name` is `a/b`"),
        ("[{name: -a, kind: github, secretFiles: [/a]}]", "`web.hooks[0].name` is `-a`"),
        ("[{name: aim, kind: github, secretFiles: [/a], insecure: true}]", "`insecure`"),
        (
            "[{name: a, kind: github, secretFiles: [/a]}, {name: a, kind: gitea, secretFiles: [/a]}]",
            "`web.hooks[1].name` is `a`, as another hook is called",
        ),
    ] {
        let faults = faults(&format!("{LEAST}web: {{hooks: {bad}}}\n"));
        assert_eq!(faults.len(), 1, "{bad}: {faults:#?}");
        assert!(faults[0].starts_with("V07") && faults[0].contains(told), "{bad}: {faults:#?}");
    }
    let all = faults(&format!(
        "{LEAST}web: {{hooks: [{{name: A, kind: hub, secretFiles: [], x: 1}}, {{}}]}}\n"
    ));
    assert_eq!(all.len(), 7, "{all:#?}");
    let many = vec!["{name: a, kind: github, secretFiles: [/a]}"; 17].join(", ");
    let faults = faults(&format!("{LEAST}web: {{hooks: [{many}]}}\n"));
    assert!(faults[0].contains("allowed are 16"), "{faults:#?}");
}

#[test]
fn a_hook_behind_a_closed_door_is_a_fault() {
    let hooks = "hooks: [{name: aim, kind: github, secretFiles: [/a]}]";
    let faults = faults(&format!("{LEAST}web: {{public: {{listen: null}}, {hooks}}}\n"));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("`web.public.listen: null`"), "{faults:#?}");
    let open = format!("{LEAST}web: {{public: {{listen: null}}, {hooks}}}\n");
    let flags = BTreeMap::from([("web.public.listen", "127.0.0.1:1".to_owned())]);
    assert!(read(Some(File { name: "f", text: &open }), &BTreeMap::new(), &flags).is_ok());
}

#[test]
fn no_variable_says_a_list() {
    let variables = BTreeMap::from([("VITRINE_WEB_HOOKS".to_owned(), "[]".to_owned())]);
    let faults =
        read(Some(File { name: "f", text: LEAST }), &variables, &BTreeMap::new()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].to_string().contains("`web.hooks` is a list"), "{faults:#?}");
}

#[test]
fn a_door_can_be_closed() {
    let config = settings(&format!("{LEAST}web: {{public: {{listen: null}}}}\n")).unwrap();
    assert_eq!(config.web.public_listen, None);
    assert!(config.web.private_listen.is_some());
}

#[test]
fn the_variable_of_a_setting_is_its_path() {
    use crate::config::variable;
    assert_eq!(variable("repository.auth.tokenFile"), "VITRINE_REPOSITORY_AUTH_TOKEN_FILE");
}

proptest! {
    #[test]
    fn no_settings_make_it_panic(text in "(instance|repository|web|[ :{}\\[\\],a0\\n\"'-]){0,40}") {
        let _ = settings(&text);
    }
}
