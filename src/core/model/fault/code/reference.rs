//! V04xx: what refers to something that must be there.

use super::codes;
use super::page::Example::{Shown, Spec};
use crate::model::Party::{Author, Operator};

codes! { REFERENCES;
    NO_FILE = "V0401": "a file that is not there", &[Author],
    "The path names no file of this solution's folder. Paths are relative to it, upper and lower case differ, and folders that begin with `.` or `_` are not read.",
    wrong Spec("files: {/config/model.yaml: config/model.yaml}"),
    right Spec("files: {/config/model.yaml: configs/model.yaml}");

    NO_COMPONENT = "V0402": "a component that is not there", &[Author],
    "`dependsOn` names a component that this solution does not have. Components of other solutions cannot be named.",
    wrong Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n    dependsOn: [api]"),
    right Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}");

    NO_HARDWARE = "V0403": "a hardware class that is not there", &[Author, Operator],
    "Machine sizes are classes that the operator declares in `platform.yaml`. The fault lists the ones that there are.",
    wrong Spec("hardware: cpu-huge"),
    right Spec("hardware: cpu-basic");

    NO_CATEGORY = "V0404": "a category that is not there", &[Author],
    "The operator decides which categories the gallery has. Choose one of those, or ask for a new one.",
    wrong Spec("gallery: {category: fun}"),
    right Spec("gallery: {category: product-development}");

    BAD_EXAMPLE = "V0405": "a broken example", &[Author],
    "Every `examples/*.json` is one request that a visitor can try: JSON with a `path` that begins with `/`, and if need be `method`, `headers`, `json` or `body`, and `expect`.",
    wrong Shown("{\"metod\": \"POST\", \"path\": \"embed\"}"),
    right Shown("{\"method\": \"POST\", \"path\": \"/embed\", \"json\": {\"text\": [\"The pump shall...\"]}, \"expect\": {\"status\": 200}}");
}
