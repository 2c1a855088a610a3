//! The JSON Schema for editors refuses what the reader of the files refuses structurally, and
//! nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vitrine_core::catalog::contract::{File, json_schema};
use vitrine_core::catalog::fault::code;
use vitrine_core::catalog::{self, Fault, Memory};
use vitrine_core::model::{Quantity, duration, yaml};

use super::from_folder::{Files, of_files};
use super::hostile::{PLATFORM, solution};
use super::mutation::{Mistake, corpus, places, right};

/// What the schema tells like the reader of the files: keys, types, words, lengths, numbers.
const STRUCTURAL: [&str; 11] = [
    code::API_VERSION,
    code::KIND,
    code::MISSING,
    code::WRONG_TYPE,
    code::NULL,
    code::NOT_ONE_OF,
    code::UNKNOWN_FIELD,
    code::NOT_YET,
    code::TOO_LONG,
    code::OUT_OF_RANGE,
    code::TOO_MANY_FAULTS,
];

/// What it tells in part: the shape of a duration and not its bounds, two keys of one map that
/// exclude each other and not two whole parts.
const IN_PART: [&str; 6] = [
    code::BAD_QUANTITY,
    code::BAD_DURATION,
    code::EXCLUDES,
    code::BAD_NAME,
    code::BAD_IMAGE,
    code::BAD_DAY,
];

struct Schemas {
    solution: jsonschema::Validator,
    platform: jsonschema::Validator,
}

impl Schemas {
    fn new() -> Self {
        let of = |file| jsonschema::validator_for(&json_schema(file)).expect("a right schema");
        Self { solution: of(File::Solution), platform: of(File::Platform) }
    }

    fn of(&self, file: File) -> &jsonschema::Validator {
        match file {
            File::Solution => &self.solution,
            File::Platform => &self.platform,
        }
    }

    /// Where schema and reader say different things about a file, if they do.
    fn differ(&self, file: File, bytes: &[u8], beside: &Files) -> Option<String> {
        let document = yaml::read(bytes);
        // What is not YAML is not JSON either.
        let root = document.root.filter(|_| document.findings.is_empty())?;
        let errors: Vec<String> = self
            .of(file)
            .iter_errors(&root.to_json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        let mut files = beside.clone();
        files.entry("platform.yaml".to_owned()).or_insert_with(|| PLATFORM.as_bytes().to_vec());
        let path = match file {
            File::Platform => "platform.yaml".to_owned(),
            File::Solution => {
                let held = files.keys().find(|path| path.ends_with("/solution.yaml")).cloned();
                held.unwrap_or_else(|| "use/solution.yaml".to_owned())
            }
        };
        files.insert(path.clone(), bytes.to_vec());
        let catalog = catalog::read(&of_files(&files, BTreeMap::new()), &mut Memory::default());
        let of_platform = catalog.platform.err().into_iter().flatten();
        let of_folders = catalog.refused.into_values().flat_map(|refused| refused.faults);
        let faults: Vec<Fault> =
            of_platform.chain(of_folders).filter(|fault| fault.file == path).collect();
        let structural = faults.iter().any(|fault| STRUCTURAL.contains(&fault.code));
        let in_part = faults.iter().any(|fault| IN_PART.contains(&fault.code));
        let refused = !errors.is_empty();
        let agree = if refused { structural || in_part } else { !structural };
        let told: Vec<String> = faults.iter().map(|f| format!("{} {f}", f.code)).collect();
        (!agree).then(|| format!("schema: {errors:#?}\nreader: {told:#?}"))
    }
}

#[test]
fn schema_and_reader_agree_on_every_file_of_the_corpus() {
    let schemas = Schemas::new();
    let corpus = corpus();
    assert!(corpus.len() >= 200, "{}", corpus.len());
    let mut wrong = Vec::new();
    for (path, (file, bytes)) in corpus {
        if let Some(how) = schemas.differ(file, &bytes, &Files::new()) {
            wrong.push(format!("{path}: {how}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn schema_and_reader_agree_on_every_mistake() {
    let schemas = Schemas::new();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut tried, mut wrong) = (0, Vec::new());
    for right in right() {
        for (file, path) in
            [(File::Solution, right.solution.as_str()), (File::Platform, "platform.yaml")]
        {
            let text = right.text(path);
            let places = places(file, &text);
            let each = places.iter().flat_map(|place| Mistake::ALL.map(|mistake| (place, mistake)));
            for (place, mistake) in each {
                let Some(mutated) = place.mutate(&text, mistake, &mut random) else { continue };
                tried += 1;
                let differ = schemas.differ(file, mutated.text.as_bytes(), &right.files);
                if let Some(how) = differ {
                    wrong.push(format!("{}: {}: {how}", right.name, mutated.what));
                }
            }
        }
    }
    assert!(tried >= 2000, "{tried}");
    let shown = wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {tried}:\n{shown}", wrong.len());
}

/// Files in which the two once said different things.
#[test]
fn schema_and_reader_agree_at_the_edges() {
    let schemas = Schemas::new();
    for lines in [
        "metadata: {title: \" \"}",
        "metadata: {title: \"a\\nb\"}",
        "metadata: {title: \"a\\n\"}",
        "spec: {port: 8080.0}",
        "spec: {port: 8.08e3}",
        "spec: {port: 8080.5}",
        "spec: {port: +8080}",
        "spec: {port: 0x1F90}",
        "spec: {scaling: {minReplicas: -0}}",
        "spec: {evaluation: [{metric: a, value: .inf}]}",
        "spec: {evaluation: [{metric: a, value: 1e999}]}",
        "spec: {resources: {requests: {gpu: 1}}}",
        "spec: {resources: {requests: {nvidia.com/gpu: 1}}}",
        "spec: {resources: {requests: {cpu: -1}}}",
        "spec: {resources: {requests: {cpu: null}}}",
        "spec: {contact: {name: x}}",
        "spec: {readinessProbe: {}}",
        "spec: {readinessProbe: {tcpSocket: 5}}",
        "spec: {scaling: {target: {}}}",
        "spec: {startup: {timeout: 0s}}",
        "spec: {startup: {timeout: 30}}",
        "spec: {startup: {timeout: \"\"}}",
        "spec: {components: {}}",
        "spec: {components: {web: {}}}",
        "spec: {access: private}",
        "spec: {secrets: [1]}",
        "spec: {env: {A: 1}}",
        "spec: {env: {A: null}}",
        "spec: {network: {egress: [{host: a, port: 1}]}}",
    ] {
        let (map, rest) = lines.split_once(": {").expect("a map");
        let inside = rest.trim_end_matches(' ').strip_suffix('}').expect("a map");
        let right = solution("use");
        let text = match map {
            "metadata" => right.replace("{name: use}", &format!("{{name: use, {inside}}}")),
            _ => format!("{right}  {inside}\n"),
        };
        let differ = schemas.differ(File::Solution, text.as_bytes(), &Files::new());
        assert_eq!(differ, None, "{text}");
    }
    let right = solution("use");
    let none = right.lines().filter(|line| !line.contains("image")).collect::<Vec<_>>();
    for more in ["", "  components: {web: {}}\n", "  configurations: {a: {}}\n"] {
        let text = format!("{}\n{more}", none.join("\n"));
        let differ = schemas.differ(File::Solution, text.as_bytes(), &Files::new());
        assert_eq!(differ, None, "{text}");
    }
    for inside in [
        "activation: {mode: prometheus}",
        "cluster: {features: [a]}",
        "edge: {ingressClassName: 5}",
        "monitoring: null",
        "edge: null",
        "limits: {egress: [5]}",
        "limits: {egress: some}",
        "hardware: [{name: a, requests: {x/gpu: 1}}]",
        "mesh: {kind: off}",
        "mesh: {kind: false}",
        "mesh: {kind: true}",
    ] {
        let text = PLATFORM.replace("demo.example", &format!("demo.example, {inside}"));
        let differ = schemas.differ(File::Platform, text.as_bytes(), &Files::new());
        assert_eq!(differ, None, "{text}");
    }
}

/// Whether an editor and the daemon take the same settings.
#[test]
fn schema_and_reader_agree_on_settings() {
    let validator =
        jsonschema::validator_for(&vitrine_core::config::schema()).expect("a right schema");
    let right = "instance: prod\nrepository: {url: \"https://git.example/a.git\"}\n";
    let mut wrong = Vec::new();
    let mut judge = |more: &str, good: bool| {
        let text = match more.split_once(": ") {
            Some(("instance", _)) => right.replace("instance: prod", more),
            Some(("repository", rest)) => {
                let inside = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                right.replace(
                    "repository: {",
                    &format!("repository: {{{}, ", inside.expect("a map")),
                )
            }
            _ => format!("{right}{more}\n"),
        };
        let root = yaml::read(text.as_bytes()).root.expect("YAML").to_json();
        let file = vitrine_core::config::File { name: "vitrine.yaml", text: &text };
        let read = vitrine_core::config::read(Some(file), &BTreeMap::new(), &BTreeMap::new());
        if (validator.is_valid(&root), read.is_ok()) != (good, good) {
            let told: Vec<String> = validator.iter_errors(&root).map(|e| e.to_string()).collect();
            wrong.push(format!("{text}wanted {good}: schema {told:?}, reader {:?}", read.err()));
        }
    };
    for good in [
        "",
        "repository: {poll: 0}",
        "repository: {poll: \"0\"}",
        "repository: {poll: 1m30s, branch: main, path: demos, caFile: null}",
        "repository: {auth: {tokenFile: /run/token}}",
        "cluster: {mode: report, namespace: vitrine, kubeconfig: null, leaderElection: false}",
        "cluster: null",
        "safety: {maxRemovedShare: 0.5, maxDeletions: 0, approvalsExpireAfter: 1h}",
        "rollouts: {maxParallel: 1, verify: {on: never, parallel: 100}}",
        "reporting: {notes: false}",
        "reporting: {notes: false, forge: null}",
        "reporting: {forge: {kind: gitea, apiUrl: \"https://git.example\", repository: a/b, \
         auth: {tokenFile: /t}, perSolution: false, caFile: null}}",
        "reporting: {forge: {kind: github, apiUrl: null, repository: a/b, auth: {appId: 1, \
         installationId: 2, privateKeyFile: /k}}}",
        "web: {public: {listen: null, url: \"https://board.example\"}, private: null}",
        "web: {hooks: []}",
        "web: {hooks: [{name: a, kind: gitea, secretFiles: [/a, /b]}]}",
        "log: {level: debug, format: json}",
    ] {
        judge(good, true);
    }
    for bad in [
        "instance: Prod",
        "instance: 5",
        "repository: {pol: 60s}",
        "repository: {poll: 5}",
        "repository: {poll: never}",
        "repository: {auth: {token: abc}}",
        "cluster: {mode: watch}",
        "cluster: {namespace: A}",
        "cluster: {leaderElection: yes}",
        "safety: {maxDeletions: 1.5}",
        "safety: {maxRemovedShare: half}",
        "rollouts: {maxParallel: 0}",
        "rollouts: {verify: {parallel: 101}}",
        "schedule: {audit: x}",
        "reporting: {forge: {kind: svn, repository: a/b, auth: {tokenFile: /t}}}",
        "reporting: {forge: {kind: github, repository: a/b, auth: {token: secret}}}",
        "reporting: {forge: {kind: github, repository: a/b, perSolution: 1, \
         auth: {tokenFile: /t}}}",
        "reporting: {forge: {kind: github, repository: a/b, auth: {appId: 1, installationId: 0, \
         privateKeyFile: /k}}}",
        "web: {hooks: [{name: A, kind: github, secretFiles: [/a]}]}",
        "web: {hooks: [{name: a, kind: github, secretFiles: []}]}",
        "web: {hooks: [{name: a, kind: github}]}",
        "log: {level: loud}",
        "nothing: 1",
    ] {
        judge(bad, false);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// An editor must not underline what we take.
    #[test]
    fn an_amount_that_is_read_has_the_form_that_the_schema_shows(
        text in "[0-9]{0,3}\\.?[0-9]{0,3}(|[numkMGTPE]|[KMG]i|e[+-]?[0-9]{1,3}|x)",
        time in "([0-9]{0,6}(h|m|s|ms|d)?){0,5}",
    ) {
        let schema = json_schema(File::Solution);
        let definition = |name: &str| {
            jsonschema::is_valid(&schema["definitions"][name], &serde_json::json!(
                if name == "quantity" { &text } else { &time }
            ))
        };
        if Quantity::parse(&text).is_ok() {
            prop_assert!(definition("quantity"), "{text}");
        }
        prop_assert_eq!(definition("duration"), duration::parse(&time).is_ok(), "{}", time);
    }
}
