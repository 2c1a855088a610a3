//! V06xx: the operator's `platform.yaml`.

use super::codes;
use super::page::Example::{Platform, Shown};
use crate::model::Party::{self, Operator};

const OPERATOR: &[Party] = &[Operator];

codes! { PLATFORMS;
    NO_PLATFORM = "V0601": "no `platform.yaml`", OPERATOR,
    "The root of a catalogue holds `platform.yaml`, which says under which domain solutions are served and what they may do. Without it nothing is published and nothing is removed. If it is there, the root is set wrong (`repository.path`).",
    wrong Shown("use/solution.yaml"),
    right Shown("platform.yaml\nuse/solution.yaml");

    BAD_DOMAIN = "V0602": "not a domain", OPERATOR,
    "Solutions are served one label below this domain, which is a DNS name in lower case: no `https://`, no `*.`, no port.",
    wrong Platform("domain: \"https://demo.example\""),
    right Platform("domain: demo.example");

    CLASS_TWICE = "V0603": "two hardware classes of one name", OPERATOR,
    "Authors choose a class by its name, so each name stands once.",
    wrong Platform("domain: demo.example\nhardware:\n  - {name: cpu-basic}\n  - {name: cpu-basic}"),
    right Platform("domain: demo.example\nhardware:\n  - {name: cpu-basic}\n  - {name: cpu-large}");

    DEFAULT_OVER_LIMIT = "V0604": "a default over the platform's own limit", OPERATOR,
    "What a solution gets that says nothing must be something that it might also have asked for. Lower the default, or raise the limit or the class's cap.",
    wrong Platform("domain: demo.example\ndefaults: {scaling: {maxReplicas: 9}}\nlimits: {maxReplicas: 5}"),
    right Platform("domain: demo.example\ndefaults: {scaling: {maxReplicas: 1}}\nlimits: {maxReplicas: 5}");

    SWITCHES_EXCLUDE = "V0605": "two switches of the platform that exclude each other", OPERATOR,
    "Each of the two is fine, together they cannot work: the interceptor needs a Gateway, waking by Prometheus needs an edge whose metrics are known, and a mesh that refuses strangers must know the account of the gateway that it lets in.",
    wrong Platform("domain: demo.example\nedge: {kind: Ingress}\nactivation: {mode: interceptor}"),
    right Platform("domain: demo.example\nedge: {kind: Gateway}\nactivation: {mode: interceptor}");

    SWITCH_NEEDS_SERVER = "V0606": "a switch that needs a newer server", OPERATOR,
    "The API servers of this platform, the oldest of which `cluster.version` names, do not have what the switch asks for. They would drop the field in silence.",
    wrong Platform("domain: demo.example\ncluster: {version: \"1.29\"}\npodSecurity: {runAsRoot: userNamespace}"),
    right Platform("domain: demo.example\ncluster: {version: \"1.33\"}\npodSecurity: {runAsRoot: refuse}");
}
