//! A report for a pull request or the summary of a CI.

use super::report::Report;
use super::text::{summary, text};
use crate::model::markdown::{block, code};

/// The report of a component, called so: a line that says how it stands, and beneath it all that
/// [`text`] says. `head`: what was tried, and how.
pub fn markdown(name: &str, head: &str, report: &Report) -> String {
    let summary = summary(std::slice::from_ref(report));
    let all = block("text", &format!("{head}{}", text(report, false)));
    if report.holds() {
        format!(
            "### {} · {summary}\n\n<details><summary>What was tried</summary>\n\n{all}\n</details>\n",
            code(name)
        )
    } else {
        format!("### {} · {summary}\n\n{all}", code(name))
    }
}

/// The same of one that could not be tried.
pub fn untried_markdown(name: &str, why: &str) -> String {
    format!("### {} · not tried\n\n{}\n", code(name), code(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Quoted;
    use crate::trial::Line;

    fn report(lines: Vec<Line>, log: &[&str]) -> Report {
        let log = log.iter().map(|line| Quoted::of(line)).collect();
        Report { lines, numbers: Vec::new(), left_out: Vec::new(), log }
    }

    #[test]
    fn what_holds_is_folded_and_what_does_not_is_open() {
        let good = report(vec![Line::good("page", "GET / → 200")], &[]);
        assert_eq!(
            markdown("use", "use: i\n", &good),
            "### `use` · 0 warnings, 0 errors: the contract holds\n\n\
             <details><summary>What was tried</summary>\n\n\
             ```text\nuse: i\n  ✓ GET / → 200\n```\n\n</details>\n"
        );
        let bad = report(vec![Line::error("page", "GET / → 500")], &[]);
        assert_eq!(
            markdown("use", "", &bad),
            "### `use` · 0 warnings, 1 error: the contract does not hold\n\n\
             ```text\n  ✗ GET / → 500\n```\n"
        );
        assert_eq!(
            untried_markdown("use/app", "no `image`"),
            "### `use/app` · not tried\n\n`` no `image` ``\n"
        );
    }

    #[test]
    fn what_a_program_wrote_cannot_leave_its_block() {
        let bad =
            report(vec![Line::error("start", "it ended")], &["```", "# @everyone", "</details>"]);
        let page = markdown("use", "", &bad);
        let (fence, rest) = page.split_once("text\n").unwrap_or_default();
        assert!(fence.ends_with("\n````"), "{page}");
        assert_eq!(rest.matches("````").count(), 1, "{page}");
    }
}
