//! ScaledObject: will KEDA wake its target, and put it to sleep?
//!
//! In: [`ScaledFacts`]. Out: [`Scaler`]. KEDA's conditions say neither which generation they are
//! about nor since when they hold.

use super::Trouble;
use crate::model::{ObjectKey, Party};
use crate::plan::observed::{Condition, Pause, ScaledFacts};
use crate::plan::said::{UNKNOWN_ZONE, zone_in};
use crate::status::wording::{quote, short};
use crate::status::{Cause, Reason};

/// What KEDA makes of a ScaledObject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scaler {
    /// KEDA has not looked at it yet, or not at all of it.
    Waiting { reason: Reason, look: &'static str },
    /// KEDA serves it. A warning is somebody's turn and breaks nothing.
    Serves { active: bool, warning: Option<Trouble> },
    /// Somebody told KEDA to leave the target alone. Reported, not touched.
    Paused(Trouble),
    /// Nothing wakes its target, or not everything that should.
    Broken(Trouble),
}

/// The health of a ScaledObject. `hand`: the field manager that paused it, where it is known.
pub fn scaled_object(key: &ObjectKey, facts: &ScaledFacts, hand: Option<&str>) -> Scaler {
    let condition = |kind: &str| facts.conditions.iter().find(|c| c.kind == kind);
    let is = |kind: &str, status: &str| condition(kind).filter(|c| c.status == status);
    let operator = |cause: Cause, reason: String, next: &str| Trouble {
        party: Party::Operator,
        reason: cause.says(reason),
        next: next.to_owned(),
    };
    if let Some(pause) = &facts.paused {
        return Scaler::Paused(paused(pause, hand));
    }
    let secret = is("Ready", "False").and_then(|broken| missing_secret(&broken.message));
    if let Some((secret, key)) = secret {
        return Scaler::Broken(operator(
            Cause::SecretMissing,
            format!(
                "secret {key} is missing: Secret {secret} has no such key, so KEDA cannot begin"
            ),
            &format!("put {key} into Secret {secret}; vitrine never writes Secrets"),
        ));
    }
    if let Some(zone) = unknown_zone(facts) {
        let trouble = operator(
            Cause::Unscalable,
            format!(
                "KEDA does not know the time zone {zone} of its schedule: its image lacks zone data"
            ),
            "use KEDA's own image, or put zone data (tzdata) into yours; vitrine goes on by itself",
        );
        // As below: one trigger of several, at zero.
        return match is("Ready", "False").filter(|_| facts.triggers > 1) {
            Some(_) => {
                Scaler::Serves { active: is("Active", "True").is_some(), warning: Some(trouble) }
            }
            None => Scaler::Broken(trouble),
        };
    }
    // KEDA says so at zero of one trigger of several, and a visit wakes the target all the same.
    let some = is("Ready", "False").filter(|c| &*c.reason == "TriggerError" && facts.triggers > 1);
    if let Some(some) = some {
        let warning = operator(
            Cause::Unscalable,
            format!("KEDA cannot read every trigger of {key}: {}", words(some)),
            "look at KEDA and its HTTP add-on; what works meanwhile still wakes it",
        );
        return Scaler::Serves { active: is("Active", "True").is_some(), warning: Some(warning) };
    }
    if let Some(broken) = is("Ready", "False") {
        return Scaler::Broken(operator(
            Cause::Unscalable,
            format!("KEDA cannot scale {key}: {}", words(broken)),
            "look at KEDA and its HTTP add-on; vitrine goes on by itself",
        ));
    }
    let partial = |c: &&Condition| &*c.reason == "PartialTriggerError";
    if let Some(partial) = is("Ready", "Unknown").filter(partial) {
        return Scaler::Broken(operator(
            Cause::Unscalable,
            format!("KEDA cannot read all triggers of {key}: {}", words(partial)),
            "look at KEDA and its HTTP add-on; what works meanwhile still wakes it",
        ));
    }
    if let Some(fallback) = is("Fallback", "True") {
        return Scaler::Broken(operator(
            Cause::Unscalable,
            format!(
                "KEDA cannot tell how many visitors {key} has and guesses: {}",
                words(fallback)
            ),
            "look at KEDA and its HTTP add-on; vitrine goes on by itself",
        ));
    }
    let look = "look at KEDA";
    if is("Ready", "True").is_none() {
        let reason = Cause::AwaitsKeda.says(format!("waiting for KEDA to take on {key}"));
        return Scaler::Waiting { reason, look };
    }
    if facts.metrics < facts.triggers {
        let reason = format!(
            "waiting for KEDA to take on {key}: {} of {} triggers",
            facts.metrics, facts.triggers
        );
        return Scaler::Waiting { reason: Cause::AwaitsKeda.says(reason), look };
    }
    // At zero nobody scales, and that is as it should be.
    let idle = |c: &&Condition| &*c.reason == "ScalingDisabled";
    let warning = is("HPAActive", "False").filter(|c| !idle(c)).map(|inactive| {
        operator(
            Cause::Unmeasured,
            format!("the number of replicas does not follow the visitors: {}", words(inactive)),
            "look at KEDA's metrics server; it sleeps and wakes meanwhile",
        )
    });
    Scaler::Serves { active: is("Active", "True").is_some(), warning }
}

fn paused(pause: &Pause, hand: Option<&str>) -> Trouble {
    let annotation = pause.annotation();
    let at = match pause {
        Pause::At(at) => format!(" at {}", short(at)),
        Pause::AsItIs => String::new(),
    };
    let who = hand.map_or_else(String::new, |hand| format!(" by {}", quote(hand)));
    Trouble {
        party: Party::Operator,
        reason: Cause::Paused.says(format!(
            "paused{at} by hand{who}; no visit wakes it and nothing puts it to sleep"
        )),
        next: format!("take the annotation `{annotation}` off its ScaledObject to let it go on"),
    }
}

/// The Secret and the key that KEDA does not find, out of its words:
/// `&SecretKeySelector{LocalObjectReference:LocalObjectReference{Name:app-secrets,},Key:TOKEN,...`.
fn missing_secret(message: &str) -> Option<(String, String)> {
    let (_, rest) = message.split_once("SecretKeySelector{")?;
    let (_, rest) = rest.split_once("Name:")?;
    let (secret, rest) = rest.split_once(',')?;
    let (_, rest) = rest.split_once("Key:")?;
    let (key, _) = rest.split_once(',')?;
    Some((quote(secret), quote(key)))
}

/// The time zone of a schedule that KEDA does not know, while it says that something is wrong. Its
/// condition says no more than that (`Triggers defined in ScaledObject are not working correctly`);
/// which zone it is stands in an Event, or in the words of those that say it in the condition.
fn unknown_zone(facts: &ScaledFacts) -> Option<String> {
    let fails = |c: &&Condition| match (&*c.kind, &*c.status) {
        ("Ready", "False") => true,
        ("Ready", "Unknown") => &*c.reason == "PartialTriggerError",
        _ => false,
    };
    let failing = facts.conditions.iter().find(fails)?;
    let said = failing.message.split_once(UNKNOWN_ZONE).map(|(_, zone)| quote(zone_in(zone)));
    // An Event is of a while ago: what the condition says by itself now is something else.
    let of_triggers = matches!(&*failing.reason, "TriggerError" | "PartialTriggerError");
    said.or_else(|| facts.unknown_zone.as_ref().filter(|_| of_triggers).map(short))
}

/// What KEDA says, or else the word for it.
fn words(condition: &Condition) -> String {
    if condition.message.is_empty() { short(&condition.reason) } else { short(&condition.message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::status::health::sample::fact;

    fn facts(conditions: &[(&str, &str, &str)]) -> ScaledFacts {
        ScaledFacts {
            conditions: conditions.iter().map(|(k, s, r)| fact(k, s, r, "")).collect(),
            triggers: 2,
            metrics: 2,
            ..ScaledFacts::default()
        }
    }

    #[test]
    fn a_scaled_object_is_as_kedas_conditions_say() {
        let ready = ("Ready", "True", "ScaledObjectReady");
        let cases = [
            ("idle", vec![ready, ("Active", "False", "ScalerNotActive")], "serves"),
            ("cooling down", vec![ready, ("Active", "False", "ScalerCooldown")], "serves"),
            ("active", vec![ready, ("Active", "True", "ScalerActive")], "serves, active"),
            (
                "not paused, no fallback",
                vec![ready, ("Paused", "Unknown", ""), ("Fallback", "False", "")],
                "serves",
            ),
            ("KEDA has not come", vec![], "waits: waiting for KEDA to take on ScaledObject/app"),
            (
                "KEDA is looking",
                vec![("Ready", "Unknown", "")],
                "waits: waiting for KEDA to take on ScaledObject/app",
            ),
            (
                "a trigger of two fails",
                vec![("Ready", "False", "TriggerError")],
                "serves, warns: KEDA cannot read every trigger of ScaledObject/app: TriggerError",
            ),
            (
                "some triggers fail",
                vec![("Ready", "Unknown", "PartialTriggerError")],
                "broken: KEDA cannot read all triggers of ScaledObject/app: PartialTriggerError",
            ),
            (
                "it guesses",
                vec![ready, ("Fallback", "True", "FallbackExists")],
                "broken: KEDA cannot tell how many visitors ScaledObject/app has and guesses: FallbackExists",
            ),
            (
                "no metric",
                vec![
                    ready,
                    ("Active", "True", ""),
                    ("HPAActive", "False", "FailedGetExternalMetric"),
                ],
                "serves, active, warns: the number of replicas does not follow the visitors: FailedGetExternalMetric",
            ),
            ("no metric at zero", vec![ready, ("HPAActive", "False", "ScalingDisabled")], "serves"),
            // What pauses is the annotation: the condition follows it.
            (
                "not paused any more",
                vec![ready, ("Paused", "True", "ScaledObjectPaused")],
                "serves",
            ),
        ];
        for (case, conditions, expected) in cases {
            assert_eq!(said(&facts(&conditions), None), expected, "{case}");
        }
        let mut only = facts(&[("Ready", "False", "TriggerError")]);
        only.triggers = 1;
        assert_eq!(said(&only, None), "broken: KEDA cannot scale ScaledObject/app: TriggerError");
        // As a real KEDA wrote it.
        let told = "error building trigger: error resolving secret name \
                    &SecretKeySelector{LocalObjectReference:LocalObjectReference{Name:app-secrets,},\
                    Key:TOKEN,Optional:nil,}";
        only.conditions = vec![fact("Ready", "False", "ScaledObjectCheckFailed", told)];
        assert_eq!(
            said(&only, None),
            "broken: secret TOKEN is missing: Secret app-secrets has no such key, so KEDA cannot begin"
        );
        let mut half = facts(&[ready]);
        half.metrics = 1;
        assert_eq!(
            said(&half, None),
            "waits: waiting for KEDA to take on ScaledObject/app: 1 of 2 triggers"
        );
    }

    #[test]
    fn a_keda_without_zone_data_is_the_operators_turn() {
        let words = "KEDA does not know the time zone Europe/Berlin of its schedule: its image lacks zone data";
        let broken = "Triggers defined in ScaledObject are not working correctly";
        let some = "Some triggers defined in ScaledObject are not working correctly";
        let with = |triggers, status: &str, reason: &str, message: &str, zone: Option<&str>| {
            said(
                &ScaledFacts {
                    conditions: vec![fact("Ready", status, reason, message)],
                    triggers,
                    metrics: triggers,
                    unknown_zone: zone.map(Into::into),
                    ..ScaledFacts::default()
                },
                None,
            )
        };
        let zone = Some("Europe/Berlin");
        // At zero, with what else wakes it and without; then while somebody visits it.
        let warns = format!("serves, warns: {words}");
        assert_eq!(with(2, "False", "TriggerError", broken, zone), warns);
        assert_eq!(with(1, "False", "TriggerError", broken, zone), format!("broken: {words}"));
        assert_eq!(
            with(2, "Unknown", "PartialTriggerError", some, zone),
            format!("broken: {words}")
        );
        // Words in the condition itself.
        let told =
            "error getting metrics: unable to load timezone: unknown time zone Europe/Berlin";
        assert_eq!(with(1, "False", "TriggerError", told, None), format!("broken: {words}"));
        // What was said before KEDA was mended says nothing.
        assert_eq!(with(2, "True", "ScaledObjectReady", "", zone), "serves");
    }

    #[test]
    fn whoever_paused_it_by_hand_is_named_whatever_else_is_wrong() {
        let mut paused = facts(&[("Ready", "False", "TriggerError")]);
        paused.paused = Some(Pause::At("0".into()));
        assert_eq!(
            said(&paused, Some("kubectl-annotate")),
            "paused: paused at 0 by hand by kubectl-annotate; no visit wakes it and nothing puts it to sleep"
        );
        paused.paused = Some(Pause::AsItIs);
        assert_eq!(
            said(&paused, None),
            "paused: paused by hand; no visit wakes it and nothing puts it to sleep"
        );
    }

    fn said(facts: &ScaledFacts, hand: Option<&str>) -> String {
        let key = ObjectKey::namespaced(Kind::ScaledObject, "sol-use", "app");
        match scaled_object(&key, facts, hand) {
            Scaler::Waiting { reason, .. } => format!("waits: {reason}"),
            Scaler::Serves { active, warning } => {
                let active = if active { ", active" } else { "" };
                let warns = warning.map_or_else(String::new, |w| format!(", warns: {}", w.reason));
                format!("serves{active}{warns}")
            }
            Scaler::Paused(trouble) => {
                assert!(trouble.next.contains("autoscaling.keda.sh/paused"), "{}", trouble.next);
                format!("paused: {}", trouble.reason)
            }
            Scaler::Broken(trouble) => format!("broken: {}", trouble.reason),
        }
    }
}
