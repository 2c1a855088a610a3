//! What a pod is given beside its application: secrets, models, a place to run, a warm-up.

use serde_json::{Value, json};
use vitrine_core::catalog::Solution;
use vitrine_core::catalog::platform::Provisioner;
use vitrine_core::catalog::solution::{Architecture, Shape, Volume};
use vitrine_core::model::{Kind, Quantity, marks};
use vitrine_core::render::{Desired, Phase};

use super::fixtures::{component, is_warmed_up, mount, platform, single, solution, warmup_image};
use super::rules::{find, live, of_kind, on};

fn pod<'a>(desired: &'a Desired, name: &str) -> &'a Value {
    &find(desired, Kind::Deployment, name).body["spec"]["template"]["spec"]
}

fn warmed(solution: &Solution) -> Desired {
    let mut platform = platform();
    platform.warmup_image = Some(warmup_image());
    on(solution, &platform, Phase::Live)
}

#[test]
fn each_shape_takes_its_secrets_from_the_secret_that_the_operator_was_told() {
    let secrets = |shape, name: &str| {
        let mut one = component(name, Some(("use.demo.example", "/")));
        one.secrets = ["KEY".to_owned()].into();
        let desired = live(&solution("use", shape, [one]));
        pod(&desired, name)["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"].clone()
    };
    assert_eq!(secrets(Shape::Single, "app"), "app-secrets");
    assert_eq!(secrets(Shape::Configurations, "pumps"), "app-secrets");
    assert_eq!(secrets(Shape::Components, "web"), "web-secrets");
}

#[test]
fn a_dollar_is_text_unless_the_author_asks_for_variables() {
    let rendered = |expands| {
        let desired = live(&single("use", |app| {
            app.expand_variables = expands;
            app.env.insert("DSN".to_owned(), "db://$(KEY)@host".to_owned());
            app.command = vec!["run".to_owned(), "$$".to_owned()];
            app.args = vec!["--to=$(KEY)".to_owned()];
        }));
        let container = &pod(&desired, "app")["containers"][0];
        let (env, command, args) = ("/env/0/value", "/command/1", "/args/0");
        [env, command, args].map(|at| container.pointer(at).unwrap().clone())
    };
    assert_eq!(rendered(true), ["db://$(KEY)@host", "$$", "--to=$(KEY)"]);
    assert_eq!(rendered(false), ["db://$$(KEY)@host", "$$$", "--to=$$(KEY)"]);
}

#[test]
fn a_models_volume_is_read_only_and_meets_none_of_ours() {
    let desired = live(&single("use", |app| {
        app.scratch.insert(mount("/tmp"), Quantity::gibibytes(1));
        let volume = Volume { image: app.image.clone(), mount_path: mount("/models") };
        app.volumes.insert("scratch-0".to_owned(), volume);
    }));
    let pod = pod(&desired, "app");
    assert_eq!(pod["volumes"][0]["name"], "scratch-0");
    assert_eq!(pod["volumes"][1]["name"], "image-scratch-0");
    let mount = &pod["containers"][0]["volumeMounts"][1];
    assert_eq!(
        *mount,
        json!({ "name": "image-scratch-0", "mountPath": "/models", "readOnly": true })
    );
    assert_eq!(pod["volumes"][1]["image"]["reference"], pod["containers"][0]["image"]);
}

#[test]
fn karpenter_is_asked_by_labels_alone() {
    let mut platform = platform();
    platform.nodes.provisioner = Provisioner::Karpenter;
    let exclusive = single("use", |app| app.hardware.exclusive = true);
    let desired = on(&exclusive, &platform, Phase::Live);
    assert_eq!(pod(&desired, "app")["nodeSelector"], json!({ marks::SOLUTION: "use" }));
    assert_eq!(pod(&desired, "app").get("affinity"), None);

    let shared = on(&single("use", |_| {}), &platform, Phase::Live);
    assert_eq!(pod(&shared, "app").get("nodeSelector"), None, "it may stand beside others");
    let other = live(&exclusive);
    assert_eq!(pod(&other, "app").get("nodeSelector"), None);
    assert!(pod(&other, "app")["affinity"]["podAntiAffinity"].is_object());
}

#[test]
fn an_image_runs_only_where_it_was_built_for_whoever_makes_the_nodes() {
    for provisioner in [Provisioner::Karpenter, Provisioner::ClusterAutoscaler] {
        let mut platform = platform();
        platform.nodes.provisioner = provisioner;
        let solution = single("use", |app| {
            app.hardware.exclusive = true;
            app.architectures.insert(Architecture::Arm64);
        });
        let desired = on(&solution, &platform, Phase::Live);
        let affinity = &pod(&desired, "app")["affinity"];
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let terms = &affinity["nodeAffinity"][required]["nodeSelectorTerms"];
        assert_eq!(terms[0]["matchExpressions"][0]["values"], json!(["arm64"]));
    }
}

#[test]
fn a_warm_up_needs_requests_and_an_image() {
    let none = |desired: &Desired| {
        assert_eq!(pod(desired, "app").get("initContainers"), None);
        let maps = of_kind(desired, Kind::ConfigMap);
        assert!(maps.into_iter().all(|map| !map.key.name.contains("-warmup-")));
    };
    none(&live(&single("use", is_warmed_up)));
    none(&warmed(&single("use", |_| {})));

    let desired = warmed(&single("use", is_warmed_up));
    let sidecar = &pod(&desired, "app")["initContainers"][0];
    assert_eq!(sidecar["restartPolicy"], "Always", "it would hold the application up for ever");
    assert!(sidecar["readinessProbe"].is_object());
    assert_eq!(sidecar.get("startupProbe"), None, "it waits for what waits for it");
    let volume = &pod(&desired, "app")["volumes"][0]["configMap"]["name"];
    let name = volume.as_str().unwrap();
    let data = &find(&desired, Kind::ConfigMap, name).body["data"];
    assert!(data["000.json"].as_str().unwrap().contains("/embed"), "in the author's order");
}

#[test]
fn other_requests_are_another_config_map_and_roll_the_pods() {
    let with = |text: &'static str| {
        let desired = warmed(&single("use", |app| {
            app.warmup = vec![("examples/a.json".to_owned(), text.as_bytes().into())];
        }));
        let deployment = find(&desired, Kind::Deployment, "app").template.clone();
        (pod(&desired, "app")["volumes"][0]["configMap"]["name"].clone(), deployment)
    };
    let (old, new) = (with(r#"{"path": "/"}"#), with(r#"{"path": "/a"}"#));
    assert_ne!(old.0, new.0);
    assert_ne!(old.1, new.1);
    assert_eq!(old, with(r#"{"path": "/"}"#));
}

#[test]
fn a_component_may_be_called_like_its_sidecar_and_listen_where_it_does() {
    let mut one = component("warm-up", Some(("use.demo.example", "/")));
    is_warmed_up(&mut one);
    one.port = 61_417;
    let desired = warmed(&solution("use", Shape::Components, [one]));
    let pod = pod(&desired, "warm-up");
    assert_ne!(pod["containers"][0]["name"], pod["initContainers"][0]["name"]);
    let args = pod["initContainers"][0]["args"].as_array().unwrap();
    let said = args.iter().filter(|arg| **arg == "61417").count();
    assert_eq!(said, 1, "the application's own: {args:?}");
}
