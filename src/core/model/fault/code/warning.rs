//! V9xxx: what is said and refuses nobody.

use super::codes;
use super::page::Example::{Platform, Shown, Spec};
use crate::model::Party::{Author, Operator};

codes! { WARNINGS;
    NO_OWNER = "V9001": "nobody owns the solution", &[Author],
    "When it breaks, nobody knows whom to ask. Name a person or a group; it needs no account anywhere.",
    wrong Spec("type: demo"),
    right Spec("owner: group:nlp-team");

    NOBODY_CALLS = "V9002": "a private component that nobody calls", &[Author],
    "The component has no `expose`, so no visitor reaches it, and no other component lists it in `dependsOn`, so nobody else does. It would run for nothing.",
    wrong Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b"),
    right Spec("components:\n  web:\n    image: registry.example/lab/web:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n    expose: {path: /}\n    dependsOn: [api]\n  api:\n    image: registry.example/lab/api:1@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b");

    NOT_ENFORCED = "V9003": "a limit that this platform's edge cannot enforce", &[Author, Operator],
    "If the message says *has no effect*, the edge of this platform has no means for such a limit: limit inside the application. If it says *works differently*, the limit holds and is another one than the key promises; the message says how.",
    wrong Spec("http: {rateLimit: {requestsPerSecond: 10}}"),
    right Shown("no `http.rateLimit`: the application limits its clients itself");

    EXPIRED = "V9004": "the solution has expired", &[Author],
    "The day of `expires` has come: the solution sleeps, and its page says so. Nothing is deleted. A later day wakes it, deleting the folder removes it.",
    wrong Spec("expires: 2020-06-30"),
    right Spec("expires: 2099-06-30");

    SUSPENSION_OVER = "V9005": "the suspension is over", &[Author],
    "The day of `suspend.until` has come, so the solution runs again although the file still says `suspend`. Delete the key, or set a later day.",
    wrong Spec("suspend: {reason: \"incident 12\", until: 2020-01-05}"),
    right Spec("suspend: {reason: \"incident 12\", until: 2099-01-05}");

    FEATURED_UNKNOWN = "V9006": "a featured solution that is not there", &[Operator],
    "`gallery.featured` names a solution that the catalogue does not have, or no longer has. The gallery leaves it out.",
    wrong Platform("domain: demo.example\ngallery: {featured: [gone]}"),
    right Platform("domain: demo.example\ngallery: {featured: []}");

    NOT_WARMED = "V9007": "a warm-up that this platform cannot run", &[Author, Operator],
    "The solution asks for requests that warm it up, and the platform names no image that could send them (`warmup.image`). The solution runs, and its first visitor waits longer.",
    wrong Spec("startup: {warmup: [examples/embed.json]}"),
    right Spec("startup: {timeout: 5m}");

    NO_EFFECT = "V9008": "a value without effect", &[Author],
    "The value is right and changes nothing on this platform, because something else decides: a cool-down where nothing sleeps, for example. Delete it, so that nobody is misled.",
    wrong Spec("scaling: {minReplicas: 1, maxReplicas: 1, cooldownPeriod: 30m}"),
    right Spec("scaling: {minReplicas: 1, maxReplicas: 1}");

    UNSAID = "V9009": "a README that says nothing yet", &[Author],
    "`vitrine new` writes a README with a line for each thing that a visitor wants to know. One of them still stands there, and the first becomes the description in the gallery.",
    wrong Shown("Say in one or two sentences what a visitor can do here; this paragraph stands in the gallery."),
    right Shown("Paste a requirement and see which earlier ones say nearly the same.");

    IMAGE_PORT = "V9010": "a port that the image does not name", &[Author],
    "The image names the ports that its program listens on (`EXPOSE`), and that of the component is not among them. That is a remark of whoever built it and binds nobody, but it is usually right: if nothing listens on the component's port, it is never ready.",
    wrong Shown("EXPOSE 7860    and in solution.yaml: port: 8080"),
    right Shown("EXPOSE 7860    and in solution.yaml: port: 7860");

    IMAGE_ONE_PROCESSOR = "V9011": "an image that is built for arm64 only", &[Author],
    "Most nodes are amd64, where programs for arm64 do not start, and nothing keeps the component away from them. An image that was built on a laptop with an Arm processor looks like this.",
    wrong Shown("$ docker build --push -t registry.example/lab/demo:1.0 .      on a laptop with an Arm processor"),
    right Shown("$ docker buildx build --platform linux/amd64 --push -t registry.example/lab/demo:1.0 .");
}
