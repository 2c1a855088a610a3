use std::sync::Arc;

use super::*;
use crate::catalog::snapshot::{File, Folder};
use crate::catalog::{Memory, Snapshot};
use crate::model::{ContentHash, InstanceName, Revision, TreeId};
use crate::render::{Phase, all};

const DIGEST: &str = "sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b";

fn file(text: &str) -> File {
    File { size: text.len() as u64, bytes: Some(Arc::from(text.as_bytes())) }
}

/// The containers of a solution with these lines below `spec`.
#[track_caller]
fn read_back(platform: &str, spec: &str) -> BTreeMap<String, Container> {
    let platform = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: demo.example\n{platform}"
    );
    let text = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: use}}\nspec:\n{spec}"
    );
    let tree = TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).unwrap();
    let files = [
        ("solution.yaml".to_owned(), file(&text)),
        ("settings.yaml".to_owned(), file("depth: 2\n")),
    ]
    .into_iter()
    .collect();
    let folder = Arc::new(Folder { tree, files, oddities: BTreeMap::new() });
    let snapshot = Snapshot {
        revision: Revision::parse(&"0".repeat(40)).unwrap(),
        committed: jiff::Timestamp::UNIX_EPOCH,
        root: TreeId::parse(&"0".repeat(40)).unwrap(),
        platform: Some(file(&platform)),
        folders: BTreeMap::from([("use".to_owned(), folder)]).into(),
        oddities: BTreeMap::new(),
    };
    let catalog = crate::catalog::read(&snapshot, &mut Memory::default());
    let solution = catalog.solutions.get("use");
    let solution = solution.unwrap_or_else(|| panic!("{:#?}", catalog.refused));
    let instance = InstanceName::parse("test").unwrap();
    let desired = all(solution, catalog.platform.as_ref().unwrap(), &instance, Phase::Live);
    containers(&desired)
}

#[test]
fn a_container_gets_what_its_author_wrote() {
    let spec = format!(
        "  image: lab/use:1.0@{DIGEST}\n  command: [/app, $HOME, \"$$\"]\n  args: [--to=$(WHERE)]\n  \
         env: {{WHERE: \"a$$b\", OTHER: \"$(WHERE)\"}}\n  secrets: [KEY]\n  \
         files: {{/app/settings.yaml: settings.yaml}}\n  \
         scratch: [{{mountPath: /tmp, sizeLimit: 64Mi}}]\n  readOnlyRootFilesystem: true\n  \
         resources: {{requests: {{memory: 96Mi}}, limits: {{cpu: \"1\", memory: 128Mi}}}}\n"
    );
    let containers = read_back("", &spec);
    let container = containers.get("app").unwrap();
    assert_eq!(container.image, format!("docker.io/lab/use@{DIGEST}"));
    assert_eq!(container.command, ["/app", "$HOME", "$$"], "what is no reference stays");
    assert_eq!(container.args, ["--to=$(WHERE)"], "unless the author says so");
    let env = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(container.env, [env("OTHER", "$(WHERE)"), env("WHERE", "a$$b")]);
    assert_eq!(container.secrets, BTreeSet::from(["KEY".to_owned()]));
    assert_eq!(container.memory, Some(Quantity::mebibytes(128)));
    assert_eq!(container.memory_request, Some(Quantity::mebibytes(96)));
    assert_eq!(container.cpu, Some(Quantity::count(1)));
    assert!(container.read_only && container.never_root);
    assert_eq!(
        container.scratch,
        BTreeMap::from([("/tmp".to_owned(), Some(Quantity::mebibytes(64)))])
    );
    assert_eq!(
        container.files,
        BTreeMap::from([("/app/settings.yaml".to_owned(), b"depth: 2\n".to_vec())])
    );
}

#[test]
fn a_reference_is_the_value_where_its_author_means_it() {
    let spec = format!(
        "  image: registry.example/lab/use@{DIGEST}\n  expandVariables: true\n  \
         args: [\"$(OTHER)/$(NONE)\"]\n  env: {{WHERE: b, OTHER: \"a$(WHERE)\"}}\n"
    );
    let containers = read_back("", &spec);
    let container = containers.get("app").unwrap();
    assert_eq!(container.args, ["ab/$(NONE)"]);
    assert_eq!(container.image, format!("registry.example/lab/use@{DIGEST}"));
}

#[test]
fn each_component_has_its_own_and_an_operator_decides_on_root() {
    let spec = format!(
        "  components:\n    web: {{image: a/web@{DIGEST}, expose: {{path: /}}, dependsOn: [index]}}\n    \
         index: {{image: a/index@{DIGEST}, port: 9000}}\n"
    );
    let relaxed = "  cluster: {version: \"1.35\"}\n  podSecurity: {runAsRoot: userNamespace}\n";
    for (platform, never) in [("", true), (relaxed, false)] {
        let containers = read_back(platform, &spec);
        assert_eq!(containers.keys().collect::<Vec<_>>(), ["index", "web"]);
        assert!(containers.values().all(|container| container.never_root == never));
        let web = containers.get("web").unwrap();
        assert_eq!(web.env, [("INDEX_URL".to_owned(), "http://index".to_owned())]);
    }
}
