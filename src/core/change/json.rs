//! A review for a program. The names of the keys are a promise.

use serde_json::{Value, json};

use super::bill::Bill;
use super::fact::Fact;
use super::objects::{Field, ObjectChange};
use super::touched::{Earlier, Touched};
use super::{Operator, Review};
use crate::model::Fault;
use crate::model::fault::{FaultJson, harmless};

/// The whole review.
pub fn json(review: &Review) -> Value {
    let platform = match &review.platform {
        Operator::Same => json!({"what": "same"}),
        Operator::Changed(facts) => json!({"what": "changes", "facts": each(facts, fact)}),
        Operator::Refused(faults) => json!({"what": "refused", "faults": each(faults, fault)}),
        Operator::Mended => json!({"what": "mended"}),
    };
    json!({
        "base": review.base,
        "head": review.head,
        "summary": review.summary(),
        "platform": platform,
        "operators": review.operators.as_deref().map(harmless),
        "solutions": each(&review.touched, touched),
        "untouched": review.untouched,
        "othersMayGo": review.others_may_go.as_deref().map(harmless),
        "held": review.held,
    })
}

fn each<T>(items: &[T], told: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(told).collect()
}

fn touched(one: &Touched) -> Value {
    json!({
        "name": harmless(one.name.as_str()),
        "folder": harmless(&one.folder),
        "title": one.title.as_deref().map(harmless),
        "what": one.what.as_str(),
        "byPlatform": one.by_platform,
        "identicalTo": one.earlier.as_ref().map(|Earlier { revision, committed }| {
            json!({"revision": revision, "committed": committed.to_string()})
        }),
        "urls": one.urls,
        "facts": each(&one.facts, fact),
        "costs": {"now": one.bills.0.as_ref().map(bill), "then": one.bills.1.as_ref().map(bill)},
        "risks": each(&one.risks, |risk| risk.to_string().into()),
        "asks": each(&one.asks, |ask| ask.to_string().into()),
        "objects": each(&one.objects, object),
        "faults": each(&one.faults, fault),
    })
}

fn fact(fact: &Fact) -> Value {
    json!({
        "topic": fact.topic.as_str(),
        "components": fact.components,
        "what": fact.what,
        "now": fact.now,
        "then": fact.then,
    })
}

fn bill(bill: &Bill) -> Value {
    let cents = |amount: f64| (amount * 100.0).round() / 100.0;
    json!({
        "currency": bill.currency,
        "awakeHoursADay": bill.awake,
        "expectedAMonth": cents(bill.expected),
        "mostAMonth": cents(bill.most),
        "unpriced": bill.unpriced,
    })
}

fn object(object: &ObjectChange) -> Value {
    let field = |field: &Field| json!({"path": field.path, "now": field.now, "then": field.then});
    json!({
        "verb": object.verb.as_str(),
        "kind": object.key.kind.facts().kind,
        "namespace": object.key.namespace,
        "name": object.key.name,
        "fields": each(&object.fields, field),
    })
}

fn fault(fault: &Fault) -> Value {
    json!(FaultJson::from(fault))
}
