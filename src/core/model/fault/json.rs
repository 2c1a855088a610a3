//! A fault as programs read it, in every command's JSON.

use serde::Serialize;

use super::{Change, Fault, Fix, Piece, Severity};
use crate::model::Party;
use crate::model::credential::masked;

/// The names of the keys are a promise.
#[derive(Serialize)]
pub struct FaultJson<'a> {
    code: &'a str,
    severity: Severity,
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    message: &'a str,
    help: Option<&'a str>,
    party: Party,
    fix: Option<FixJson<'a>>,
}

/// What would put a fault right.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum FixJson<'a> {
    /// Pieces of the file that are written otherwise, all of them or none.
    Edits(&'a [Piece]),
    /// Another name in the same folder.
    Rename(&'a str),
    /// The file goes.
    Remove(bool),
}

/// No output shows a credential, and what would write one is none.
fn fix(fix: &Fix) -> Option<FixJson<'_>> {
    match &fix.change {
        Change::Write(pieces) => {
            let shown = |piece: &Piece| masked(&piece.text) == piece.text;
            pieces.iter().all(shown).then_some(FixJson::Edits(pieces))
        }
        Change::Rename(name) => Some(FixJson::Rename(name)),
        Change::Remove => Some(FixJson::Remove(true)),
    }
}

impl<'a> From<&'a Fault> for FaultJson<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self {
            code: fault.code,
            severity: fault.severity,
            file: &fault.file,
            line: fault.line,
            column: fault.column,
            end_line: fault.end_line,
            end_column: fault.end_column,
            message: &fault.message,
            help: fault.help.as_deref(),
            party: fault.party,
            fix: fault.fix.as_deref().and_then(fix),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::fault::code;
    use crate::model::yaml::Span;

    #[test]
    fn the_keys_are_a_promise() {
        let at = Span { line: 8, column: 3, end_line: 8, end_column: 10 };
        let fault = Fault::new(code::UNKNOWN_FIELD, "use/solution.yaml", Party::Author, "no")
            .at(at)
            .help("write yes");
        assert_eq!(
            json!(FaultJson::from(&fault)),
            json!({
                "code": code::UNKNOWN_FIELD, "severity": "error", "file": "use/solution.yaml",
                "line": 8, "column": 3, "end_line": 8, "end_column": 10, "message": "no",
                "help": "write yes", "party": "author", "fix": null,
            })
        );
    }

    #[test]
    fn a_fix_is_told_by_its_edits_and_never_with_a_credential() {
        let fault = Fault::new(code::WRONG_TYPE, "f", Party::Author, "m");
        let write =
            |text: &str| Fix::write("a: b", vec![Piece { from: 3, to: 4, text: text.into() }]);
        let told = |fix| json!(FaultJson::from(&fault.clone().fix(fix)))["fix"].clone();
        assert_eq!(told(write("c")), json!({"edits": [{"from": 3, "to": 4, "text": "c"}]}));
        assert_eq!(told(write("ghp_abcdefghijklmnopqrstuvwxyz0123456789")), json!(null));
        assert_eq!(told(Some(Fix::rename("s.yaml"))), json!({"rename": "s.yaml"}));
        assert_eq!(told(Some(Fix::remove())), json!({"remove": true}));
    }
}
