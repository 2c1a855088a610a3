//! The board for a terminal.

use crate::model::invisible::visible;
use crate::model::{Party, SolutionName};

use super::word::needs_a_person;
use super::{Board, Held, Verdict, Verdicts, word};

/// Narrower than this, a reason goes below its row instead of beside it.
const NARROWEST_REASON: usize = 24;
/// What stands above all that is said by a daemon that writes nothing.
const REPORTS: &str = "This daemon only reports (`cluster.mode: report`): nothing is written.";
/// How much of what is held is listed. All of it may be more than a terminal holds.
const HELD_LINES: usize = 10;
/// What stands before a next step.
const ARROW: &str = "-> ";

/// The board as aligned columns, one row a solution, the reason wrapped to `width` columns
/// (`None` = one line however long, for a file or a pipe). Only the reason gives way: the other
/// columns need about 60 of them.
///
/// Below a row that waits for a person stands the next step. Control characters and
/// bidirectional marks are made visible: reasons quote what authors wrote.
pub fn table(board: &Board, width: Option<usize>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    heading(&mut out, board, width, paint);
    if !board.verdicts.is_empty() {
        rows(&mut out, "SOLUTION", &board.verdicts, width, paint);
        out.push('\n');
    }
    for line in wrap(&board.summary(), width) {
        out.push_str(&line);
        out.push('\n');
    }
    if !board.previews.is_empty() {
        out.push('\n');
        rows(&mut out, "PREVIEW", &board.previews, width, paint);
    }
    out
}

/// One solution with everything that is known of it, below what stands above all, for
/// `vitrine status NAME`.
pub fn details(board: &Board, verdict: &Verdict, width: Option<usize>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    heading(&mut out, board, width, paint);
    let three = [
        paint.tone(word::sync(verdict.sync), word::sync_tone(verdict.sync)),
        verdict.stage.map_or("-".into(), |s| paint.tone(word::stage(s), word::stage_tone(s))),
        verdict.health.map_or("-".into(), |h| paint.tone(word::health(h), word::health_tone(h))),
    ];
    let name = paint.bold(&visible(verdict.name.as_str()));
    out.push_str(&format!("{name}  {}\n", three.join("  ")));
    let facts = [
        ("reason", Some(verdict.reason.text.clone())),
        ("turn", Some(verdict.party.to_string())),
        ("next", Some(verdict.next.clone()).filter(|next| !next.is_empty())),
        ("url", Some(verdict.urls.join(" ")).filter(|urls| !urls.is_empty())),
        ("commit", verdict.revision.as_ref().map(ToString::to_string)),
        ("serving", verdict.serves_another().map(ToString::to_string)),
        ("objects", Some(verdict.objects.to_string())),
    ];
    let indent = 11;
    let room = width.map(|w| w.saturating_sub(indent).max(NARROWEST_REASON));
    for (name, fact) in facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))) {
        out.push_str(&pad(&format!("  {name}"), indent));
        out.push_str(&wrap(&visible(&fact), room).join(&format!("\n{}", " ".repeat(indent))));
        out.push('\n');
    }
    out
}

/// Which daemon, which commit, and what stands above all solutions.
fn heading(out: &mut String, board: &Board, width: Option<usize>, paint: Paint) {
    let mut facts = vec![paint.bold(&format!("vitrine/{}", board.instance))];
    facts.extend(board.revision.as_ref().map(|r| format!("at {}", r.short())));
    facts.push(visible(&board.repository));
    facts.extend(board.checked_at.map(|t| format!("checked {}", t.strftime("%H:%M:%S UTC"))));
    out.push_str(&facts.join("  "));
    out.push_str("\n\n");

    if board.reports {
        notice(out, REPORTS, width, paint);
    }
    if let Some(outage) = &board.unknown {
        let keeps = board.revision.as_ref().map_or_else(String::new, |r| {
            format!(" Revision {} keeps serving; nothing is deleted meanwhile.", r.short())
        });
        let since = outage.since.strftime("%Y-%m-%d %H:%M UTC");
        let cause = sentence(&outage.cause);
        notice(
            out,
            &format!("The repository cannot be read since {since}: {cause}{keeps}"),
            width,
            paint,
        );
    }
    if let Some(outage) = &board.cluster {
        let since = outage.since.strftime("%Y-%m-%d %H:%M UTC");
        let cause = sentence(&outage.cause);
        let text =
            format!("The cluster cannot be read since {since}: {cause} What runs there goes on.");
        notice(out, &text, width, paint);
    }
    if let Some(held) = &board.held {
        let harm = held.harm.count();
        let reason = sentence(&held.reason);
        notice(out, &format!("{harm} held: {reason} To let exactly that happen:"), width, paint);
        // To be copied: on a line of its own, however narrow the terminal is.
        out.push_str(&format!("    {}\n", held.command()));
        lost(out, held, width);
    }
    for problem in &board.problems {
        notice(out, &sentence(problem), width, paint);
    }
    for finding in &board.findings {
        notice(out, &sentence(&format!("platform: {}", finding.line())), width, paint);
    }
    let quiet = board.problems.is_empty() && board.findings.is_empty();
    let outage = board.unknown.is_some() || board.cluster.is_some();
    if board.reports || outage || board.held.is_some() || !quiet {
        out.push('\n');
    }
}

/// What would be lost, as far as a terminal holds it.
fn lost(out: &mut String, held: &Held, width: Option<usize>) {
    let more = held.harm.lines().count().saturating_sub(HELD_LINES);
    let more = (more > 0).then(|| format!("and {more} more, on the page and in /status.json"));
    let room = width.map(|width| width.saturating_sub(4).max(NARROWEST_REASON));
    for lost in held.harm.lines().take(HELD_LINES).chain(more) {
        for (i, line) in wrap(&visible(&lost), room).iter().enumerate() {
            out.push_str(if i == 0 { "  - " } else { "    " });
            out.push_str(line);
            out.push('\n');
        }
    }
}

fn notice(out: &mut String, text: &str, width: Option<usize>, paint: Paint) {
    let room = width.map(|w| w.saturating_sub(2).max(NARROWEST_REASON));
    for (i, line) in wrap(&visible(text), room).iter().enumerate() {
        out.push_str(&if i == 0 { paint.tone("! ", word::Tone::Trouble) } else { "  ".into() });
        out.push_str(line);
        out.push('\n');
    }
}

fn rows(out: &mut String, first: &str, verdicts: &Verdicts, width: Option<usize>, paint: Paint) {
    let titles = [first, "SYNC", "STAGE", "HEALTH", "TURN"];
    let cells: Vec<[String; 5]> = verdicts.iter().map(cells).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let longest = cells.iter().map(|row| length(&row[column])).max().unwrap_or(0);
        longest.max(titles[column].len())
    });
    let left: usize = widths.iter().map(|w| w + 2).sum();
    // Names that leave no room for the words stand above them.
    let above = width.is_some_and(|w| left > w);
    let after_name = |out: &mut String| {
        if above {
            end_line(out);
            out.push_str("  ");
        }
    };
    // Beside the columns if there is room, else below them.
    let beside = width.is_none_or(|w| w >= left + NARROWEST_REASON);
    let indent = if beside { left } else { 4 };
    let room = width.map(|w| w.saturating_sub(indent).max(NARROWEST_REASON));

    for (column, (title, w)) in titles.into_iter().zip(widths).enumerate() {
        if column == 1 {
            after_name(out);
        }
        out.push_str(&paint.bold(&pad(title, w + 2)));
    }
    if beside {
        out.push_str(&paint.bold("REASON"));
    }
    end_line(out);
    for (verdict, row) in verdicts.iter().zip(&cells) {
        let [name, sync, stage, health, turn] = row;
        let [w0, w1, w2, w3, w4] = widths.map(|w| w + 2);
        out.push_str(&pad(name, w0));
        after_name(out);
        out.push_str(&paint.tone(&pad(sync, w1), word::sync_tone(verdict.sync)));
        out.push_str(&match verdict.stage {
            Some(s) => paint.tone(&pad(stage, w2), word::stage_tone(s)),
            None => pad(stage, w2),
        });
        out.push_str(&match verdict.health {
            Some(h) => paint.tone(&pad(health, w3), word::health_tone(h)),
            None => pad(health, w3),
        });
        out.push_str(&pad(turn, w4));
        let mut lines = wrap(&visible(&verdict.reason), room);
        if needs_a_person(verdict.party) && !verdict.next.is_empty() {
            let inner = room.map(|r| r - ARROW.len());
            let next = wrap(&visible(&verdict.next), inner);
            lines.extend(next.iter().enumerate().map(|(i, line)| {
                let lead = if i == 0 { ARROW } else { "   " };
                format!("{lead}{line}")
            }));
        }
        for (i, line) in lines.iter().enumerate() {
            if i > 0 || !beside {
                end_line(out);
                out.push_str(&" ".repeat(indent));
            }
            out.push_str(line);
        }
        end_line(out);
    }
}

fn cells(verdict: &Verdict) -> [String; 5] {
    [
        bounded(&visible(verdict.name.as_str())),
        word::sync(verdict.sync).to_owned(),
        verdict.stage.map_or("-", word::stage).to_owned(),
        verdict.health.map_or("-", word::health).to_owned(),
        match verdict.party {
            Party::Nobody => "-".to_owned(),
            party => party.to_string(),
        },
    ]
}

/// The longest name of a solution; what is no name and longer is cut in its middle, because its end
/// tells it from others.
const WIDEST: usize = SolutionName::MAX;

fn bounded(name: &str) -> String {
    const END: usize = 9;
    let count = length(name);
    if count <= WIDEST {
        return name.to_owned();
    }
    let start: String = name.chars().take(WIDEST - END - 1).collect();
    let end: String = name.chars().skip(count - END).collect();
    format!("{start}…{end}")
}

/// Breaks a text into lines of at most `room` characters, at spaces where there are any.
fn wrap(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if length(&line) + gap + length(word) > room && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        // A digest or a path longer than a line is cut: the terminal would do it anyway.
        while length(word) > room {
            let at = word.char_indices().nth(room).map_or(word.len(), |(i, _)| i);
            let (head, tail) = word.split_at(at);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text that ends like a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// In characters, which is right for what the catalogue's alphabets hold.
fn length(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

/// Ends a line without trailing spaces.
fn end_line(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// Colours of the terminal's own palette, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn tone(self, text: &str, tone: word::Tone) -> String {
        self.with(
            text,
            match tone {
                word::Tone::Trouble => "1;31",
                word::Tone::Moving => "33",
                word::Tone::Calm => "36",
                word::Tone::Good => "32",
            },
        )
    }

    fn bold(self, text: &str) -> String {
        self.with(text, "1")
    }

    /// Colours the words, not the padding behind them.
    fn with(self, text: &str, code: &str) -> String {
        let words = text.trim_end_matches(' ');
        if !self.0 || words.is_empty() {
            return text.to_owned();
        }
        let padding = " ".repeat(text.len() - words.len());
        format!("\x1b[{code}m{words}\x1b[0m{padding}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::model::{ClaimedName, Kind, ObjectKey};

    #[test]
    fn the_columns_are_aligned_and_a_person_is_told_the_next_step() {
        let expected = "\
vitrine/demo  at 4be1c20  /srv/catalogue  checked 14:05:01 UTC

SOLUTION       SYNC    STAGE   HEALTH   TURN    REASON
anomaly        Synced  Asleep  Healthy  -       sleeps since 14:05, wakes on visit
part-comparer  Failed  Awake   Healthy  author  part-comparer/solution.yaml:14:5: unknown field `replica`
                                                -> write `maxReplicas` there and commit
use            Synced  Awake   Healthy  -       2 replicas

3 solutions: 2 Synced, 1 Failed
";
        assert_eq!(table(&sample::board(), None, false), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [64, 72, 80, 100, 120] {
            for board in [sample::board(), sample::troubled(), sample::unread()] {
                let shown = table(&board, Some(width), false);
                // The heading names a folder, and a command is to be copied: better whole than cut.
                for line in shown.lines().skip(1).filter(|line| !line.contains("approve")) {
                    assert!(length(line) <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn a_narrow_terminal_gets_the_reason_below_its_row() {
        let shown = table(&sample::board(), Some(60), false);
        assert!(
            shown.contains("anomaly        Synced  Asleep  Healthy  -\n    sleeps since"),
            "{shown}"
        );
        assert!(!shown.contains("REASON"));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        for board in [sample::board(), sample::troubled(), sample::unread()] {
            let plain = table(&board, Some(90), false);
            let coloured = table(&board, Some(90), true);
            assert_ne!(plain, coloured);
            let mut stripped = String::new();
            let mut rest = coloured.as_str();
            while let Some((before, after)) = rest.split_once('\x1b') {
                stripped.push_str(before);
                rest = after.split_once('m').unwrap().1;
            }
            stripped.push_str(rest);
            assert_eq!(stripped, plain);
        }
    }

    #[test]
    fn an_outage_and_a_hold_stand_above_the_solutions_with_the_command_to_type() {
        let shown = table(&sample::troubled(), None, false);
        let before = shown.split("SOLUTION").next().unwrap();
        assert!(
            before.contains("cannot be read since 2026-11-24 09:12 UTC: git.example"),
            "{before}"
        );
        assert!(before.contains("Revision 4be1c20 keeps serving"), "{before}");
        assert!(before.contains("This daemon only reports"), "{before}");
        let silent = "The cluster cannot be read since 2026-11-24 14:04 UTC: the API server cannot be \
                      reached: connection refused. What runs there goes on.";
        assert!(before.contains(silent), "{before}");
        let held = "2 deletions and 1 address held: would remove 3 of 4 solutions.";
        assert!(before.contains(held), "{before}");
        assert!(before.contains(&format!("\n    vitrine approve {}\n", "3f2a".repeat(3))));
        let listed = "\n  - https://use.demo.example/api through edge/public\n  - Namespace/sol-anomaly\n  \
                      - HTTPRoute/edge-pumps in sol-anomaly\n";
        assert!(before.contains(listed), "{before}");
        let mut many = sample::troubled();
        let harm = &mut many.held.as_mut().unwrap().harm;
        harm.deletions
            .extend((0..20).map(|n| ObjectKey::cluster(Kind::Namespace, format!("sol-{n}"))));
        let shown = table(&many, None, false);
        assert_eq!(shown.matches("\n  - ").count(), 11, "{shown}");
        assert!(shown.contains("\n  - and 13 more, on the page"), "{shown}");
    }

    #[test]
    fn a_long_name_stands_above_its_words_and_never_widens_the_table() {
        let mut board = sample::board();
        board.verdicts.edit(0).unwrap().name = ClaimedName::of(&"x".repeat(3000));
        let shown = table(&board, Some(60), false);
        let rows = shown.lines().skip_while(|line| *line != "SOLUTION");
        let widest = rows.map(length).max().unwrap();
        assert!(widest <= 60, "{widest}\n{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let name = lines.iter().position(|line| line.starts_with("xxx")).unwrap();
        assert!(lines[name + 1].starts_with("  Synced  "), "{shown}");
        let wide = table(&board, Some(160), false);
        assert!(wide.lines().all(|line| length(line) <= 160), "{wide}");
        assert!(wide.lines().any(|line| line.starts_with("xxx") && line.contains("  Synced  ")));
    }

    #[test]
    fn the_command_to_type_is_never_broken_into_lines() {
        let command = format!("\n    vitrine approve {}\n", "3f2a".repeat(3));
        assert!(table(&sample::troubled(), Some(40), false).contains(&command));
    }

    #[test]
    fn one_solution_is_shown_with_everything_that_is_known_of_it() {
        let expected = "\
part-comparer  Failed  Awake  Healthy
  reason   part-comparer/solution.yaml:14:5: unknown
           field `replica`
  turn     author
  next     write `maxReplicas` there and commit
  url      https://part-comparer.demo.example
  commit   4be1c20d5f0e8a7b6c9d0e1f2a3b4c5d6e7f8091
  objects  11
";
        let board = sample::board();
        let shown = details(&board, &board.verdicts[1], Some(54), false);
        let (above, of_it) = shown.split_once("\n\n").unwrap();
        assert!(above.starts_with("vitrine/"), "{above}");
        assert_eq!(of_it, expected);
        // An outage and a hold are everybody's.
        let board = sample::troubled();
        let shown = details(&board, &board.verdicts[1], None, false);
        for told in ["The repository cannot be read", "The cluster cannot be read", " held: "] {
            assert!(shown.contains(told), "{shown}");
        }
    }

    #[test]
    fn a_reason_cannot_steer_the_terminal() {
        let mut board = sample::board();
        board.verdicts.edit(0).unwrap().reason.text = "bad \x1b[2J name \u{202e}lmay".into();
        let shown = table(&board, Some(100), false);
        assert!(!shown.contains('\x1b') && !shown.contains('\u{202e}'));
        assert!(shown.contains("\\u{1b}[2J"), "{shown}");
    }

    #[test]
    fn an_empty_board_says_why_it_is_empty() {
        assert!(table(&sample::unread(), None, false).contains("has not been read yet"));
        let mut empty = sample::board();
        empty.verdicts = Verdicts::default();
        assert!(table(&empty, None, false).contains("no folder of the catalogue"));
    }

    #[test]
    fn a_word_longer_than_a_line_is_cut_into_lines() {
        assert_eq!(wrap("ab cdefghij k", Some(4)), ["ab", "cdef", "ghij", "k"]);
        assert_eq!(wrap("", Some(4)), [""]);
        assert_eq!(wrap("äöü ß", Some(5)), ["äöü ß"]);
    }
}
