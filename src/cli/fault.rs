//! A fault as programs read it, in every command's JSON.

use serde::Serialize;

use vitrine_core::model::Party;
use vitrine_core::model::fault::{Fault, Severity};

/// The names of the keys are a promise.
#[derive(Serialize)]
pub(super) struct FaultJson<'a> {
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
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_core::model::fault::code;
    use vitrine_core::model::yaml::Span;

    use super::*;

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
                "help": "write yes", "party": "author",
            })
        );
    }
}
