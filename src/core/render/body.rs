//! A body as it is sent: encoded once, with a gap for what only the write knows.

use serde_json::{Map, Value, json};

use super::DesiredObject;
use crate::model::{ContentHash, FieldSet, Revision, marks};

/// The JSON of one object. What stands in it is what [`DesiredObject::body`] says; the commit and
/// what is left behind are spliced in when it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    text: Box<str>,
    /// Where its annotations begin, in bytes.
    gap: usize,
    birth: Option<Box<str>>,
}

impl Body {
    /// Encodes the body of an object.
    pub fn of(object: &DesiredObject) -> Self {
        let (text, gap) = encoded(&object.body);
        let birth = object.template.as_ref().map(|template| smallest(&object.body, template));
        Self { text: text.into(), gap, birth: birth.map(|birth| birth.to_string().into()) }
    }

    /// What an apply sends: with the commit that last changed the object, and what of it left the
    /// catalogue and lives on.
    pub fn with_marks(&self, revision: &Revision, left: Option<&FieldSet>) -> Vec<u8> {
        let mut marked = format!("\"{}\":\"{}\"", marks::REVISION, revision.as_str());
        if let Some(left) = left {
            let left = Value::from(left.to_fields_v1().to_string());
            marked.push_str(&format!(",\"{}\":{left}", marks::LEFT_BEHIND));
        }
        let (before, after) = self.text.split_at(self.gap);
        if !after.starts_with('}') {
            marked.push(',');
        }
        [before, &marked, after].concat().into_bytes()
    }

    /// Of a Deployment: what the POST sends by which it is born asleep.
    pub fn birth(&self) -> Option<&[u8]> {
        self.birth.as_deref().map(str::as_bytes)
    }

    /// The body as a tree, as it was before it was encoded.
    pub fn tree(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default() // we wrote it
    }
}

/// The JSON of a body, and where its annotations begin. It has some, if only an empty map.
fn encoded(body: &Value) -> (String, usize) {
    let (mut text, mut gap) = (String::from("{"), 0);
    let nothing = Map::new();
    let body = body.as_object().unwrap_or(&nothing);
    let metadata = body.get("metadata").and_then(Value::as_object).unwrap_or(&nothing);
    let annotations = metadata.get("annotations").and_then(Value::as_object).unwrap_or(&nothing);
    text.push_str("\"metadata\":{\"annotations\":{");
    gap += text.len();
    members(&mut text, annotations.iter());
    text.push('}');
    for (key, value) in metadata.iter().filter(|(key, _)| *key != "annotations") {
        text.push(',');
        members(&mut text, [(key, value)].into_iter());
    }
    text.push('}');
    for (key, value) in body.iter().filter(|(key, _)| *key != "metadata") {
        text.push(',');
        members(&mut text, [(key, value)].into_iter());
    }
    text.push('}');
    (text, gap)
}

fn members<'a>(text: &mut String, members: impl Iterator<Item = (&'a String, &'a Value)>) {
    for (number, (key, value)) in members.enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&format!("{}:{value}", Value::from(key.as_str())));
    }
}

/// The smallest Deployment that the server accepts and that our apply can grow.
fn smallest(body: &Value, template: &ContentHash) -> Value {
    let pods = &body["spec"]["template"];
    let container = &pods["spec"]["containers"][0];
    json!({
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": {
            "name": body["metadata"]["name"],
            "namespace": body["metadata"]["namespace"],
            "labels": body["metadata"]["labels"],
            "annotations": { marks::VERIFIED: format!("{template} born") },
        },
        "spec": {
            "replicas": 0,
            "selector": body["spec"]["selector"],
            "template": {
                "metadata": { "labels": pods["metadata"]["labels"] },
                "spec": { "containers": [
                    { "name": container["name"], "image": container["image"] }
                ] },
            },
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::{Kind, ObjectKey};
    use crate::render::Wave;

    fn object(body: Value) -> DesiredObject {
        DesiredObject {
            key: ObjectKey::namespaced(Kind::Deployment, "sol-use", "web"),
            component: None,
            wave: Wave::Workload,
            content: ContentHash::of(b"c"),
            template: Some(ContentHash::recorded("t1")),
            pods: None,
            fields: FieldSet::default().into(),
            body,
        }
    }

    fn revision() -> Revision {
        Revision::parse(&"a".repeat(40)).unwrap()
    }

    fn sent(body: &Body, left: Option<&FieldSet>) -> Value {
        serde_json::from_slice(&body.with_marks(&revision(), left)).unwrap()
    }

    #[test]
    fn what_is_sent_is_the_body_and_its_marks() {
        for annotations in [json!({}), json!({"a": "1"}), json!({"a": "\"}{", "z": "ü\n"})] {
            let tree = json!({
                "apiVersion": "v1", "data": {"metadata": "{\"annotations\":{"}, "kind": "ConfigMap",
                "metadata": {"annotations": annotations, "labels": {"x": "y"}, "name": "\\"},
            });
            let body = Body::of(&object(tree.clone()));
            assert_eq!(body.tree(), tree);
            let mut expected = tree.clone();
            expected["metadata"]["annotations"][marks::REVISION] = json!("a".repeat(40));
            assert_eq!(sent(&body, None), expected);
            let left = FieldSet::recorded(&json!({"f:spec": {"k:{\"a\":\"b\"}": {}}}));
            let text = left.to_fields_v1().to_string();
            expected["metadata"]["annotations"][marks::LEFT_BEHIND] = json!(text);
            assert_eq!(sent(&body, Some(&left)), expected);
        }
        let bare = Body::of(&object(json!({"kind": "X"})));
        assert_eq!(sent(&bare, None)["metadata"]["annotations"][marks::REVISION], "a".repeat(40));
    }

    #[test]
    fn a_birth_is_the_smallest_form_and_only_deployments_have_one() {
        let tree = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "sol-use", "labels": {"l": "1"},
                "annotations": {"vitrine.dev/content": "c"}},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}},
                    "spec": {"containers": [{"name": "web", "image": "i", "env": []}]},
                },
            },
        });
        let body = Body::of(&object(tree.clone()));
        let birth: Value = serde_json::from_slice(body.birth().unwrap()).unwrap();
        let expected = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "sol-use", "labels": {"l": "1"},
                "annotations": {"vitrine.dev/verified": "t1 born"}},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "web", "image": "i"}]},
                },
            },
        });
        assert_eq!(birth, expected);
        let other = DesiredObject { template: None, ..object(tree) };
        assert!(Body::of(&other).birth().is_none());
    }
}
