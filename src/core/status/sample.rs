//! Boards for the tests of those who show them.

use crate::doctor::{Finding, Grade};
use crate::model::{ClaimedName, ContentHash, InstanceName, Kind, ObjectKey, Party, Revision};

use crate::plan::{Address, Harm};

use super::{Board, Cause, Health, Held, Outage, Stage, Sync, Verdict};

#[allow(clippy::unwrap_used)]
fn revision() -> Revision {
    Revision::parse("4be1c20d5f0e8a7b6c9d0e1f2a3b4c5d6e7f8091").unwrap()
}

fn verdict(name: &str, cause: Cause, reason: &str) -> Verdict {
    Verdict {
        name: ClaimedName::of(name),
        sync: Sync::Synced,
        stage: Some(Stage::Asleep),
        health: Some(Health::Healthy),
        party: Party::Nobody,
        reason: cause.says(reason),
        next: "open it".into(),
        urls: vec![format!("https://{name}.demo.example")],
        revision: Some(revision()),
        serving: Some(revision()),
        objects: 11,
        proof: super::Proof::default(),
    }
}

/// Two solutions in order, one that its author must mend.
#[allow(clippy::unwrap_used)]
pub fn board() -> Board {
    Board {
        revision: Some(revision()),
        checked_at: Some("2026-11-24T14:05:01Z".parse().unwrap()),
        verdicts: [
            verdict("anomaly", Cause::Sleeping, "sleeps since 14:05, wakes on visit"),
            Verdict {
                sync: Sync::Failed,
                stage: Some(Stage::Awake),
                party: Party::Author,
                next: "write `maxReplicas` there and commit".into(),
                ..verdict(
                    "part-comparer",
                    Cause::Fault(crate::model::fault::code::UNKNOWN_FIELD),
                    "part-comparer/solution.yaml:14:5: unknown field `replica`",
                )
            },
            Verdict { stage: Some(Stage::Awake), ..verdict("use", Cause::Serving, "2 replicas") },
        ]
        .into_iter()
        .collect(),
        ..unread()
    }
}

/// Every sync there is, an outage, a hold and a problem.
#[allow(clippy::unwrap_used)]
pub fn troubled() -> Board {
    let mut board = board();
    board.unknown = Some(Outage {
        since: "2026-11-24T09:12:00Z".parse().unwrap(),
        cause: "git.example answered 401: the token in /run/secrets/git-token was refused".into(),
    });
    board.reports = true;
    board.cluster = Some(Outage {
        since: "2026-11-24T14:04:00Z".parse().unwrap(),
        cause: "the API server cannot be reached: connection refused".into(),
    });
    board.held = Some(Held {
        hash: ContentHash::recorded(&"3f2a".repeat(16)),
        reason: "would remove 3 of 4 solutions".into(),
        harm: Harm {
            deletions: [
                ObjectKey::namespaced(Kind::HttpRoute, "sol-anomaly", "edge-pumps"),
                ObjectKey::cluster(Kind::Namespace, "sol-anomaly"),
            ]
            .into(),
            addresses: [Address {
                host: "use.demo.example".into(),
                path: "/api".into(),
                gateway: "edge/public".into(),
            }]
            .into(),
        },
        options: String::new(),
    });
    board.findings = vec![Finding {
        grade: Grade::Missing,
        subject: "GatewayClass traefik".into(),
        sentence: "is not there".into(),
        mend: "install its controller".into(),
        party: Party::Operator,
        since: "2026-11-24T09:12:00Z".parse().ok(),
    }];
    board.problems = vec!["platform.yaml:12:3: unknown field `domian`".into()];
    let more = [
        (Sync::Progressing, Some(Stage::Waking), Some(Health::Progressing), Party::Nobody),
        (Sync::OutOfSync, Some(Stage::Awake), Some(Health::Healthy), Party::Vitrine),
        (Sync::Blocked, None, None, Party::Operator),
        (Sync::Unknown, Some(Stage::Queued), Some(Health::Progressing), Party::Operator),
        (Sync::Removing, None, None, Party::Nobody),
        (Sync::Synced, Some(Stage::WakeFailed), Some(Health::Degraded), Party::Author),
    ];
    board.verdicts.extend(more.into_iter().enumerate().map(|(i, (sync, stage, health, party))| {
        Verdict {
            sync,
            stage,
            health,
            party,
            urls: Vec::new(),
            revision: None,
            serving: None,
            ..verdict(
                &format!("more-{i}"),
                Cause::Applying,
                "a reason of some length, to be read by a person",
            )
        }
    }));
    board
}

/// A daemon that has just started.
#[allow(clippy::unwrap_used)]
pub fn unread() -> Board {
    Board::new(InstanceName::parse("demo").unwrap(), "/srv/catalogue")
}
