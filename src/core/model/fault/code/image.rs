//! V08xx: what a registry says of an image. Told only where somebody asks for it.

use super::codes;
use super::page::Example::Shown;
use crate::model::Party::{self, Author, Operator};

const AUTHOR: &[Party] = &[Author];

codes! { IMAGES;
    IMAGE_NOT_HAD = "V0801": "an image that cannot be had", &[Author, Operator],
    "The registry was asked for the image, as a node would ask before it starts the component, and did not give it: it is not there, may not be read with these credentials, or the registry did not answer. The sentence says which.",
    wrong Shown("$ docker build -t registry.example/lab/demo:1.0 .\n(and never pushed)"),
    right Shown("$ docker push registry.example/lab/demo:1.0\n$ vitrine pin demo");

    NO_IMAGE = "V0802": "not an image that a container starts from", AUTHOR,
    "The registry holds something else under this name: a chart, a signature, a file. Registries keep all of them alike; a node can start only an image.",
    wrong Shown("image: registry.example/charts/demo:1.0      pushed by `helm push`"),
    right Shown("image: registry.example/lab/demo:1.0         pushed by `docker push`");

    IMAGE_PROCESSOR = "V0803": "an image for another processor", AUTHOR,
    "An image holds programs for the processors that it was built for. On another they do not start (`exec format error`). Where `architectures` says on which nodes the component may run, the image has to be built for each of them.",
    wrong Shown("architectures: [amd64, arm64]    and an image that is built for arm64 only"),
    right Shown("$ docker buildx build --platform linux/amd64,linux/arm64 --push -t registry.example/lab/demo:1.0 .");

    IMAGE_ROOT = "V0804": "an image that runs as root", &[Author, Operator],
    "The image names no user, or the user 0, so its program would run as root, and this platform lets nobody be root (`podSecurity.runAsRoot: refuse`): no container of it starts. Give it a user of its own that may read what it needs.",
    wrong Shown("FROM python:3.12-slim\nCMD [\"python\", \"app.py\"]"),
    right Shown("FROM python:3.12-slim\nUSER 10001\nCMD [\"python\", \"app.py\"]");

    IMAGE_USER_NAMED = "V0805": "an image whose user is a name", AUTHOR,
    "A node cannot tell from a name whether it is root's, because the table of names lies in the image. Where nobody may be root it therefore starts no container of such an image. The number of the same user says it.",
    wrong Shown("USER app"),
    right Shown("USER 10001");
}
