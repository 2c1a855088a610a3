//! Environment variables: public by definition, so a value that looks like a credential is
//! refused, and shown nowhere.

use std::collections::BTreeMap;

use crate::catalog::fault::code;
use crate::model::credential::{has_password, is_password_name, is_secret_name, is_token, masked};
use crate::model::decode::Cursor;
use crate::model::yaml::Spanned;

/// Reads `env`.
pub fn env(cursor: &Cursor<'_>) -> BTreeMap<String, Spanned<String>> {
    let mut env = BTreeMap::new();
    for (name, value) in cursor.free_map() {
        let name_ok = is_name(&name.value);
        if !name_ok {
            let message = format!("`{}` is not the name of an environment variable", name.value);
            let help = "use letters, digits and `_`, not a digit first";
            let fault = cursor.sheet.fault(code::BAD_ENV, name.at, message);
            cursor.sheet.report(fault.help(help));
        }
        let Some(text) = public(&value, &name.value) else { continue };
        if name_ok {
            env.insert(name.value, value.spanned(text));
        }
    }
    env
}

/// Reads a value of `env`, which everybody may see.
fn public(cursor: &Cursor<'_>, name: &str) -> Option<String> {
    text(cursor, name, name.len() + 1)
}

/// Reads the words of a command, which everybody may see.
pub fn words(cursors: &[Cursor<'_>]) -> Vec<String> {
    let mut option = String::new();
    let mut words = Vec::new();
    for cursor in cursors {
        let word = text(cursor, &option, 0);
        // `--password` is followed by what it names.
        let is_option = |word: &&String| word.starts_with('-') && !word.contains('=');
        option = word.as_ref().filter(is_option).cloned().unwrap_or_default();
        words.extend(word);
    }
    words
}

/// Reads a text that everybody may see. `name` is what it is called by, if by anything, and
/// `before` how many bytes the program is given before it in the same word.
fn text(cursor: &Cursor<'_>, name: &str, before: usize) -> Option<String> {
    let text = cursor.text()?;
    if let Some(what) = credential(name, &text.value) {
        cursor.sheet.mask(&text);
        let message = format!("`{}` looks like {what}", cursor.path);
        let help = "whoever can read the catalogue could use it: revoke it, and take it out; list \
                    its name under `secrets`, and the operator keeps the value";
        cursor.sheet.report(cursor.fault(code::CREDENTIAL, message).help(help));
        return None;
    }
    // With the byte that ends it.
    let bytes = before + text.value.len() + 1;
    if bytes > WORD_MAX {
        let message = format!(
            "`{}` has {} KiB; a program can be given 128 KiB in one word",
            cursor.path,
            bytes.div_ceil(1024)
        );
        let help = "keep it in a file of the folder and mount it with `files`";
        cursor.sheet.report(cursor.fault(code::TOO_LONG, message).help(help));
        return None;
    }
    Some(text.value)
}

/// The longest word that Linux gives to a program, in bytes (`MAX_ARG_STRLEN`): an argument, or a
/// variable with its name. A container with a longer one never starts.
const WORD_MAX: usize = 128 * 1024;

/// Reads `secrets`: names of environment variables.
pub fn names(cursor: &Cursor<'_>) -> Option<Spanned<Vec<Spanned<String>>>> {
    let mut names: Vec<Spanned<String>> = Vec::new();
    for item in cursor.list()? {
        let Some(text) = item.text() else { continue };
        if credential("", &text.value).is_some() {
            item.sheet.mask(&text);
            let message = format!("`{}` looks like the secret itself", item.path);
            let help = "revoke it, and write the name of the variable that holds it";
            item.sheet.report(item.fault(code::CREDENTIAL, message).help(help));
        } else if !is_name(&text.value) {
            let message = format!("`{}` is not the name of an environment variable", text.value);
            let help = "use letters, digits and `_`, not a digit first";
            item.sheet.report(item.fault(code::BAD_ENV, message).help(help));
        } else if names.iter().any(|known| known.value == text.value) {
            item.say(code::ENV_TWICE, format!("`{}` stands here a second time", text.value));
        } else {
            names.push(text);
        }
    }
    Some(cursor.spanned(names))
}

/// What sort of credential a file holds and on which line, if any, by what issuers made
/// recognisable.
pub fn in_file(bytes: &[u8]) -> Option<(u32, &'static str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let what = |line: &str| {
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
            return Some("a private key");
        }
        let mut words = line.split(|c: char| c.is_whitespace() || "\"'=:,;()[]{}<>".contains(c));
        if words.any(is_token) {
            return Some("an access token");
        }
        has_password(line).then_some("an address with a password")
    };
    let mut lines = (1..).zip(text.lines());
    lines.find_map(|(number, line)| Some((number, what(line)?)))
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What sort of credential a value looks like, if any.
fn credential(name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim();
    if value.contains("-----BEGIN ") && value.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    if is_token(value) {
        return Some("an access token");
    }
    if has_password(value) {
        return Some("an address with a password");
    }
    let suspicious = is_secret_name(name);
    let secret = (suspicious && is_random(value))
        || (is_password_name(name) && is_password(value))
        || masked(value) != value;
    secret.then_some("a secret")
}

/// One word that is neither a place for a password nor an answer about one.
fn is_password(value: &str) -> bool {
    let answers = ["true", "false", "none", "null", "required", "optional", "disabled", "enabled"];
    value.chars().count() >= 4
        && !value.contains(char::is_whitespace)
        && !value.starts_with(['$', '/', '*', '<', '-'])
        && !answers.contains(&value.to_lowercase().as_str())
}

/// Long, without spaces, and as mixed as only a generator writes. Not a plain digest.
fn is_random(value: &str) -> bool {
    let hex = value.bytes().all(|b| b.is_ascii_hexdigit());
    if value.contains("sha256:") || (hex && [40, 64, 128].contains(&value.len())) {
        return false;
    }
    let plain = value.bytes().all(|b| b.is_ascii_graphic());
    if !plain || value.len() < 16 || value.starts_with('/') || value.contains("://") {
        return false;
    }
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let length = value.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum();
    entropy >= 3.5 && value.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_credential_is_recognised() {
        for (name, value) in [
            ("A", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
            ("A", "glpat-abcdefghijklmnopqrst"),
            ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
            ("A", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"),
            ("A", "postgres://user:hunter2@db.example/x"),
            ("DB_PASSWORD", "Xq7!mZ2pL9vR4tK8"),
            ("OPENAI_API_KEY", "q8Zr5Tn2Lk9Wp4Xv7Bm1"),
            ("DB_PASSWORD", "hunter2"),
            ("SECRET_KEY", "changeme-now"),
            ("TOKEN", "letmein1"),
            ("API_KEY", "demo-key"),
            ("--password", "hunter2"),
            ("", "exec run --password hunter2"),
            ("HEADER", "Bearer Xk29fLq81mZpT0vW"),
            ("DSN", "host=db user=u password=Xk29fLq8"),
            ("STORE", "DefaultEndpointsProtocol=https;AccountKey=Xk29fLq81mZpT0vW=="),
        ] {
            assert!(credential(name, value).is_some(), "{name}={value}");
        }
    }

    #[test]
    fn an_ordinary_value_is_not_a_credential() {
        for (name, value) in [
            ("WINDOW", "60"),
            ("TOKEN_LIMIT", "4096"),
            ("EOS_TOKEN", "</s>"),
            ("PAD_TOKEN", "[PAD]"),
            ("API_KEY", "none"),
            ("--secret", "--fast"),
            ("TOKENIZER", "bert-base-multilingual-cased-2018-10-18"),
            ("MODEL_SECRET_SANTA", "true"),
            ("MODEL_TOKEN", "sha256:0123456789abcdef0123456789abcdef"),
            ("TOKEN_DIGEST", "0123456789abcdef0123456789abcdef01234567"),
            ("DB", "postgres://db.example/x"),
            ("DB_PASSWORD", "$(FROM_ELSEWHERE)"),
            ("MODEL_TOKEN_NAME", "google/universal-sentence-encoder-large-v5"),
            ("DB", "postgres://user:$(PASSWORD)@db.example/x"),
            ("SECRET_FILE", "/run/secrets/very-long-name-0123456789"),
        ] {
            assert_eq!(credential(name, value), None, "{name}={value}");
        }
    }
}
