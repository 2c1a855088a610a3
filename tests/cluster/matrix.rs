//! Every two switches of `platform.yaml` together, but the pairs that V06xx refuses, give objects
//! that a strict API server takes.

use std::collections::BTreeSet;

use vitrine_core::catalog::{self, Catalog, Memory};
use vitrine_core::model::InstanceName;
use vitrine_core::render::{self, Phase};

use crate::corpus::from_folder::{Files, of_files};
use crate::support::cluster::Cluster;
use crate::support::objects;

/// A section of the platform and what may stand there. `%` is an image's digest.
const SWITCHES: [(&str, &[&str]); 11] = [
    (
        "edge",
        &[
            "{}",
            "{controller: traefik, gateway: {dataPlane: {serviceAccount: edge}}}",
            "{controller: traefik}",
            "{controller: envoy-gateway, gateway: {sectionName: https, dataPlane: {namespace: envoy, serviceAccount: edge}}}",
            "{controller: other, gateway: {dataPlane: {serviceAccount: edge}}}",
            "{kind: Ingress, ingressClassName: nginx, gateway: {dataPlane: {namespace: nginx, serviceAccount: nginx}}}",
        ],
    ),
    (
        "activation",
        &[
            "{mode: interceptor}",
            "{mode: prometheus, prometheus: {serverAddress: \"http://prometheus.monitoring:9090\", job: edge}}",
            "{mode: none}",
            "{mode: none, interceptor: {namespace: keda}}",
        ],
    ),
    ("mesh", &["{kind: off}", "{kind: linkerd, policy: deny}", "{kind: linkerd, policy: audit}"]),
    (
        "monitoring",
        &[
            "null",
            "{namespace: monitoring}",
            "{namespace: monitoring, serviceAccount: prometheus, podMonitors: true}",
        ],
    ),
    ("registries", &["{}", "{requireDigest: true, pullSecret: regcred}"]),
    ("nodes", &["{}", "{provisioner: karpenter, priorityClassName: vitrine-solution}"]),
    ("warmup", &["{image: null}", "{image: \"registry.example/vitrine:1%\"}"]),
    ("cluster", &["{version: \"1.33\"}", "{version: \"1.35\"}"]),
    (
        "podSecurity",
        &[
            "{level: restricted, runAsRoot: refuse}",
            "{level: restricted, runAsRoot: userNamespace}",
            "{level: baseline, runAsRoot: refuse}",
            "{level: baseline, runAsRoot: userNamespace}",
        ],
    ),
    (
        "hardware",
        &[
            "[{name: any, requests: {cpu: 250m, memory: 1Gi}}]",
            "[{name: any, nodeGroup: solutions, isolation: exclusive, requests: {cpu: \"4\", memory: 16Gi}}]",
            "[{name: any, nodeGroup: gpu, isolation: exclusive, requests: {cpu: \"4\", memory: 16Gi, nvidia.com/gpu: \"1\"}}]",
        ],
    ),
    ("limits", &["{minReplicas: 0}", "{minReplicas: 2, egress: [192.0.2.0/24]}"]),
];

/// A choice for each switch.
type Row = [usize; SWITCHES.len()];
/// (switch, choice, switch, choice), the first switch before the second.
type Pair = (usize, usize, usize, usize);

const DIGEST: &str = "@sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

fn platform(row: &Row) -> String {
    let mut text = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: \
                    demo.example\n"
        .to_owned();
    for ((key, choices), choice) in SWITCHES.iter().zip(row) {
        text += &format!("  {key}: {}\n", choices[*choice].replace('%', DIGEST));
    }
    text
}

/// One component that says much, and three that wake as one.
const SOLUTIONS: [(&str, &str); 2] = [
    (
        "matrix",
        "  image: \"registry.example/a:1%\"\n  secrets: [KEY]\n  metricsPath: /metrics\n  \
         architectures: [amd64]\n  startup: {warmup: [examples/a.json]}\n  network: {egress: \
         [{cidr: 192.0.2.0/24, port: 443}]}\n  http: {cors: {allowOrigins: \
         [\"https://plm.example.org\"]}, rateLimit: {requestsPerSecond: 5}, maxRequestBodySize: \
         20Mi}\n  scaling: {maxReplicas: 2, schedules: [{timezone: UTC, start: \"0 8 * * *\", end: \
         \"0 9 * * *\"}]}\n",
    ),
    (
        "matrix-parts",
        "  image: \"registry.example/a:1%\"\n  components:\n    web: {expose: {path: /}}\n    api: \
         {expose: {path: /api, stripPrefix: true}, dependsOn: [model], http: {rateLimit: \
         {requestsPerSecond: 2}}}\n    model: {metricsPath: /metrics, scaling: {minReplicas: 0}}\n",
    ),
];

fn read(row: &Row) -> Catalog {
    let mut files = Files::from([("platform.yaml".to_owned(), platform(row).into_bytes())]);
    for (name, spec) in SOLUTIONS {
        let text = format!(
            "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
             owner: group:lab\n{}",
            spec.replace('%', DIGEST)
        );
        files.insert(format!("{name}/solution.yaml"), text.into_bytes());
        files.insert(format!("{name}/examples/a.json"), b"{\"path\": \"/\"}".to_vec());
    }
    catalog::read(&of_files(&files, Default::default()), &mut Memory::default())
}

/// Whether the platform of a row is one; a fault that is not about its switches fails the test.
fn is_allowed(row: &Row) -> bool {
    let catalog = read(row);
    let Err(faults) = &catalog.platform else {
        assert!(catalog.refused.is_empty(), "{}\n{:#?}", platform(row), catalog.refused);
        return true;
    };
    for fault in faults {
        assert!(["V0605", "V0606"].contains(&fault.code), "{}\n{fault}", platform(row));
    }
    false
}

fn pairs(row: &Row) -> impl Iterator<Item = Pair> {
    let of = move |first: usize| {
        (first + 1..SWITCHES.len()).map(move |second| (first, row[first], second, row[second]))
    };
    (0..SWITCHES.len()).flat_map(of)
}

/// Rows that hold every pair which some allowed row holds; and the pairs that none does.
fn rows() -> (Vec<Row>, BTreeSet<Pair>) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut open: BTreeSet<Pair> = BTreeSet::new();
    for (first, (_, ones)) in SWITCHES.iter().enumerate() {
        for (second, (_, twos)) in SWITCHES.iter().enumerate().skip(first + 1) {
            for one in 0..ones.len() {
                open.extend((0..twos.len()).map(|two| (first, one, second, two)));
            }
        }
    }
    let (mut rows, mut refused) = (Vec::new(), BTreeSet::new());
    while let Some((first, one, second, two)) = open.first().copied() {
        let mut candidates: Vec<Row> = Vec::new();
        for _ in 0..60 {
            let mut row: Row =
                std::array::from_fn(|switch| random.usize(0..SWITCHES[switch].1.len()));
            (row[first], row[second]) = (one, two);
            if is_allowed(&row) {
                candidates.push(row);
            }
        }
        let best = candidates
            .into_iter()
            .max_by_key(|row| pairs(row).filter(|p| open.contains(p)).count());
        match best {
            Some(row) => {
                pairs(&row).for_each(|pair| _ = open.remove(&pair));
                rows.push(row);
            }
            None => {
                open.remove(&(first, one, second, two));
                refused.insert((first, one, second, two));
            }
        }
    }
    (rows, refused)
}

scenario! {
    async fn every_two_switches_give_objects_that_the_server_takes(cluster: &Cluster) {
        let (rows, refused) = rows();
        let told = |(first, one, second, two): &Pair| {
            let said = |switch: usize, choice: usize| {
                format!("{}: {}", SWITCHES[switch].0, SWITCHES[switch].1[choice])
            };
            format!("{} with {}", said(*first, *one), said(*second, *two))
        };
        // What excludes each other in any company; everything else is tried.
        let refused: Vec<String> = refused.iter().map(told).collect();
        assert_eq!(refused.len(), 4, "{refused:#?}");
        println!("{} platforms hold every pair that is allowed", rows.len());
        let admin = cluster.admin_client();
        let instance = InstanceName::parse("matrix").unwrap();
        for row in &rows {
            let catalog = read(row);
            let platform = catalog.platform.as_ref().unwrap();
            for solution in catalog.solutions.values() {
                for object in &render::all(solution, platform, &instance, Phase::Live).objects {
                    let stored = objects::apply(&admin, &object.body, "vitrine").await;
                    stored.unwrap_or_else(|why| {
                        panic!("{}\n{why:#}\n{:#}", self::platform(row), object.body)
                    });
                }
            }
        }
    }
}
