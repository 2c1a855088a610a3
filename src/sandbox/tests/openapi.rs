//! What a client learns of the schemas before it applies.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use vitrine_core::model::{Kind, ObjectKey};

#[tokio::test]
async fn each_group_and_version_has_a_document_that_tells_of_its_kinds() {
    let s = sandbox();
    let (code, index) = get(&s, "/openapi/v3").await;
    assert_eq!(code, 200);
    let paths = index["paths"].as_object().unwrap();
    for root in ["api/v1", "apis/apps/v1", "apis/keda.sh/v1alpha1"] {
        let place = paths[root]["serverRelativeURL"].as_str().unwrap();
        let (code, document) = get(&s, place).await;
        assert_eq!((code, &document["openapi"]), (200, &json!("3.0.0")), "{root}");
        // As clients look for it: does a PATCH of this kind take `fieldValidation`?
        for (path, operations) in document["paths"].as_object().unwrap() {
            let Some(patch) = operations.get("patch") else { continue };
            assert!(path.starts_with(&format!("/{root}/")), "{path}");
            let parameters = patch["parameters"].as_array().unwrap();
            assert!(
                parameters.iter().any(|p| p["name"] == "fieldValidation" && p["in"] == "query")
            );
            let kind = &patch["x-kubernetes-group-version-kind"];
            let schemas = document["components"]["schemas"].as_object().unwrap();
            let told = |schema: &&Value| schema["x-kubernetes-group-version-kind"][0] == *kind;
            assert!(schemas.values().any(|schema| told(&schema)), "{kind}");
        }
    }
    let (_, keda) = get(&s, "/openapi/v3/apis/keda.sh/v1alpha1").await;
    let scaled = &keda["components"]["schemas"]["sh.keda.v1alpha1.ScaledObject"];
    assert!(scaled["properties"]["spec"]["properties"]["scaleTargetRef"].is_object(), "{scaled}");
    assert_eq!(get(&s, "/openapi/v3/apis/nobody/v1").await.0, 404);
    s.remove_definition("scaledobjects.keda.sh");
    assert_eq!(get(&s, "/openapi/v3/apis/keda.sh/v1alpha1").await.0, 404);
}

/// Of 1.30 or newer: an older one asks for the second version of the schemas only.
const KUBECTL: &str = "/usr/bin/kubectl";

/// Runs kubectl against the sandbox with this on its stdin; what it said, and whether it was well.
async fn kubectl(
    address: std::net::SocketAddr,
    arguments: &'static [&str],
    given: String,
) -> (bool, String) {
    let ran = tokio::task::spawn_blocking(move || {
        let home = std::env::temp_dir().join(format!("vitrine-kubectl-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let kubeconfig = home.join("kubeconfig");
        std::fs::write(&kubeconfig, Sandbox::kubeconfig(address)).unwrap();
        let mut command = Command::new(KUBECTL);
        command.args(arguments).env("HOME", &home).env("KUBECONFIG", &kubeconfig);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let _ = std::fs::remove_dir_all(&home);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    });
    ran.await.unwrap()
}

#[tokio::test]
async fn a_real_kubectl_applies_without_being_told_not_to_validate() {
    if !Path::new(KUBECTL).exists() {
        // Past the capture of a test that passes.
        let said =
            "left out: what kubectl makes of our schemas, because there is no /usr/bin/kubectl";
        let _ = writeln!(std::io::stderr(), "{said}");
        return;
    }
    let s = sandbox();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = s.serve(listener);
    let mut objects = [
        map("a", json!({"a": "b"})),
        deployment(Some(1)),
        scaled(
            json!({"scaleTargetRef": {"name": "d"}, "triggers": [{"type": "cpu", "metadata": {}}]}),
        ),
    ];
    // One document each: of a List kubectl asks another, older question.
    let all = |objects: &[Value]| objects.iter().map(|o| format!("---\n{o}\n")).collect::<String>();
    const APPLY: &[&str] = &["apply", "-n", "p", "-f", "-"];
    const SERVER_SIDE: &[&str] = &["apply", "--server-side", "-n", "p", "-f", "-"];
    let (well, said) = kubectl(address, APPLY, all(&objects)).await;
    assert!(well && said.matches(" created").count() == 3, "{said}");
    objects[0]["data"]["a"] = json!("c");
    objects[1]["spec"]["replicas"] = json!(2);
    objects[2]["spec"]["maxReplicaCount"] = json!(3);
    let (well, said) = kubectl(address, APPLY, all(&objects)).await;
    assert!(well && said.matches(" configured").count() == 3, "{said}");
    let key = ObjectKey::namespaced(Kind::ScaledObject, "p", "s");
    assert_eq!(s.get(&key).unwrap()["spec"]["maxReplicaCount"], 3);
    let mut other = map("b", json!({}));
    let (well, said) = kubectl(address, SERVER_SIDE, other.to_string()).await;
    assert!(well && said.contains("serverside-applied"), "{said}");
    // The server still judges.
    other["dato"] = json!({});
    let (well, said) = kubectl(address, APPLY, other.to_string()).await;
    assert!(!well && said.contains("unknown field \"dato\""), "{said}");
    door.abort();
}
