//! V05xx: what cannot be seen in one line alone.

use super::codes;
use super::page::Example::{Shown, Spec};
use crate::model::Party::{self, Author};

const AUTHOR: &[Party] = &[Author];

codes! { ACROSS;
    DUPLICATE_NAME = "V0501": "two solutions of one name", AUTHOR,
    "A solution's name is its address, so it is unique in the whole catalogue, whatever the group. Both are refused, so that a newcomer cannot take over what is live; what runs keeps running.",
    wrong Shown("nlp/use/solution.yaml\ndemos/use/solution.yaml"),
    right Shown("nlp/use/solution.yaml\ndemos/use-small/solution.yaml");

    CYCLE = "V0502": "components that depend on each other in a circle", AUTHOR,
    "`dependsOn` says who calls whom, and the arrows lead back to where they began. Which component must be ready first could not be said.",
    wrong Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n    dependsOn: [api]\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    dependsOn: [web]"),
    right Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n    dependsOn: [api]\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b");

    PATH_TWICE = "V0503": "two components at one path", AUTHOR,
    "Two components are to answer below the same path of the solution's address. A visitor could reach only one of them.",
    wrong Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}"),
    right Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /api}");

    NO_ENTRANCE = "V0504": "no component at `/`", AUTHOR,
    "A visitor who opens the solution's address must arrive somewhere. Exactly one component has `expose: {path: /}`.",
    wrong Spec("components:\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /api}"),
    right Spec("components:\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}");
}
