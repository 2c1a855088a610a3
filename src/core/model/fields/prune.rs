//! What is left of a body when everything that says nothing is gone.

use serde_json::{Map, Value};

use crate::model::Kind;

/// A body without nulls, empty maps and empty lists, because the API server records some of them
/// as fields and not others. Kept are the empties that mean something: `emptyDir: {}`,
/// `podSelector: {}` and `namespaceSelector: {}` (everything), a policy's `ingress: []` and
/// `egress: []` (nothing), and every item of a list (`ingress: [{}]` = from anywhere).
///
/// To be called before a body is hashed and sent.
#[must_use]
pub fn meaningful(kind: Kind, body: Value) -> Value {
    match body {
        Value::Object(map) => Value::Object(entries(kind, "", map)),
        other => other,
    }
}

fn entries(kind: Kind, parent: &str, map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter()
        .filter_map(|(name, value)| {
            let value = inside(kind, &name, value);
            (says_something(&value) || means_something(kind, parent, &name, &value))
                .then_some((name, value))
        })
        .collect()
}

fn inside(kind: Kind, name: &str, value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(entries(kind, name, map)),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| inside(kind, name, item)).collect())
        }
        scalar => scalar,
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn means_something(kind: Kind, parent: &str, name: &str, value: &Value) -> bool {
    match value {
        Value::Object(_) => matches!(name, "emptyDir" | "podSelector" | "namespaceSelector"),
        Value::Array(_) => {
            kind == Kind::NetworkPolicy && parent == "spec" && matches!(name, "ingress" | "egress")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_says_nothing_is_dropped_also_when_it_becomes_empty() {
        let body = json!({
            "metadata": {"name": "a", "annotations": {}, "labels": null},
            "spec": {"template": {"spec": {"securityContext": {"seccompProfile": {}}, "tolerations": []}},
                     "replicas": 0, "paused": false},
        });
        assert_eq!(
            meaningful(Kind::Deployment, body),
            json!({"metadata": {"name": "a"}, "spec": {"replicas": 0, "paused": false}})
        );
    }

    #[test]
    fn an_empty_that_means_something_stays() {
        let policy = json!({"spec": {
            "podSelector": {}, "ingress": [], "egress": [{}, {"to": [{"namespaceSelector": {}}], "ports": []}],
        }});
        assert_eq!(
            meaningful(Kind::NetworkPolicy, policy),
            json!({"spec": {
                "podSelector": {}, "ingress": [], "egress": [{}, {"to": [{"namespaceSelector": {}}]}],
            }})
        );
        let volumes =
            json!({"spec": {"template": {"spec": {"volumes": [{"name": "t", "emptyDir": {}}]}}}});
        assert_eq!(meaningful(Kind::Deployment, volumes.clone()), volumes);
    }
}
