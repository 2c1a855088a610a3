//! Begins the judgement of a file: what is wrong with it as YAML.

use super::mend;
use super::sheet::Sheet;
use crate::model::Party;
use crate::model::fault::code;
use crate::model::yaml::{self, Node, Problem};

/// Opens a file: reads its YAML, and reports what is wrong with it as YAML, with the fix where
/// there is one.
pub fn open(file: &str, bytes: &[u8], party: Party) -> (Sheet, Option<Node>) {
    let document = yaml::read(bytes);
    let unreadable = document.findings.iter().any(|finding| {
        matches!(finding.problem, Problem::TooLarge | Problem::Utf16 | Problem::Binary)
    });
    let text = if unreadable { "".into() } else { String::from_utf8_lossy(bytes) };
    let sheet = Sheet::new(file, &text, party);
    for finding in &document.findings {
        let message = finding.message.as_str();
        let mut fault = sheet.fault(code::of(finding.problem), finding.at, message);
        fault.help = finding.help.map(str::to_owned);
        let fault = fault.fix(mend::of(&sheet, bytes, &document, finding));
        sheet.report(fault);
    }
    (sheet, document.root)
}
