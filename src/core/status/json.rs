//! The board as one JSON document: what `/status.json` and `--format json` give, and
//! `vitrine status --url` reads back.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use crate::doctor::{Finding, Grade};
use crate::model::{ClaimedName, ContentHash, InstanceName, Kind, ObjectKey, Revision};

use crate::plan::{Address, Harm};

use super::{Board, Cause, Health, Held, Outage, Stage, Verdict, word};

/// The board as one document, indented, with a line's end at its end. Absent things are `null`, so
/// every key is always there.
///
/// Solution by solution: as one tree a thousand of them are five times as large as what is known of
/// them.
pub fn status_json(board: &Board) -> String {
    let text = serde_json::to_string_pretty(&Document(board));
    text.unwrap_or_default() + "\n" // nothing of it can fail: its keys are texts
}

struct Document<'a>(&'a Board);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(board) = self;
        let mut map = serializer.serialize_map(Some(13))?;
        // In the order of their names, as the keys of everything below are.
        map.serialize_entry("checkedAt", &board.checked_at.map(|t| t.to_string()))?;
        map.serialize_entry("cluster", &board.cluster.as_ref().map(outage))?;
        map.serialize_entry("findings", &Each(&board.findings, finding))?;
        map.serialize_entry("held", &board.held.as_ref().map(held))?;
        map.serialize_entry("instance", board.instance.as_str())?;
        map.serialize_entry("mode", if board.reports { "report" } else { "apply" })?;
        map.serialize_entry("previews", &Each(&board.previews, solution))?;
        map.serialize_entry("problems", &board.problems)?;
        map.serialize_entry("repository", &board.repository)?;
        map.serialize_entry("revision", &board.revision)?;
        map.serialize_entry("solutions", &Each(&board.verdicts, solution))?;
        map.serialize_entry("summary", &board.summary())?;
        map.serialize_entry("unknown", &board.unknown.as_ref().map(outage))?;
        map.end()
    }
}

/// A list that becomes JSON one by one.
struct Each<'a, List, T>(&'a List, fn(&T) -> Value);

impl<'a, List, T: 'a> Serialize for Each<'a, List, T>
where
    &'a List: IntoIterator<Item = &'a T>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.into_iter().map(self.1))
    }
}

/// One line of `doctor --format json`, and one finding of the board.
pub fn finding(finding: &Finding) -> Value {
    json!({
        "grade": finding.grade.as_str(),
        "subject": finding.subject,
        "sentence": finding.sentence,
        "mend": finding.mend,
        "party": finding.party.to_string(),
        "since": finding.since.map(|since| since.to_string()),
    })
}

fn solution(verdict: &Verdict) -> Value {
    json!({
        "name": verdict.name.as_str(),
        "sync": word::sync(verdict.sync),
        "stage": verdict.stage.map(word::stage),
        "health": verdict.health.map(word::health),
        "party": verdict.party.to_string(),
        "cause": verdict.reason.cause.as_str(),
        "reason": verdict.reason.text,
        "next": verdict.next,
        "url": verdict.urls.first(),
        "urls": verdict.urls,
        "revision": verdict.revision.as_ref().map(Revision::as_str),
        "serving": verdict.serving.as_ref().map(Revision::as_str),
        "objects": verdict.objects,
    })
}

fn outage(outage: &Outage) -> Value {
    json!({ "since": outage.since.to_string(), "cause": outage.cause })
}

fn held(held: &Held) -> Value {
    json!({
        "hash": held.hash.to_string(),
        "reason": held.reason,
        "command": held.command(),
        "deletions": held.harm.deletions.iter().map(|key| json!({
            "apiVersion": key.kind.api_version(),
            "kind": key.kind.facts().kind,
            "namespace": key.namespace,
            "name": key.name,
        })).collect::<Vec<_>>(),
        "addresses": held.harm.addresses.iter().map(|address| json!({
            "host": address.host,
            "path": address.path,
            "gateway": address.gateway,
        })).collect::<Vec<_>>(),
    })
}

/// A document that is not a board: another program's, or another version's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the status of a vitrine daemon: `{path}` {problem}")]
pub struct NotABoard {
    /// Where in the document: `solutions[2].sync`.
    pub path: String,
    /// What is wrong there, said of the path: `is not a text`.
    pub problem: String,
}

/// Reads what [`status_json`] wrote. Keys that it does not know are left alone.
///
/// # Errors
/// [`NotABoard`], naming the first key that is missing or wrong.
pub fn read_status_json(document: &Value) -> Result<Board, NotABoard> {
    let root = At { path: String::new(), value: document };
    let held = root.optional("held", |at| {
        Ok(Held {
            hash: ContentHash::recorded(at.text("hash")?),
            reason: at.text("reason")?.to_owned(),
            harm: Harm {
                deletions: at.list("deletions", object_key)?.into_iter().collect(),
                addresses: at.list("addresses", address)?.into_iter().collect(),
            },
            options: at.text("command")?.split(' ').skip(3).collect::<Vec<_>>().join(" "),
        })
    })?;
    let outage =
        |at: &At<'_>| Ok(Outage { since: at.time("since")?, cause: at.text("cause")?.to_owned() });
    Ok(Board {
        instance: root.parsed("instance", |text| InstanceName::parse(text).ok())?,
        // A daemon of before does not say it.
        reports: root.optional("mode", |at| at.parse(|text| Some(text == "report")))? == Some(true),
        revision: root.optional("revision", |at| at.parse(|text| Revision::parse(text).ok()))?,
        repository: root.text("repository")?.to_owned(),
        checked_at: root.optional("checkedAt", |at| at.parse(|text| text.parse().ok()))?,
        unknown: root.optional("unknown", outage)?,
        cluster: root.optional("cluster", outage)?,
        verdicts: root.list("solutions", verdict)?.into_iter().collect(),
        // A daemon of before does not say them.
        previews: root
            .optional("previews", |at| at.items(verdict))?
            .unwrap_or_default()
            .into_iter()
            .collect(),
        held,
        problems: root.list("problems", |at| at.parse(|text| Some(text.to_owned())))?,
        findings: root.list("findings", read_finding)?,
    })
}

fn verdict(at: &At<'_>) -> Result<Verdict, NotABoard> {
    Ok(Verdict {
        name: ClaimedName::of(at.text("name")?),
        sync: at.parsed("sync", |text| find(word::SYNCS, word::sync, text))?,
        stage: at.optional("stage", |at| at.parse(stage))?,
        health: at.optional("health", |at| at.parse(health))?,
        party: at.parsed("party", |t| word::PARTIES.into_iter().find(|p| p.to_string() == t))?,
        reason: at.parsed("cause", Cause::read)?.says(at.text("reason")?),
        next: at.text("next")?.to_owned(),
        urls: at.list("urls", |at| at.parse(|text| Some(text.to_owned())))?,
        revision: at.optional("revision", |at| at.parse(|text| Revision::parse(text).ok()))?,
        serving: at.optional("serving", |at| at.parse(|text| Revision::parse(text).ok()))?,
        proof: super::Proof::default(),
        objects: at.key("objects").value.as_u64().map_or_else(
            || Err(at.key("objects").wrong("is not a number")),
            |n| Ok(usize::try_from(n).unwrap_or(usize::MAX)),
        )?,
    })
}

fn read_finding(at: &At<'_>) -> Result<Finding, NotABoard> {
    Ok(Finding {
        grade: at.parsed("grade", |text| find(Grade::ALL, Grade::as_str, text))?,
        subject: at.text("subject")?.to_owned(),
        sentence: at.text("sentence")?.to_owned(),
        mend: at.text("mend")?.to_owned(),
        party: at.parsed("party", |t| word::PARTIES.into_iter().find(|p| p.to_string() == t))?,
        since: at.optional("since", |at| at.parse(|text| text.parse().ok()))?,
    })
}

fn stage(text: &str) -> Option<Stage> {
    find(word::STAGES, word::stage, text)
}

fn health(text: &str) -> Option<Health> {
    find(word::HEALTHS, word::health, text)
}

fn find<T: Copy, const N: usize>(all: [T; N], say: fn(T) -> &'static str, text: &str) -> Option<T> {
    all.into_iter().find(|word| say(*word) == text)
}

fn object_key(at: &At<'_>) -> Result<ObjectKey, NotABoard> {
    let api_version = at.text("apiVersion")?;
    let kind = at.parsed("kind", |kind| Kind::named(api_version, kind))?;
    let namespace = at.optional("namespace", |at| at.parse(|text| Some(text.into())))?;
    Ok(ObjectKey { kind, namespace, name: at.text("name")?.into() })
}

fn address(at: &At<'_>) -> Result<Address, NotABoard> {
    let text = |key: &str| at.text(key).map(ToOwned::to_owned);
    Ok(Address {
        host: text("host")?.into(),
        path: text("path")?.into(),
        gateway: text("gateway")?.into(),
    })
}

/// A place in the document.
struct At<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    fn key(&self, key: &str) -> At<'a> {
        let dot = if self.path.is_empty() { "" } else { "." };
        At {
            path: format!("{}{dot}{key}", self.path),
            value: self.value.get(key).unwrap_or(&Value::Null),
        }
    }

    fn wrong(&self, problem: impl Into<String>) -> NotABoard {
        NotABoard { path: self.path.clone(), problem: problem.into() }
    }

    /// This value as a text that `parse` knows.
    fn parse<T>(&self, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, NotABoard> {
        let text = self.value.as_str().ok_or_else(|| self.wrong("is not a text"))?;
        parse(text).ok_or_else(|| self.wrong(format!("is `{text}`, which means nothing here")))
    }

    fn parsed<T>(&self, key: &str, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, NotABoard> {
        self.key(key).parse(parse)
    }

    fn text(&self, key: &str) -> Result<&'a str, NotABoard> {
        self.parsed(key, Some)
    }

    fn time(&self, key: &str) -> Result<Timestamp, NotABoard> {
        self.parsed(key, |text| text.parse().ok())
    }

    fn optional<T>(
        &self,
        key: &str,
        read: impl Fn(&At<'a>) -> Result<T, NotABoard>,
    ) -> Result<Option<T>, NotABoard> {
        let at = self.key(key);
        if at.value.is_null() { Ok(None) } else { read(&at).map(Some) }
    }

    fn list<T>(
        &self,
        key: &str,
        read: impl Fn(&At<'a>) -> Result<T, NotABoard>,
    ) -> Result<Vec<T>, NotABoard> {
        self.key(key).items(read)
    }

    /// This value as a list.
    fn items<T>(
        &self,
        read: impl Fn(&At<'a>) -> Result<T, NotABoard>,
    ) -> Result<Vec<T>, NotABoard> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("is not a list"))?;
        items
            .iter()
            .enumerate()
            .map(|(i, value)| read(&At { path: format!("{}[{i}]", self.path), value }))
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::sample;
    use super::*;

    fn document(board: &Board) -> Value {
        serde_json::from_str(&status_json(board)).unwrap()
    }

    #[test]
    fn it_is_written_as_one_tree_of_it_would_be() {
        for board in [sample::board(), sample::troubled(), sample::unread()] {
            assert_eq!(status_json(&board), format!("{:#}\n", document(&board)));
        }
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        for board in [sample::board(), sample::troubled(), sample::unread()] {
            assert_eq!(read_status_json(&document(&board)).unwrap(), board);
        }
    }

    #[test]
    fn every_key_is_there_even_when_it_has_nothing_to_say() {
        let document = document(&sample::unread());
        for key in [
            "instance",
            "revision",
            "solutions",
            "held",
            "unknown",
            "cluster",
            "problems",
            "findings",
        ] {
            assert!(document.get(key).is_some(), "{key}");
        }
        let document = self::document(&sample::board());
        let keys: Vec<&str> =
            document["solutions"][0].as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = vec![
            "name", "sync", "stage", "health", "party", "cause", "reason", "next", "url", "urls",
            "revision", "serving", "objects",
        ];
        wanted.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(keys, wanted);
    }

    #[test]
    fn a_word_that_no_board_knows_is_named_with_its_place() {
        let mut document = document(&sample::board());
        document["solutions"][1]["sync"] = json!("Splendid");
        let error = read_status_json(&document).unwrap_err();
        assert_eq!(error.path, "solutions[1].sync");
        assert!(error.to_string().contains("Splendid"), "{error}");
        assert!(read_status_json(&json!([])).is_err());
        assert!(read_status_json(&json!({"instance": "prod"})).is_err());
    }

    #[test]
    fn a_held_deletion_keeps_what_an_approval_needs() {
        let document = document(&sample::troubled());
        assert_eq!(
            document["held"]["deletions"][1],
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                   "namespace": "sol-anomaly", "name": "edge-pumps"})
        );
        assert_eq!(
            document["held"]["addresses"],
            json!([{"host": "use.demo.example", "path": "/api", "gateway": "edge/public"}])
        );
    }
}
