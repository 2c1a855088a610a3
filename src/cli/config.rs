//! `config check` and `config show`: the daemon's own settings, judged or explained.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::settings::Layers;
use super::{Answer, Format, LogArguments, LogFormat, SettingsArguments, Stop};
use vitrine_core::config::{self, Origin, SETTINGS};
use vitrine_core::model::fault::{Fault, FaultJson, human};
use vitrine_core::model::yaml;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges a file of settings as the daemon would read it here: together with the variables
    /// `VITRINE_...` of this environment.
    #[command(
        after_help = "Exit codes: 0 the settings are good, 1 they have faults, 2 the file could not be read."
    )]
    Check {
        /// The settings.
        file: PathBuf,
        #[arg(long, value_enum, default_value = "human")]
        format: Format,
    },
    /// Every value in force and where it comes from: a flag, a variable, a line of the file, or
    /// the default. Secrets are names of files.
    #[command(
        after_help = "Exit codes: 0 shown, 1 the settings have faults, 2 the file could not be read."
    )]
    Show {
        #[command(flatten)]
        settings: Box<SettingsArguments>,
        #[arg(long, value_enum, default_value = "human")]
        format: Format,
    },
}

pub(super) fn config(arguments: &Arguments, log: &LogArguments) -> Result<Answer, Stop> {
    match &arguments.command {
        Command::Check { file, format } => check(file.clone(), *format),
        Command::Show { settings, format } => show(settings, log, *format),
    }
}

fn check(file: PathBuf, format: Format) -> Result<Answer, Stop> {
    let name = file.display().to_string();
    let arguments = SettingsArguments { config: Some(file), ..SettingsArguments::default() };
    match Layers::bring(&arguments)?.read() {
        Err(faults) => refused(&faults, format),
        Ok(_) => {
            match format {
                Format::Human => say!("{name}: good")?,
                Format::Json => say!("[]")?,
            }
            Ok(Answer::Good)
        }
    }
}

/// Prints what is wrong with the settings.
fn refused(faults: &[Fault], format: Format) -> Result<Answer, Stop> {
    match format {
        Format::Human => {
            let pages: Vec<String> = faults.iter().map(human).collect();
            say!("{}", pages.join("\n").trim_end())?;
        }
        Format::Json => {
            let all: Vec<FaultJson> = faults.iter().map(FaultJson::from).collect();
            say!("{:#}", json!(all))?;
        }
    }
    Ok(Answer::NotGood)
}

fn show(arguments: &SettingsArguments, log: &LogArguments, format: Format) -> Result<Answer, Stop> {
    let mut layers = Layers::bring(arguments)?;
    layers.flags.extend(of_log(log));
    let config = match layers.read() {
        Ok(config) => config,
        Err(faults) => return refused(&faults, format),
    };
    let origins = config::origins(layers.file(), &layers.variables, &layers.flags);
    let rows: Vec<Row> = SETTINGS
        .iter()
        .filter_map(|setting| {
            Some(Row {
                path: setting.path,
                value: config::value(&config, setting.path)?,
                origin: origins.get(setting.path)?.clone(),
            })
        })
        .collect();
    let file = layers.file().map_or("", |file| file.name);
    match format {
        Format::Human => super::terminal::write(&text(&rows, file))?,
        Format::Json => {
            let all: Vec<Value> = rows.iter().map(|row| row.json(file)).collect();
            say!("{:#}", Value::Array(all))?;
        }
    }
    Ok(Answer::Good)
}

/// The flags that every command has.
fn of_log(log: &LogArguments) -> BTreeMap<&'static str, String> {
    let format = log.log_format.map(|format| match format {
        LogFormat::Text => "text".to_owned(),
        LogFormat::Json => "json".to_owned(),
    });
    [("log.level", log.log_level.clone()), ("log.format", format)]
        .into_iter()
        .filter_map(|(path, value)| Some((path, value?)))
        .collect()
}

/// One setting in force.
struct Row {
    path: &'static str,
    value: Value,
    origin: Origin,
}

impl Row {
    fn json(&self, file: &str) -> Value {
        let origin = match &self.origin {
            Origin::Flag(name) => json!({"kind": "flag", "name": name}),
            Origin::Variable(name) => json!({"kind": "variable", "name": name}),
            Origin::File { line } => json!({"kind": "file", "file": file, "line": line}),
            Origin::Default => json!({"kind": "default"}),
        };
        json!({"setting": self.path, "value": self.value, "origin": origin})
    }

    /// `  branch: main`
    fn yaml(&self) -> String {
        let depth = self.path.matches('.').count();
        let key = self.path.rsplit('.').next().unwrap_or(self.path);
        let value = match &self.value {
            Value::String(text) if is_plain(text) => text.clone(),
            other => other.to_string(),
        };
        format!("{}{key}: {value}", "  ".repeat(depth))
    }
}

/// Whether a text reads as itself without quotes.
fn is_plain(text: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-@+".contains(c);
    matches!(yaml::scalar(text), yaml::Value::Text(_))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/._".contains(c))
        && text.chars().all(harmless)
}

/// The settings as a file that says the same, each with its origin as a comment.
fn text(rows: &[Row], file: &str) -> String {
    let width = rows.iter().map(|row| row.yaml().chars().count()).max().unwrap_or(0).min(60);
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    for row in rows {
        let mut parts: Vec<&str> = row.path.split('.').collect();
        parts.pop();
        let same = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        for (depth, part) in parts.iter().enumerate().skip(same) {
            text += &format!("{}{part}:\n", "  ".repeat(depth));
        }
        open = parts;
        let origin = match &row.origin {
            Origin::Flag(name) => format!("flag {name}"),
            Origin::Variable(name) => format!("variable {name}"),
            Origin::File { line } => format!("{file}:{line}"),
            Origin::Default => "default".to_owned(),
        };
        text += &format!("{:<width$}  # {origin}\n", row.yaml());
    }
    text
}
