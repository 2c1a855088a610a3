//! An examination as a whole: what solutions may ask for, how it ends, how it is printed.

use serde_json::Value;

use super::{Demand, Finding, Grade};
use crate::model::invisible::visible;
use crate::model::{Kind, Quantity};
use crate::plan::DesiredObject;

/// What solutions may ask of the machines at once: the sum of their quotas, which have room for
/// every copy and for a roll-out.
pub fn demand<'a>(objects: impl IntoIterator<Item = &'a DesiredObject>) -> Demand {
    let mut demand = Demand::new();
    for object in objects.into_iter().filter(|object| object.key.kind == Kind::ResourceQuota) {
        let hard = object.body.pointer("/spec/hard").and_then(Value::as_object);
        for (name, amount) in hard.into_iter().flatten() {
            let Some(name) = name.strip_prefix("requests.") else { continue };
            let Some(Ok(amount)) = amount.as_str().map(Quantity::parse) else { continue };
            let sum = demand.get(name).map_or(amount, |sum| *sum + amount);
            demand.insert(name.to_owned(), sum);
        }
    }
    demand
}

/// The worst grade: what an examination comes to.
pub fn answer(findings: &[Finding]) -> Grade {
    findings.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Fine)
}

/// The examination in one line: `31 fine, 1 warning, 2 missing`.
pub fn summary(findings: &[Finding]) -> String {
    let parts: Vec<String> = Grade::ALL
        .into_iter()
        .map(|grade| (grade, findings.iter().filter(|f| f.grade == grade).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(grade, number)| format!("{number} {}", grade.as_str()))
        .collect();
    parts.join(", ")
}

/// The findings in aligned columns, the worst last, where a terminal leaves the eye.
pub fn lines(findings: &[Finding]) -> Vec<String> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.grade);
    let width = sorted.iter().map(|f| f.subject.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in sorted {
        let (grade, subject) = (finding.grade.as_str(), &finding.subject);
        // Sentences quote what controllers wrote.
        let sentence = visible(&finding.sentence);
        lines.push(format!("{grade:<8}  {subject:<width$}  {sentence}"));
        if !finding.mend.is_empty() {
            lines.push(format!("{:<8}  {:<width$}  -> {}", "", "", finding.mend));
        }
    }
    lines
}
