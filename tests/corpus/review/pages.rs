//! What stands under a pull request, held against golden files; `UPDATE_GOLDEN=1` writes them anew,
//! and the difference is for a person to read.

use std::path::Path;

use vitrine_core::change::{LONGEST, Review, markdown};

use super::{Files, edit, example, minimal, remove, review};

const PRICES: &str = "  currency: EUR\n  assumptions: {visitsPerDay: 10, awakePerVisit: 30m}\n  \
                      operators: \"@aim/operators\"\n";

/// The example catalogue on a platform with prices and a class with a GPU.
fn priced() -> Files {
    let mut files = example();
    edit(&mut files, "platform.yaml", "  edge:\n", &format!("{PRICES}\n  edge:\n"));
    let basic = "    - name: cpu-basic\n";
    edit(
        &mut files,
        "platform.yaml",
        basic,
        &format!(
            "    - {{name: gpu-l4, isolation: exclusive, price: {{perHour: \"0.95\"}}, requests: \
             {{cpu: \"4\", memory: 16Gi, nvidia.com/gpu: \"1\"}}, limits: {{nvidia.com/gpu: \
             \"1\"}}, maxCooldown: 15m}}\n{basic}      price: {{perHour: \"0.03\"}}\n"
        ),
    );
    files
}

fn bumped(mut files: Files) -> Files {
    edit(
        &mut files,
        "use/solution.yaml",
        "use:1.4.0@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b",
        "use:1.5.0@sha256:b4c253b07fa8d0dcc34f51abc945780b08e27efe8ed1743cf7b7ba134fae0d9c",
    );
    files
}

/// Each page by its name.
fn pages() -> Vec<(&'static str, Review)> {
    let base = priced();
    let mut fresh = base.clone();
    let more = "  api: {openapi: /openapi.json}\n  scaling: {maxReplicas: 1}\n";
    fresh.insert("welding/solution.yaml".to_owned(), minimal("welding", more));
    let readme = "# Welding seams\n\nFinds pores in pictures of welding seams.\n";
    fresh.insert("welding/README.md".to_owned(), readme.into());

    let mut removed = base.clone();
    remove(&mut removed, "anomaly");
    edit(&mut removed, "tourism/solution.yaml", "  owner: ", "  gallery: {}\n  owner: ");
    let link =
        "metadata:\n  links: [{title: Sensors, url: \"https://anomaly--pumps.demo.example\"}]\n";
    edit(&mut removed, "tourism/solution.yaml", "metadata:\n", link);

    let mut raised = base.clone();
    edit(
        &mut raised,
        "use/solution.yaml",
        "  hardware: cpu-basic\n",
        "  hardware: gpu-l4\n  \
        network: {egress: [{cidr: 0.0.0.0/0, port: 443}]}\n  secrets: [HF_TOKEN]\n",
    );
    edit(
        &mut raised,
        "use/solution.yaml",
        "  resources:\n    requests: {cpu: 500m, memory: 2Gi}\n    limits: {memory: 2Gi}\n",
        "",
    );
    edit(
        &mut raised,
        "use/solution.yaml",
        "    maxReplicas: 2\n",
        "    minReplicas: 1\n    maxReplicas: 4\n",
    );

    let mut refused = base.clone();
    edit(&mut refused, "use/solution.yaml", "    maxReplicas: 2\n", "    maxReplicas: 50\n");
    edit(&mut refused, "use/solution.yaml", "startup: {timeout: 4m}", "startup: {timeuot: 4m}");

    let mut forty = base.clone();
    for number in 1..=40 {
        let name = format!("demo-{number:02}");
        forty.insert(format!("{name}/solution.yaml"), minimal(&name, ""));
    }
    let mut platform = base.clone();
    edit(
        &mut platform,
        "platform.yaml",
        "    http: {requestTimeout: 60s}\n",
        "    http: {requestTimeout: 90s}\n",
    );
    vec![
        ("new", review(&base, &fresh, &[])),
        ("bump", review(&base, &bumped(base.clone()), &[])),
        ("removal", review(&base, &removed, &[])),
        ("revert", review(&bumped(base.clone()), &base, &["use"])),
        ("raise", review(&base, &raised, &[])),
        ("refused", review(&base, &refused, &[])),
        ("forty", review(&base, &forty, &[])),
        ("platform", review(&base, &platform, &[])),
    ]
}

#[test]
fn a_pull_request_says_what_its_golden_file_says() {
    let mut wrong = String::new();
    for (name, review) in pages() {
        let page = markdown(&review);
        assert!(page.chars().count() <= LONGEST, "{name}");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/corpus/review/pages/{name}.md"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &page).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if page != expected {
            wrong += &format!("--- {name}: expected\n{expected}\n+++ found\n{page}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
