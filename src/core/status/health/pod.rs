//! Pod: the kubelet's word for a trouble, in words for whoever can mend it.
//!
//! In: [`PodFacts`], [`Setup`]. Out: [`Trouble`]. What a message contains decides only the wording
//! and whose turn it is, never what is done.

use super::condition::Beyond;
use super::{Setup, Trouble};
use crate::model::Party;
use crate::plan::observed::{NOT_WOKEN, PodFacts, STARTUP_PROBE, UNREADY};
use crate::plan::said::{NewMachine, Probed};
use crate::status::Cause;
use crate::status::wording::{minutes, quote, short};

/// The mesh's init container that looks whether it controls the pod's network.
const VALIDATOR: &str = "linkerd-network-validator";

/// What a pod's trouble means.
pub fn pod(facts: &PodFacts, setup: &Setup<'_>) -> Trouble {
    let word = facts.word.as_deref().unwrap_or_default();
    if !facts.container.is_empty() && *facts.container != *setup.name {
        return beside(facts, word);
    }
    match word {
        "ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "RegistryUnavailable" => {
            image(&facts.message)
        }
        "InvalidImageName" => author(
            Cause::ImageName,
            "`image` is not a name that can be pulled".to_owned(),
            "write `image` as registry/name:tag@sha256:digest",
        ),
        "OOMKilled" => out_of_memory(setup),
        "Evicted" => evicted(&facts.message, setup),
        "Succeeded" => ended(setup),
        STARTUP_PROBE => silent(facts.probed, setup),
        UNREADY => unready(facts.probed, setup),
        NOT_WOKEN => operator(
            Cause::Unscalable,
            "was to be started and nobody did: KEDA scaled nothing".to_owned(),
            "look at KEDA; the next visit tries again",
        ),
        "Unschedulable" => no_machine(facts, setup),
        "CreateContainerConfigError" => configuration(&facts.message, setup),
        "CreateContainerError" | "RunContainerError" | "StartError" | "ContainerCannotRun" => {
            program(&facts.message)
        }
        _ => crash(facts, word),
    }
}

/// Nothing is known but that it was not ready when its time was over.
pub(super) fn late() -> Trouble {
    author(
        Cause::Silent,
        "was not ready when its time was over".to_owned(),
        "check that the image is not too large to be pulled in time, or raise `startup.timeout`",
    )
}

/// It runs, since whenever that began, and its time is over.
fn unready(probed: Option<Probed>, setup: &Setup<'_>) -> Trouble {
    let port = setup.port.map_or_else(String::new, |port| format!(" on port {port}"));
    let reason = match probed {
        Some(Probed::Status(status)) => {
            format!("runs, answers with status {status}{port} and was not ready in its time")
        }
        _ => format!("runs, and did not answer{port} in its time{}", got(probed)),
    };
    author(Cause::Silent, reason, look_at(probed))
}

/// The kubelet ended it: it did not become ready within its start-up time.
fn silent(probed: Option<Probed>, setup: &Setup<'_>) -> Trouble {
    let port = setup.port.map_or_else(String::new, |port| format!(" on port {port}"));
    let time = setup
        .startup
        .map_or_else(|| "in time".to_owned(), |startup| format!("within {}", minutes(startup)));
    let reason = match probed {
        Some(Probed::Status(status)) => {
            format!("answered with status {status}{port} and was not ready {time}")
        }
        _ => format!("did not answer{port} {time}{}", got(probed)),
    };
    author(Cause::Silent, reason, look_at(probed))
}

/// What a probe got that got no answer, behind what is said of it.
const fn got(probed: Option<Probed>) -> &'static str {
    match probed {
        Some(Probed::Refused) => ": connection refused",
        Some(Probed::Cut) => ": the connection was closed",
        Some(Probed::Late) => ": it takes too long",
        Some(Probed::Status(_)) | None => "",
    }
}

/// What the author of a program that does not become ready should do.
const fn look_at(probed: Option<Probed>) -> &'static str {
    match probed {
        Some(Probed::Refused) => {
            "let it listen on that port, on every address and not on 127.0.0.1 alone, or raise \
             `startup.timeout`"
        }
        Some(Probed::Status(_)) => {
            "look why its readiness page answers so, or raise `startup.timeout`"
        }
        Some(Probed::Cut | Probed::Late) | None => {
            "check the port and the readiness page, or raise `startup.timeout`"
        }
    }
}

fn no_machine(facts: &PodFacts, setup: &Setup<'_>) -> Trouble {
    let class = setup.class.map(|class| format!(" of class {}", quote(class))).unwrap_or_default();
    if facts.machine == Some(NewMachine::Coming) {
        return Trouble {
            party: Party::Nobody,
            reason: Cause::NoMachine
                .says(format!("no machine{class} free, a machine is being added")),
            next: "wait some minutes; the cluster's autoscaler adds a machine".to_owned(),
        };
    }
    if let Some(Beyond { resource, asked, largest }) = setup.beyond {
        let (asks, has) = match resource {
            "cpu" => (format!("{asked} CPUs"), largest.to_string()),
            "memory" | "ephemeral-storage" => {
                (format!("{} of {resource}", asked.size()), largest.size())
            }
            other => (format!("{asked} {}", quote(other)), largest.to_string()),
        };
        return operator(
            Cause::NoMachine,
            format!("asks for {asks}, the largest machine{class} has {has}"),
            "add a larger machine, or lower the class's `caps` so that nobody asks for more",
        );
    }
    if facts.machine == Some(NewMachine::Refused) {
        return operator(
            Cause::NoMachine,
            said(format!("no machine{class} free, and none is being added"), &facts.message),
            "let the cluster's autoscaler add more machines of this class, or wait until one is free",
        );
    }
    operator(
        Cause::NoMachine,
        said(format!("no machine{class} free"), &facts.message),
        "add a machine of this class, or wait until one is free",
    )
}

fn author(cause: Cause, reason: String, next: &str) -> Trouble {
    Trouble { party: Party::Author, reason: cause.says(reason), next: next.to_owned() }
}

fn operator(cause: Cause, reason: String, next: &str) -> Trouble {
    Trouble { party: Party::Operator, reason: cause.says(reason), next: next.to_owned() }
}

/// A reason with what was said, if anything was.
fn said(reason: String, message: &str) -> String {
    match quote(message) {
        message if message.is_empty() => reason,
        message => format!("{reason}: {message}"),
    }
}

/// A container that the author did not write.
fn beside(facts: &PodFacts, word: &str) -> Trouble {
    let name = short(&facts.container);
    if name == VALIDATOR {
        return operator(
            Cause::Neighbour,
            said(format!("the mesh has no hold of its network ({VALIDATOR})"), &facts.message),
            "look at the mesh's network plugin on that machine, then delete the pod",
        );
    }
    let how = match facts.exit_code {
        Some(code) => format!("ends with exit code {code}"),
        None => format!("does not start ({})", quote(word)),
    };
    operator(
        Cause::Neighbour,
        said(format!("container {name}, which the platform adds, {how}"), &facts.message),
        "look at whoever adds this container to the pods",
    )
}

fn image(message: &str) -> Trouble {
    let any = |words: &[&str]| words.iter().any(|word| message.to_ascii_lowercase().contains(word));
    // The runtime's own words stand at the end.
    let cause = message.rsplit_once("desc = ").map_or(message, |(_, cause)| cause);
    let reason = said("the image cannot be pulled".to_owned(), cause);
    if any(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "connection reset",
        "network is unreachable",
        "deadline exceeded",
        "x509",
        "toomanyrequests",
        "too many requests",
        "500 internal",
        "502 bad gateway",
        "503 service",
        "no space left",
    ]) {
        return operator(
            Cause::ImagePull,
            reason,
            "look at the way from the machines to the registry",
        );
    }
    if any(&["unauthorized", "authentication required", "403 forbidden", "denied"]) {
        return operator(
            Cause::ImagePull,
            reason,
            "let the pull secret read this image; if it does not exist, tell the author",
        );
    }
    author(Cause::ImagePull, reason, "check `image` and that the registry still has this digest")
}

fn out_of_memory(setup: &Setup<'_>) -> Trouble {
    let reason = match setup.memory {
        Some(limit) => format!("out of memory at {}", limit.size()),
        None => "out of memory".to_owned(),
    };
    author(Cause::OutOfMemory, reason, "raise `resources.limits.memory` or make it need less")
}

fn evicted(message: &str, setup: &Setup<'_>) -> Trouble {
    let low =
        message.contains("node was low on resource") || message.contains("node had condition");
    if message.contains("EmptyDir") {
        return author(
            Cause::Storage,
            said("stopped, it wrote too much into a scratch folder".to_owned(), message),
            "raise the folder's size in `volumes`, or write less",
        );
    }
    if !low && message.contains("ephemeral") {
        let limit = setup.storage.map_or_else(String::new, |limit| format!(" {}", limit.size()));
        return author(
            Cause::Storage,
            format!("stopped, it wrote more than its{limit} of local files"),
            "raise `resources.limits.ephemeral-storage`, or write less",
        );
    }
    operator(
        Cause::Evicted,
        said("its machine threw it out".to_owned(), message),
        "look at the machine; another one takes over by itself",
    )
}

/// The kubelet ends what is past a limit and says so in an Event alone, which was not heard; a
/// program that obeys then ends with 0. Of all limits, that of local files is told in no other way.
fn ended(setup: &Setup<'_>) -> Trouble {
    let reason = match setup.storage {
        Some(limit) => {
            format!("was ended from outside, probably past its {} of local files", limit.size())
        }
        None => "was ended from outside, without a word why".to_owned(),
    };
    author(
        Cause::Storage,
        reason,
        "write less, or raise `resources.limits.ephemeral-storage`; `kubectl get events` says more",
    )
}

fn configuration(message: &str, setup: &Setup<'_>) -> Trouble {
    if message.contains("image will run as root") {
        return author(
            Cause::RunsAsRoot,
            "the image runs as root, which this platform refuses".to_owned(),
            "give the image a user, for example `USER 1000` in its Dockerfile",
        );
    }
    if message.contains("non-numeric user") {
        return author(
            Cause::RunsAsRoot,
            "the image names its user by a word, so nobody can tell that it is not root".to_owned(),
            "give the user as a number, for example `USER 1000` in its Dockerfile",
        );
    }
    let secret = format!("{}-secrets", setup.name);
    // couldn't find key TOKEN in Secret sol-use/app-secrets
    let key = message
        .split_once("find key ")
        .and_then(|(_, rest)| rest.split_once(" in Secret "))
        .map(|(key, _)| quote(key));
    if let Some(key) = key {
        return operator(
            Cause::SecretMissing,
            format!("secret {key} is missing: Secret {secret} has no such key"),
            &format!("put {key} into Secret {secret}; vitrine never writes Secrets"),
        );
    }
    if message.contains(&format!("secret \"{secret}\" not found")) {
        return operator(
            Cause::SecretMissing,
            format!("its secrets are missing: there is no Secret {secret}"),
            &format!("create Secret {secret}; vitrine never writes Secrets"),
        );
    }
    operator(
        Cause::Setup,
        said("its container cannot be set up".to_owned(), message),
        "provide what the message names",
    )
}

/// The container's program cannot be begun.
fn program(message: &str) -> Trouble {
    if message.contains("exec format error") {
        return author(
            Cause::Program,
            "the image is built for another kind of processor".to_owned(),
            "build it for the machines of this platform",
        );
    }
    author(
        Cause::Program,
        said("its program cannot be started".to_owned(), message),
        "check `command` and `args`, and that the image has what they name",
    )
}

fn crash(facts: &PodFacts, word: &str) -> Trouble {
    let message = &facts.message;
    if message.contains("exec format error") {
        return program(message);
    }
    let reason = match facts.exit_code {
        Some(0) => "ends by itself with exit code 0, but should go on serving".to_owned(),
        Some(code) => format!("crashes with exit code {code}"),
        None => format!("does not start ({})", quote(word)),
    };
    author(
        Cause::Crashing,
        said(reason, message),
        "run the image as the cluster does and mend what it says",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Quantity;
    use crate::status::health::sample::SETUP;

    fn facts(word: &str, message: &str, exit_code: Option<i32>) -> PodFacts {
        PodFacts {
            component: "app".into(),
            container: "app".into(),
            word: Some(word.into()),
            message: message.into(),
            exit_code,
            restarts: 4,
            ..PodFacts::default()
        }
    }

    /// Each word of the kubelet, who must act, and what they read.
    #[test]
    fn every_word_says_whose_turn_it_is_and_what_to_do() {
        use Party::{Author, Operator};
        let root = "container has runAsNonRoot and image will run as root (pod: \"app-1\", container: app)";
        let pull = "Back-off pulling image \"x\": ErrImagePull: rpc error: code = NotFound desc = failed to resolve reference: not found";
        let cases = [
            (
                "ImagePullBackOff",
                pull,
                None,
                Author,
                "the image cannot be pulled: failed to resolve reference: not found",
                "check `image`",
            ),
            (
                "ErrImagePull",
                "dial tcp: lookup registry.example: no such host",
                None,
                Operator,
                "the image cannot be pulled: dial tcp: lookup registry.example: no such host",
                "look at the way",
            ),
            (
                "ErrImagePull",
                "401 Unauthorized",
                None,
                Operator,
                "the image cannot be pulled: 401 Unauthorized",
                "let the pull secret",
            ),
            (
                "InvalidImageName",
                "couldn't parse",
                None,
                Author,
                "`image` is not a name that can be pulled",
                "write `image`",
            ),
            (
                "OOMKilled",
                "",
                Some(137),
                Author,
                "out of memory at 3 GiB",
                "raise `resources.limits.memory`",
            ),
            (
                "CrashLoopBackOff",
                "KeyError: 'TOKEN'",
                Some(1),
                Author,
                "crashes with exit code 1: KeyError: 'TOKEN'",
                "run the image",
            ),
            (
                "CrashLoopBackOff",
                "",
                Some(139),
                Author,
                "crashes with exit code 139",
                "run the image",
            ),
            (
                "CrashLoopBackOff",
                "bye",
                Some(0),
                Author,
                "ends by itself with exit code 0, but should go on serving: bye",
                "run the image",
            ),
            (
                "CrashLoopBackOff",
                "exec /app: exec format error",
                Some(255),
                Author,
                "the image is built for another kind of processor",
                "build it",
            ),
            (
                "StartError",
                "exec: \"serve\": executable file not found in $PATH",
                Some(128),
                Author,
                "its program cannot be started: exec: \"serve\": executable file not found in $PATH",
                "check `command`",
            ),
            (
                "Evicted",
                "Pod ephemeral local storage usage exceeds the total limit of containers 5Gi.",
                None,
                Author,
                "stopped, it wrote more than its 5 GiB of local files",
                "raise `resources.limits.ephemeral-storage`",
            ),
            (
                "Evicted",
                "Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\".",
                None,
                Author,
                "stopped, it wrote too much into a scratch folder: Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\".",
                "raise the folder",
            ),
            (
                "Evicted",
                "The node was low on resource: ephemeral-storage.",
                None,
                Operator,
                "its machine threw it out: The node was low on resource: ephemeral-storage.",
                "look at the machine",
            ),
            (
                "Unschedulable",
                "0/3 nodes are available",
                None,
                Operator,
                "no machine of class gpu-l4 free: 0/3 nodes are available",
                "add a machine",
            ),
            (
                "CreateContainerConfigError",
                "couldn't find key TOKEN in Secret sol-use/app-secrets",
                None,
                Operator,
                "secret TOKEN is missing: Secret app-secrets has no such key",
                "put TOKEN into Secret app-secrets",
            ),
            (
                "CreateContainerConfigError",
                "secret \"app-secrets\" not found",
                None,
                Operator,
                "its secrets are missing: there is no Secret app-secrets",
                "create Secret app-secrets",
            ),
            (
                "CreateContainerConfigError",
                "configmap \"x\" not found",
                None,
                Operator,
                "its container cannot be set up: configmap \"x\" not found",
                "provide what",
            ),
            (
                "CreateContainerConfigError",
                root,
                None,
                Author,
                "the image runs as root, which this platform refuses",
                "give the image a user",
            ),
            (
                "CreateContainerConfigError",
                "image has non-numeric user (web), cannot verify",
                None,
                Author,
                "the image names its user by a word, so nobody can tell that it is not root",
                "give the user as a number",
            ),
            (
                "Succeeded",
                "",
                Some(0),
                Author,
                "was ended from outside, probably past its 5 GiB of local files",
                "write less",
            ),
            (
                "StartupProbe",
                "page 1.0 starting",
                Some(0),
                Author,
                "did not answer on port 8080 within 5 min",
                "check the port",
            ),
            (
                "ANewWord",
                "what it says",
                None,
                Author,
                "does not start (ANewWord): what it says",
                "run the image",
            ),
        ];
        for (word, message, code, party, reason, next) in cases {
            let trouble = pod(&facts(word, message, code), &SETUP);
            assert_eq!((trouble.party, &*trouble.reason), (party, reason), "{word}");
            assert!(trouble.next.starts_with(next), "{word}: {}", trouble.next);
        }
    }

    /// The same pods without what an Event said of them, and with it.
    #[test]
    fn an_event_makes_the_words_exact() {
        let says = |word: &str, probed| {
            pod(&PodFacts { probed, ..facts(word, "", Some(0)) }, &SETUP).reason.text
        };
        for (probed, ended, runs) in [
            (
                None,
                "did not answer on port 8080 within 5 min",
                "runs, and did not answer on port 8080 in its time",
            ),
            (
                Some(Probed::Refused),
                "did not answer on port 8080 within 5 min: connection refused",
                "runs, and did not answer on port 8080 in its time: connection refused",
            ),
            (
                Some(Probed::Cut),
                "did not answer on port 8080 within 5 min: the connection was closed",
                "runs, and did not answer on port 8080 in its time: the connection was closed",
            ),
            (
                Some(Probed::Late),
                "did not answer on port 8080 within 5 min: it takes too long",
                "runs, and did not answer on port 8080 in its time: it takes too long",
            ),
            (
                Some(Probed::Status(500)),
                "answered with status 500 on port 8080 and was not ready within 5 min",
                "runs, answers with status 500 on port 8080 and was not ready in its time",
            ),
        ] {
            assert_eq!(says(STARTUP_PROBE, probed), ended);
            assert_eq!(says(UNREADY, probed), runs);
        }

        let large = Setup {
            beyond: Some(Beyond {
                resource: "cpu",
                asked: Quantity::count(8),
                largest: Quantity::count(2),
            }),
            ..SETUP
        };
        let waits = |machine| PodFacts { machine, ..facts("Unschedulable", "0/3 nodes", None) };
        let coming = Some(NewMachine::Coming);
        for setup in [&SETUP, &large] {
            let trouble = pod(&waits(coming), setup);
            assert_eq!(trouble.party, Party::Nobody);
            assert_eq!(
                &*trouble.reason,
                "no machine of class gpu-l4 free, a machine is being added"
            );
        }
        let refused = Some(NewMachine::Refused);
        let trouble = pod(&waits(refused), &SETUP);
        assert_eq!(trouble.party, Party::Operator);
        assert_eq!(
            &*trouble.reason,
            "no machine of class gpu-l4 free, and none is being added: 0/3 nodes"
        );
        // What no machine can have says more.
        let reason = pod(&waits(refused), &large).reason;
        assert_eq!(&*reason, "asks for 8 CPUs, the largest machine of class gpu-l4 has 2");
    }

    #[test]
    fn what_the_platform_adds_to_a_pod_is_not_the_authors_fault() {
        let mut validator = facts("CrashLoopBackOff", "no redirect\n", Some(95));
        validator.container = VALIDATOR.into();
        let trouble = pod(&validator, &SETUP);
        assert_eq!(trouble.party, Party::Operator);
        assert_eq!(
            &*trouble.reason,
            "the mesh has no hold of its network (linkerd-network-validator): no redirect"
        );
        let mut proxy = facts("ImagePullBackOff", "", None);
        proxy.container = "linkerd-proxy".into();
        let trouble = pod(&proxy, &SETUP);
        assert_eq!(trouble.party, Party::Operator);
        assert_eq!(
            &*trouble.reason,
            "container linkerd-proxy, which the platform adds, does not start (ImagePullBackOff)"
        );
    }
}
