//! A check run: faults at the lines of a head, where a forge shows such.

use crate::model::fault::{Severity, harmless};
use crate::model::invisible::visible;
use crate::model::{Fault, InstanceName};

/// The most faults that are told at their lines; their number is told in any case.
const MOST: usize = 200;

/// What a check run on a head is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `vitrine/prod/validate: lines`; no status is called so.
    pub name: String,
    /// How it ended.
    pub end: End,
    /// A few words.
    pub title: String,
    /// Below the title, in Markdown. No word of an author is in it.
    pub summary: String,
    /// At most 200, errors first.
    pub marks: Vec<Mark>,
}

/// How a check run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is wrong.
    Success,
    /// There are warnings.
    Neutral,
    /// Something is refused, or cannot run.
    Failure,
}

/// A fault at its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// From the repository's root.
    pub path: String,
    /// The first and the last line, from 1 on.
    pub lines: (u32, u32),
    /// The first and the last column, from 1 on, where it is of one line.
    pub columns: Option<(u32, u32)>,
    /// Whether it is an error.
    pub is_error: bool,
    /// Its code: `V0207`.
    pub title: String,
    /// What is wrong and how to mend it, in plain text.
    pub message: String,
}

impl Check {
    /// Of these faults. `root`: the catalogue's folder in the repository; `.` is the repository's
    /// own.
    pub fn of<'f>(
        instance: &InstanceName,
        root: &str,
        faults: impl IntoIterator<Item = &'f Fault>,
    ) -> Self {
        let mut faults: Vec<&Fault> = faults.into_iter().collect();
        faults.sort_by_key(|fault| fault.severity != Severity::Error);
        let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        let warnings = faults.len() - errors;
        let end = match (errors, warnings) {
            (0, 0) => End::Success,
            (0, _) => End::Neutral,
            _ => End::Failure,
        };
        let title = match faults.len() {
            0 => "nothing is wrong".to_owned(),
            _ => format!("{}, {}", several(errors, "error"), several(warnings, "warning")),
        };
        let left_out = match faults.len().saturating_sub(MOST) {
            0 => String::new(),
            n => format!(" {n} more are not shown here."),
        };
        let instance_name = instance.as_str();
        Self {
            name: format!("vitrine/{instance_name}/validate: lines"),
            end,
            title,
            summary: format!(
                "What `vitrine check` says of the files, at their lines.{left_out} Whether a merge \
                 can be published, the status `vitrine/{instance_name}/validate` says."
            ),
            marks: faults.into_iter().take(MOST).map(|fault| Mark::of(root, fault)).collect(),
        }
    }
}

impl Mark {
    fn of(root: &str, fault: &Fault) -> Self {
        let path = match root {
            "." => fault.file.clone(),
            root => format!("{root}/{}", fault.file),
        };
        let plain = |text: &str| visible(&harmless(text));
        let help = fault.help.as_ref().map(|help| format!("\n{}", plain(help)));
        let first = fault.line.max(1);
        let last = fault.end_line.max(first);
        // A forge counts the last column, too.
        let columns = (fault.column, fault.end_column.saturating_sub(1).max(fault.column));
        Self {
            path,
            lines: (first, last),
            columns: (first == last && fault.column > 0).then_some(columns),
            is_error: fault.severity == Severity::Error,
            title: fault.code.to_owned(),
            message: format!("{}{}", plain(&fault.message), help.unwrap_or_default()),
        }
    }
}

fn several(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Party;
    use crate::model::fault::code;

    fn fault(code: &'static str, line: u32, message: &str) -> Fault {
        let fault = Fault::new(code, "use/solution.yaml", Party::Author, message);
        Fault { line, column: 3, end_line: line, end_column: 10, ..fault }
    }

    fn check(faults: &[Fault]) -> Check {
        Check::of(&InstanceName::parse("prod").unwrap(), "demos/all", faults)
    }

    #[test]
    fn a_fault_stands_at_its_line_below_the_repositorys_root() {
        let wrong = fault(code::MISSING, 7, "`owner` is missing").help("write owner: group:lab");
        let check = check(&[wrong, fault(code::IMAGE_PORT, 9, "another port")]);
        assert_eq!((check.end, check.title.as_str()), (End::Failure, "1 error, 1 warning"));
        let mark = &check.marks[0];
        assert_eq!(mark.path, "demos/all/use/solution.yaml");
        assert_eq!((mark.lines, mark.columns), ((7, 7), Some((3, 9))));
        assert_eq!(mark.message, "`owner` is missing\nwrite owner: group:lab");
        assert!(mark.is_error && !check.marks[1].is_error);
    }

    #[test]
    fn what_spans_lines_has_no_columns_and_the_root_no_name() {
        let long = Fault { end_line: 12, ..fault(code::MISSING, 7, "long") };
        let at_root = Check::of(&InstanceName::parse("prod").unwrap(), ".", [&long]);
        let mark = &at_root.marks[0];
        assert_eq!((mark.path.as_str(), mark.lines), ("use/solution.yaml", (7, 12)));
        assert_eq!(mark.columns, None);
    }

    #[test]
    fn warnings_fail_nothing_and_nothing_is_a_success() {
        assert_eq!(check(&[fault(code::IMAGE_PORT, 1, "x")]).end, End::Neutral);
        let well = check(&[]);
        assert_eq!((well.end, well.marks.len()), (End::Success, 0));
        assert_eq!(well.title, "nothing is wrong");
    }

    #[test]
    fn of_thousands_the_first_are_told_and_all_are_counted() {
        let many: Vec<Fault> = (0..1000).map(|n| fault(code::MISSING, n + 1, "x")).collect();
        let check = check(&many);
        assert_eq!((check.marks.len(), check.title.as_str()), (200, "1000 errors, 0 warnings"));
        assert!(check.summary.contains("800 more are not shown here."), "{}", check.summary);
    }

    #[test]
    fn no_warning_hides_an_error() {
        let mut many: Vec<Fault> = (0..300).map(|n| fault(code::IMAGE_PORT, n + 1, "x")).collect();
        many.push(fault(code::MISSING, 400, "y"));
        assert!(check(&many).marks.first().is_some_and(|mark| mark.is_error));
    }
}
