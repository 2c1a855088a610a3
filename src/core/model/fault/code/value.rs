//! V03xx: values, and the limits of the platform.

use super::codes;
use super::page::Example::{Shown, Spec};
use crate::model::Party::{self, Author, Operator};

/// It depends on whose file it is.
const WRITER: &[Party] = &[Author, Operator];
const AUTHOR: &[Party] = &[Author];

codes! { VALUES;
    BAD_NAME = "V0301": "not a name", WRITER,
    "Names become parts of addresses and of objects on the cluster: 1 to 40 of `a-z`, `0-9` and `-` for a solution (20 for a component), first a letter, no `-` at the end and no `--`. A few words are taken, such as `www`, `api` and `status`.",
    wrong Spec("configurations: {Pumps_2: {}}"),
    right Spec("configurations: {pumps-2: {}}");

    NAME_IS_NOT_FOLDER = "V0302": "the name is not the folder's", AUTHOR,
    "`metadata.name` and the folder's name must be equal, so that one look at the tree says which solutions there are. Renaming the folder moves the solution to another address.",
    wrong Shown("encoder/solution.yaml    metadata: {name: use}"),
    right Shown("use/solution.yaml        metadata: {name: use}");

    TOO_LONG = "V0303": "too long, or blank", WRITER,
    "A text or a list has a length that gallery, board and addresses can bear, and a text is one line with something on it. The fault says how long it may be.",
    wrong Spec("owner: group:nlp\nsuspend: {reason: \"the machine room is being rebuilt and nobody knows when it will be ready, but the people who rebuild it promised to say so as soon as they know, which they think will be in the second half of the year, or early in the next\", until: 2027-01-05}"),
    right Spec("suspend: {reason: \"the machine room is being rebuilt\", until: 2027-01-05}");

    OUT_OF_RANGE = "V0304": "a number out of range", WRITER,
    "The number is smaller or larger than it can ever be, whatever the platform allows.",
    wrong Spec("port: 80"),
    right Spec("port: 8080");

    BAD_QUANTITY = "V0305": "not a quantity, or none that can be had", WRITER,
    "Sizes and amounts are written as Kubernetes writes them: `500m` is half a processor, `2Gi` are two gibibytes. `2GB` and `2 Gi` are not: two gigabytes are `2G`, which is less than `2Gi`. Nothing can be had of an amount of 0, and devices are counted whole.",
    wrong Spec("resources: {limits: {memory: 2GB}}"),
    right Spec("resources: {limits: {memory: 2G}}");

    BAD_DURATION = "V0306": "not a duration, or one out of bounds", WRITER,
    "Times are whole numbers with a unit: `90s`, `30m`, `1h30m`. A number alone leaves open what it counts. Some times have bounds of their own, which the fault names.",
    wrong Spec("startup: {timeout: 5 minutes}"),
    right Spec("startup: {timeout: 5m}");

    OVER_LIMIT = "V0307": "over a limit of the platform", AUTHOR,
    "The operator allows less than this. The value is refused and not lowered in silence, so that what you read is what runs. Ask the operator if you need more.",
    wrong Spec("scaling: {maxReplicas: 50}"),
    right Spec("scaling: {maxReplicas: 3}");

    BAD_IMAGE = "V0308": "not an image reference", AUTHOR,
    "The name of an image is `registry/repository:tag@sha256:<digest>`, in lower case and without `https://`.",
    wrong Spec("image: \"https://registry.example/lab/use\""),
    right Spec("image: registry.example/lab/use:1.4.0@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b");

    NO_DIGEST = "V0309": "an image without digest", AUTHOR,
    "A tag can be moved to another image after the review; a digest (`@sha256:...`) cannot. This platform asks for it. `vitrine pin` asks the registry for the digest and writes it.",
    wrong Spec("image: registry.example/lab/use:1.4.0"),
    right Spec("image: registry.example/lab/use:1.4.0@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b");

    REGISTRY = "V0310": "an image from a registry that is not allowed", AUTHOR,
    "The operator lists the registries from which images may come, and this one is not among them. A name without registry means Docker Hub.",
    wrong Spec("image: nginx:1.27@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b"),
    right Spec("image: registry.example/lab/nginx:1.27@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b");

    LOCAL_IMAGE = "V0311": "an image of one's own machine", AUTHOR,
    "`localhost` is your machine for you and the node itself for the cluster, which finds no image there. Push it to a registry that both reach. Where each node has a registry on itself, the operator names it in `registries.allow` of `platform.yaml` (`localhost:5000/*`; a `*` alone does not name it).",
    wrong Spec("image: localhost:5000/use:1.4.0@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b"),
    right Spec("image: registry.example/lab/use:1.4.0@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b");

    BAD_PATH = "V0312": "not a path", AUTHOR,
    "Three sorts of paths occur: of pages (`/docs`), of the container (`/config/model.yaml`), and of files in this folder (`configs/model.yaml`). The first two begin with `/`, the last does not, and none leaves its place by `..`.",
    wrong Spec("basePath: docs"),
    right Spec("basePath: /docs");

    BAD_CIDR = "V0313": "not a network", WRITER,
    "A network is an address and the length of its prefix, with nothing behind the prefix: `192.0.2.0/24`. One machine is `/32`. Names of hosts are not supported yet.",
    wrong Spec("network: {egress: [{cidr: 192.0.2.7/24, port: 443}]}"),
    right Spec("network: {egress: [{cidr: 192.0.2.0/24, port: 443}]}");

    EGRESS = "V0314": "a network that the platform does not allow", AUTHOR,
    "The solution wants to call a network that the operator does not open, or that no solution may call: the cloud's metadata service, the machine itself. Ask the operator, or reach the data another way.",
    wrong Spec("network: {egress: [{cidr: 169.254.169.254/32, port: 80}]}"),
    right Spec("network: {egress: [{cidr: 192.0.2.0/24, port: 443}]}");

    CREDENTIAL = "V0315": "a value that looks like a credential", AUTHOR,
    "Whoever can read the catalogue can read `env`, now and in its history. Revoke the credential first, because it is public already, then take it out. The value is shown in no output.",
    wrong Shown("env:\n  DATABASE: postgres://lab:<the password>@db.example/points"),
    right Spec("env: {DATABASE: \"postgres://db.example/points\"}");

    BAD_ENV = "V0316": "not the name of an environment variable", AUTHOR,
    "Variables are called with letters, digits and `_`, not a digit first, at most 128 of them.",
    wrong Spec("env: {log-level: info}"),
    right Spec("env: {LOG_LEVEL: info}");

    BAD_DAY = "V0317": "not a day", AUTHOR,
    "Days are written as year, month and day: `2027-06-30`. The day must exist.",
    wrong Spec("expires: 30.06.2027"),
    right Spec("expires: 2027-06-30");

    BAD_TEXT = "V0318": "not in the expected form", WRITER,
    "The text has a form that people or programs rely on: an owner is `user:NAME` or `group:NAME`, a licence an SPDX expression, a contact a mail address, a link `https://...`. The fault says which.",
    wrong Spec("owner: the lab"),
    right Spec("owner: group:nlp-team");

    CONTACT = "V0319": "production without a contact", AUTHOR,
    "Who calls a solution `production` promises that somebody answers. Say who, with at least a mail address or a page.",
    wrong Spec("lifecycle: production"),
    right Spec("lifecycle: production\ncontact: {email: nlp@example.org}");

    FILES_TOO_LARGE = "V0320": "files too large to mount", AUTHOR,
    "The files that one component mounts may hold 512 KiB together: they are for settings, and no pictures. Put data into the image.",
    wrong Shown("files: {/data/points.csv: points.csv}    with points.csv of 20 MB"),
    right Spec("files: {/config/model.yaml: configs/model.yaml}");

    ENV_TAKEN = "V0321": "an environment variable that the platform sets", AUTHOR,
    "A component that lists another in `dependsOn` gets that one's address as `<COMPONENT>_URL`. The variable cannot have two values; delete yours or give it another name.",
    wrong Shown("web: {dependsOn: [api], env: {API_URL: \"http://elsewhere\"}}"),
    right Shown("web: {dependsOn: [api]}    # gets API_URL=http://api");

    OVER_OWN_LIMIT = "V0322": "a request over its own limit", WRITER,
    "What is asked for is more than the limit that the same file sets beside it, so it could never be granted.",
    wrong Spec("resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}"),
    right Spec("resources: {requests: {memory: 1Gi}, limits: {memory: 2Gi}}");

    MOUNT_TWICE = "V0323": "two mounts at one path", AUTHOR,
    "Two things are to appear at the same place in the container, or one inside the other where it cannot. One of them would hide the other.",
    wrong Spec("scratch: [{mountPath: /tmp, sizeLimit: 1Gi}, {mountPath: /tmp, sizeLimit: 2Gi}]"),
    right Spec("scratch: [{mountPath: /tmp, sizeLimit: 2Gi}]");

    BAD_CRON = "V0324": "not a time of a schedule", AUTHOR,
    "A schedule begins and ends by five fields: minute, hour, day of the month, month, day of the week. Names such as `MON-FRI` are fine; seconds and nicknames such as `@daily` are not.",
    wrong Spec("scaling: {schedules: [{timezone: Europe/Berlin, start: \"@daily\", end: \"0 17 * * *\", desiredReplicas: 1}]}"),
    right Spec("scaling: {schedules: [{timezone: Europe/Berlin, start: \"0 8 * * MON-FRI\", end: \"0 17 * * MON-FRI\", desiredReplicas: 1}]}");

    BAD_TIME_ZONE = "V0325": "not a time zone", AUTHOR,
    "Time zones go by their exact names in the IANA list, which know when the clocks change: `Europe/Berlin`. Abbreviations such as `CET` and offsets such as `+01:00` do not say that.",
    wrong Spec("scaling: {schedules: [{timezone: Berlin, start: \"0 8 * * *\", end: \"0 17 * * *\", desiredReplicas: 1}]}"),
    right Spec("scaling: {schedules: [{timezone: Europe/Berlin, start: \"0 8 * * *\", end: \"0 17 * * *\", desiredReplicas: 1}]}");

    BAD_ORIGIN = "V0326": "not the origin of a page", AUTHOR,
    "Pages of other sites that may call the solution from a browser go by their origin: scheme, host and perhaps port, without a path and without `/` at the end. `*` lets all of them.",
    wrong Spec("http: {cors: {allowOrigins: [\"https://plm.example.org/app/\"]}}"),
    right Spec("http: {cors: {allowOrigins: [\"https://plm.example.org\"]}}");

    ENV_TWICE = "V0327": "a variable that is public and secret", AUTHOR,
    "The same name stands in `env`, where everybody can read its value, and in `secrets`, where the operator provides it. It can have one value only.",
    wrong Spec("env: {LICENSE_KEY: none}\nsecrets: [LICENSE_KEY]"),
    right Spec("secrets: [LICENSE_KEY]");

    SERVER_TOO_OLD = "V0328": "a field that this platform's server does not know", AUTHOR,
    "The oldest API server of this platform, which `cluster.version` of `platform.yaml` names, would drop this field in silence. Do without it, or ask the operator when the clusters will be newer.",
    wrong Spec("volumes: [{name: model, image: registry.example/nlp/use-model@sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b, mountPath: /models}]"),
    right Shown("the model in the image itself, or a platform whose servers are newer");

    NO_TURNS = "V0329": "a schedule whose starts and ends do not take turns", AUTHOR,
    "What wakes and puts to sleep by a schedule asks only which comes next, a start or an end. Two ends without a start between them therefore mean awake, two starts without an end asleep. The fault says from when to when it would be other than it looks, in the time zone of the schedule; that may be a day on which the clocks change.",
    wrong Spec("scaling: {schedules: [{timezone: Europe/Berlin, start: \"0 8 * * MON-FRI\", end: \"0 17 * * *\"}]}"),
    right Spec("scaling: {schedules: [{timezone: Europe/Berlin, start: \"0 8 * * MON-FRI\", end: \"0 17 * * MON-FRI\"}]}");
}
