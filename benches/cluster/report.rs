//! What is said of the measurements: on stdout, and in `docs/benchmarks.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::arguments::{Arguments, On};
use crate::growth::Growth;
use crate::judge::Counts;
use crate::measure::{First, IN_FLIGHT, Idle, Later, Spread};
use crate::process::Memory;
use crate::state::State;
use crate::table::Table;

/// The tables of a run.
pub struct Report {
    state: State,
    /// As somebody has to type them for the same numbers.
    arguments: String,
    /// The markers in the document between which these tables belong.
    place: &'static str,
    text: String,
    writes: bool,
}

/// What a run adds, table by table.
pub trait Part {
    fn text(&self) -> String;
}

/// One number of solutions, from both sides.
pub struct Section {
    pub on: On,
    pub solutions: usize,
    /// One for each of [`IN_FLIGHT`].
    pub fixed: Vec<First>,
    /// One for each of [`IN_FLIGHT`].
    pub bare: Vec<First>,
    pub bare_later: Later,
    pub vitrine: First,
    pub vitrine_later: Later,
}

/// Says on stderr what is going on.
pub fn progress(what: &str) {
    eprintln!("{what}");
}

impl Report {
    pub fn begin(arguments: &Arguments, state: State) -> Self {
        let place = match (arguments.growth, arguments.on()) {
            (true, _) => "growth",
            (false, On::Real) => "real",
            (false, On::Sandbox) => "sandbox",
        };
        let typed: Vec<String> = std::env::args()
            .skip(1)
            .filter(|word| !["--bench", "--write"].contains(&word.as_str()))
            .collect();
        let typed = typed.iter().map(|word| format!(" {word}")).collect();
        Self { state, arguments: typed, place, text: String::new(), writes: arguments.write }
    }

    /// Prints a table, and writes all so far into the document if that is wanted: a run that is
    /// broken off loses only what it had not measured.
    pub fn add(&mut self, part: &impl Part) {
        let text = part.text();
        println!("\n{text}");
        self.text += &format!("\n{text}");
        let line = self.state.line(&self.arguments);
        println!("{line}");
        if self.writes {
            self.write(&line);
        }
    }

    fn write(&self, line: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
        let document = std::fs::read_to_string(&file).unwrap();
        let (begin, end) =
            (format!("<!-- {} -->\n", self.place), format!("<!-- /{} -->\n", self.place));
        let parts = document.split_once(&begin).zip(document.split_once(&end));
        let Some(((before, _), (_, after))) = parts else {
            panic!("{} has no {begin}", file.display());
        };
        let text = self.text.trim_start();
        let document = format!("{before}{begin}{line}\n\n{text}\n{end}{after}");
        std::fs::write(&file, document).unwrap();
    }
}

impl Part for Section {
    fn text(&self) -> String {
        let on = match self.on {
            On::Real => "the real API server",
            On::Sandbox => "the sandbox",
        };
        let mut table = Comparison::default();
        self.publication(&mut table);
        self.later(&mut table);
        format!("### {} solutions on {on}\n\n{}", self.solutions, table.text())
    }
}

impl Section {
    fn publication(&self, table: &mut Comparison) {
        let fixed = better(&self.fixed);
        table.row("ten fixed objects a solution, published").bare(format!(
            "{} ({})",
            seconds(fixed.published.over),
            both(&self.fixed)
        ));
        let (bare, vitrine) = (better(&self.bare), &self.vitrine);
        let (least, took) = (&bare.published, &vitrine.published);
        table
            .row("first publication, until it is over")
            .bare(format!("{} ({})", seconds(least.over), both(&self.bare)))
            .vitrine(seconds(took.over))
            .ratio(least.over, took.over)
            .goal("1.15 x at 1000");
        table.row("until the last object is stored").times(least.stored, took.stored);
        table.row("its writes, reads, watches").both(bare, vitrine, |first| counts(&first.sent));
        if let Some((bare, vitrine)) = bare.writes.as_ref().zip(vitrine.writes.as_ref()) {
            table
                .row("writes that the other side did not send")
                .bare(sent_only_by(bare, vitrine).to_string())
                .vitrine(sent_only_by(vitrine, bare).to_string());
        }
        table.row("CPU of the client").times(bare.cpu, vitrine.cpu);
        if let Some((bare, vitrine)) = bare.server_cpu.zip(vitrine.server_cpu) {
            table.row("CPU of API server and etcd").times(bare, vitrine).goal("1.05 x at 1000");
        }
        table
            .row("CPU of the benchmark, with the played controllers")
            .times(bare.own_cpu, vitrine.own_cpu);
        table
            .row("memory after it, resident and anonymous")
            .both(bare, vitrine, |first| memory(&first.memory))
            .goal("35 and 20 MB at 1000");
    }

    fn later(&self, table: &mut Comparison) {
        let (bare, vitrine) = (&self.bare_later, &self.vitrine_later);
        let lasted = vitrine.idle.lasted.as_secs();
        table
            .row(&format!("nothing changed for {lasted} s: writes, reads, watches"))
            .both(bare, vitrine, |later| counts(&later.idle.sent))
            .goal("0");
        table
            .row("CPU meanwhile")
            .both(bare, vitrine, |later| share(&later.idle))
            .goal("0.2 % of a core");
        if let Some(nothing) = &vitrine.touches_nothing {
            let times = nothing.took.times();
            table
                .row(&format!("a commit that touches nothing, x {times}"))
                .vitrine(spread(&nothing.took));
            table.row("CPU a commit").vitrine(milliseconds(nothing.cpu_each)).goal(ANY_NUMBER);
            table.row("their writes, reads, watches").vitrine(counts(&nothing.sent)).goal("0");
        }
        let (least, took) = (&bare.changed, &vitrine.changed);
        table
            .row(&format!("one of {} changed, x {}", self.solutions, took.took.times()))
            .spreads(&least.took, &took.took)
            .goal("p50 75 ms");
        if let Some(committed) = &took.committed {
            table.row("`git commit` itself, before it").vitrine(spread(committed));
        }
        table
            .row("CPU a change")
            .both(least, took, |steps| milliseconds(steps.cpu_each))
            .goal(ANY_NUMBER);
        table.row("their writes, reads, watches").both(least, took, |steps| counts(&steps.sent));
        table
            .row(&format!("drift repaired, x {}", vitrine.repaired.times()))
            .spreads(&bare.repaired, &vitrine.repaired)
            .goal("p50 15 ms, p99 60 ms");
        table
            .row("restart after `kill -9`, until ready")
            .times(bare.restart.ready, vitrine.restart.ready)
            .goal("1.0 s at 1000");
        table
            .row("its writes, reads, watches")
            .both(bare, vitrine, |later| counts(&later.restart.sent))
            .goal("0 writes");
        table
            .row("memory after it, resident and anonymous")
            .both(bare, vitrine, |later| memory(&later.restart.memory))
            .goal("35 and 20 MB at 1000");
    }
}

/// What a change may cost.
const ANY_NUMBER: &str = "the same at any number";

/// The two sides, row by row. What nothing is said of stays empty.
#[derive(Default)]
struct Comparison {
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    what: String,
    bare: String,
    vitrine: String,
    ratio: String,
    goal: &'static str,
}

impl Comparison {
    fn row(&mut self, what: &str) -> &mut Row {
        self.rows.push(Row { what: what.to_owned(), ..Row::default() });
        self.rows.last_mut().expect("it was added")
    }

    fn text(self) -> String {
        let mut table = Table::new(&["", "bare client", "vitrine", "ratio", "goal"]);
        for Row { what, bare, vitrine, ratio, goal } in self.rows {
            table.row([what, bare, vitrine, ratio, goal.to_owned()]);
        }
        table.text()
    }
}

impl Row {
    fn bare(&mut self, text: String) -> &mut Self {
        self.bare = text;
        self
    }

    fn vitrine(&mut self, text: String) -> &mut Self {
        self.vitrine = text;
        self
    }

    fn goal(&mut self, goal: &'static str) {
        self.goal = goal;
    }

    fn ratio(&mut self, bare: Duration, vitrine: Duration) -> &mut Self {
        self.ratio = ratio(bare, vitrine);
        self
    }

    fn times(&mut self, bare: Duration, vitrine: Duration) -> &mut Self {
        self.bare(seconds(bare)).vitrine(seconds(vitrine)).ratio(bare, vitrine)
    }

    fn both<T>(&mut self, bare: &T, vitrine: &T, text: impl Fn(&T) -> String) -> &mut Self {
        self.bare(text(bare)).vitrine(text(vitrine))
    }

    fn spreads(&mut self, bare: &Spread, vitrine: &Spread) -> &mut Self {
        if let Some((bare, vitrine)) = bare.percentile(50).zip(vitrine.percentile(50)) {
            self.ratio(bare, vitrine);
        }
        self.both(bare, vitrine, spread)
    }
}

impl Part for Growth {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            "solutions",
            "bare client, CPU",
            "for 4 x as many",
            "vitrine, CPU",
            "for 4 x as many",
            "goal",
        ]);
        let grown =
            |ratio: Option<f64>| ratio.map_or(String::new(), |ratio| format!("{ratio:.2} x"));
        for row in &self.rows {
            table.row([
                row.solutions.to_string(),
                seconds(row.bare),
                grown(row.bare_grown),
                seconds(row.vitrine),
                grown(row.vitrine_grown),
                if row.vitrine_grown.is_some() { "4.4 x".to_owned() } else { String::new() },
            ]);
        }
        format!("### CPU time of a first publication on the sandbox\n\n{}", table.text())
    }
}

/// How many requests one side sent that the other did not; the first of them are told.
fn sent_only_by(one: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>) -> u64 {
    let surplus = |(line, times): (&String, &u64)| {
        let surplus = times.saturating_sub(other.get(line).copied().unwrap_or_default());
        (surplus > 0).then(|| (line.clone(), surplus))
    };
    let all: Vec<(String, u64)> = one.iter().filter_map(surplus).collect();
    for (line, times) in all.iter().take(5) {
        progress(&format!("only one side sent, x {times}: {line}"));
    }
    all.iter().map(|(_, times)| times).sum()
}

/// The faster of the bare client's two.
fn better(tries: &[First]) -> &First {
    tries.iter().min_by_key(|first| first.published.over).expect("there are two")
}

/// Both of the bare client's times.
fn both(tries: &[First]) -> String {
    let each = tries.iter().zip(IN_FLIGHT);
    let each = each.map(|(first, n)| format!("{n} in flight: {}", seconds(first.published.over)));
    each.collect::<Vec<_>>().join(", ")
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn ratio(bare: Duration, vitrine: Duration) -> String {
    format!("{:.2} x", vitrine.as_secs_f64() / bare.as_secs_f64())
}

fn share(idle: &Idle) -> String {
    let share = 100.0 * idle.cpu.as_secs_f64() / idle.lasted.as_secs_f64();
    format!("{share:.2} % of a core")
}

fn counts(counts: &Counts) -> String {
    let Counts { writes, reads, watches, lease } = counts;
    let lease = if *lease > 0 { format!(", Lease {lease}") } else { String::new() };
    format!("{writes}, {reads}, {watches}{lease}")
}

fn memory(memory: &Memory) -> String {
    let megabytes = |bytes: u64| {
        let tenths = bytes / 100_000;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    format!("{} and {} MB", megabytes(memory.resident), megabytes(memory.anonymous))
}

/// Half of them are at most this, 99 of 100 are at most that.
fn spread(spread: &Spread) -> String {
    let (Some(half), Some(most)) = (spread.percentile(50), spread.percentile(99)) else {
        return "never seen".to_owned();
    };
    let missed = match spread.missed {
        0 => String::new(),
        missed => format!(", {missed} never seen"),
    };
    format!("p50 {}, p99 {}{missed}", milliseconds(half), milliseconds(most))
}
