//! One thing that `plan` says: a row for people, an object for programs.

use serde_json::{Value, json};

use vitrine_core::catalog::{Fault, Refused};
use vitrine_core::model::fault::{FaultJson, harmless};
use vitrine_core::plan::{Hold, Planned, Step, When, Why};

/// The names of the keys and the verbs are a promise.
pub(super) struct Row {
    solution: String,
    /// `create`, `update`, `repair`, `delete`, ...
    verb: &'static str,
    object: String,
    detail: String,
    faults: Vec<Fault>,
}

impl Row {
    fn new(solution: &str, verb: &'static str, object: impl ToString) -> Self {
        let (solution, object) = (harmless(solution), object.to_string());
        Self { solution, verb, object, detail: String::new(), faults: Vec::new() }
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// A folder that is left alone because of its faults.
    pub fn refused(name: &str, refused: &Refused) -> Self {
        let row = Self::new(name, "refused", harmless(&refused.folder));
        let row = row.detail("nothing of it is changed or deleted until it is mended");
        Self { faults: refused.faults.clone(), ..row }
    }

    /// The operator's file is faulty, so that everything is left alone.
    pub fn frozen(faults: &[Fault]) -> Self {
        let row = Self::new("*", "refused", "platform.yaml");
        let row = row.detail("nothing at all is changed or deleted until it is mended");
        Self { faults: faults.to_vec(), ..row }
    }

    /// What is in no folder and yet left alone.
    pub fn kept(name: &str, why: &str) -> Self {
        Self::new(name, "keep", "*").detail(format!("not deleted: {}", harmless(why)))
    }

    pub fn held(hold: &Hold) -> Self {
        Self::new("*", "held", &hold.hash).detail(hold.reason.clone())
    }

    /// A step of a pass.
    pub fn of_step(solution: &str, planned: &Planned) -> Self {
        let (verb, mut detail) = match &planned.step {
            Step::Apply { why: Why::Create, .. } | Step::Birth { .. } => ("create", String::new()),
            Step::Apply { why: Why::Update, .. } | Step::Handover { .. } => {
                ("update", String::new())
            }
            Step::Apply { why: Why::Repair { fields, manager }, .. } => {
                let by =
                    manager.as_deref().map_or_else(String::new, |m| format!(", changed by {m}"));
                ("repair", format!("{}{by}", fields.join(" ")))
            }
            Step::Delete { .. } => ("delete", String::new()),
            Step::Survey { .. } => ("look", "for work that is not vitrine's".to_owned()),
            Step::ForceActivation { .. } | Step::Nudge { .. } | Step::Verified { .. } => {
                ("verify", String::new())
            }
        };
        if let When::After(gate) = &planned.when {
            let after = format!("{gate}");
            detail = if detail.is_empty() { after } else { format!("{detail}; {after}") };
        }
        Self::new(solution, verb, planned.step.key()).detail(detail)
    }

    /// Something that is waited for before any step can be said.
    pub fn wait(solution: &str, gate: impl ToString) -> Self {
        Self::new(solution, "wait", gate)
    }

    /// One line, and one for each fault.
    pub fn text(&self) -> String {
        let detail =
            if self.detail.is_empty() { String::new() } else { format!("  ({})", self.detail) };
        let mut text = format!("{:<20} {:<7} {}{detail}", self.solution, self.verb, self.object);
        for fault in &self.faults {
            text += &format!("\n{:<28} {fault}", "");
        }
        text
    }

    pub fn json(&self) -> Value {
        let mut row = json!({
            "solution": self.solution,
            "verb": self.verb,
            "object": self.object,
            "detail": self.detail,
        });
        if !self.faults.is_empty() {
            let faults: Vec<FaultJson> = self.faults.iter().map(FaultJson::from).collect();
            row["faults"] = json!(faults);
        }
        row
    }
}
