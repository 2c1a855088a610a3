//! What looks like a credential, and the stars in its place.
//!
//! Recognised by what issuers made recognisable (the beginnings of their tokens, PEM, passwords in
//! addresses), and by the names of what stands before a value. Whatever vitrine prints of somebody's
//! file goes through [`masked`], because the file that is wrong is the one that nobody read yet.

/// Beginnings that the issuers of tokens chose so that they can be recognised, each with the least
/// length of what follows.
const PREFIXES: [(&str, usize); 26] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glptt-", 16),
    ("hf_", 20),
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("whsec_", 20),
    ("xoxa-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xapp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("npm_", 30),
    ("pypi-", 30),
    ("dop_v1_", 32),
    ("shpat_", 20),
    ("dckr_pat_", 20),
];

/// Words of names whose values are secret.
const SECRET: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
    "AUTHORIZATION",
    "ACCOUNTKEY",
];
/// Parts of names whose values are secret.
const SECRET_PARTS: [&str; 4] = ["API_KEY", "ACCESS_KEY", "ACCOUNT_KEY", "PRIVATE_KEY"];
/// Last words of names that speak of a secret and hold none.
const ABOUT: [&str; 14] = [
    "NAME", "FILE", "PATH", "URL", "LIMIT", "LIMITS", "COUNT", "SIZE", "LENGTH", "TYPE", "ID",
    "TTL", "ISSUER", "ENDPOINT",
];

/// What stands in the place of a secret: nothing, and what a message says that is wrong with it
/// (`cannot fetch the token: unexpected status`).
const PLACES: [&str; 14] = [
    "",
    "null",
    "true",
    "false",
    "~",
    "...",
    "unexpected",
    "invalid",
    "missing",
    "expired",
    "denied",
    "unauthorized",
    "not",
    "failed",
];

/// Whether a word begins as issuers of tokens begin theirs, or is a signed token.
pub fn is_token(word: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let prefixed = PREFIXES.iter().any(|(prefix, length)| {
        word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *length && plain(rest))
    });
    prefixed || is_signed(word, plain)
}

/// A JSON Web Token: header, claims and signature, of which the first two begin with `{"`.
fn is_signed(word: &str, plain: impl Fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    matches!(parts.as_slice(), [header, claims, signature]
        if header.starts_with("eyJ") && claims.starts_with("eyJ") && signature.len() >= 20
            && parts.iter().all(|part| plain(part)))
}

/// `scheme://user:password@host`
pub fn has_password(value: &str) -> bool {
    value.split_whitespace().any(|word| {
        let Some((_, rest)) = word.split_once("://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let Some((user, _)) = authority.rsplit_once('@') else { return false };
        user.split_once(':').is_some_and(|(_, password)| {
            // `$(PASSWORD)` and `***` are places for one, not one.
            !password.is_empty() && !password.starts_with('$') && !password.starts_with('*')
        })
    })
}

/// Whether the value of what is called so is probably secret: `API_TOKEN`, not `TOKEN_LIMIT`.
pub fn is_secret_name(name: &str) -> bool {
    let name = snake(name);
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let about = words.last().is_some_and(|last| ABOUT.contains(last));
    !about
        && (words.iter().any(|word| SECRET.contains(word))
            || SECRET_PARTS.iter().any(|part| name.contains(part)))
}

/// Ends of names that speak of one word to be kept, whatever it looks like. `EOS_TOKEN` is none.
const KEPT: [&str; 12] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRET_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "API_TOKEN",
    "ACCESS_TOKEN",
    "AUTH_TOKEN",
];

/// Whether the value of what is called so is a secret even if it is a plain word.
pub fn is_password_name(name: &str) -> bool {
    let name = snake(name);
    let name = name.trim_matches('_');
    let ends = |end: &&str| {
        name.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    name == "TOKEN" || KEPT.iter().any(ends)
}

/// `apiToken` and `X-Api-Token` as `API_TOKEN`.
fn snake(name: &str) -> String {
    let mut words = String::new();
    let mut lower = false;
    for character in name.chars() {
        if character.is_uppercase() && lower {
            words.push('_');
        }
        lower = character.is_lowercase();
        let kept = if character.is_alphanumeric() { character } else { '_' };
        words.extend(kept.to_uppercase());
    }
    words
}

/// The text with stars where a credential stands. Every character keeps its place.
pub fn masked(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut hidden = vec![false; characters.len()];
    let mut hide = |from: usize, to: usize| {
        for (mark, character) in hidden.iter_mut().zip(&characters).take(to).skip(from) {
            *mark = !character.is_whitespace();
        }
    };
    // In a path as in a list of words; a signed token has points of its own.
    for between in ["\"'`=:,;()[]{}<>|", "\"'`=:,;()[]{}<>|./\\@&?#%$!"] {
        for (from, to) in words(&characters, |c| c.is_whitespace() || between.contains(c)) {
            let word: String = characters.iter().take(to).skip(from).collect();
            if is_token(&word) {
                hide(from, to);
            }
        }
    }
    for (from, to) in bearers(&characters) {
        hide(from, to);
    }
    for (from, to) in words(&characters, |c| c.is_whitespace() || "\"'`,()[]{}<>|".contains(c)) {
        if let Some((from, to)) = password(&characters, from, to) {
            hide(from, to);
        }
    }
    for (from, to) in words(&characters, |c| !(c.is_alphanumeric() || "_-".contains(c))) {
        let name: String = characters.iter().take(to).skip(from).collect();
        if is_secret_name(&name)
            && let Some((from, to)) = value_after(&characters, from, to)
        {
            hide(from, to);
        }
    }
    for (from, to) in private_keys(&characters) {
        hide(from, to);
    }
    let shown = characters.iter().zip(&hidden);
    shown.map(|(character, hidden)| if *hidden { '*' } else { *character }).collect()
}

/// The lines of a file that may be broken, as they can be shown: what belongs to a secret name is
/// starred whole, whatever tags, anchors, quotes and wrong indents stand about it.
pub fn masked_lines(lines: &[String]) -> Vec<String> {
    let starred = |line: &str, from: usize| -> String {
        let star = |(at, c): (usize, char)| if at < from || c.is_whitespace() { c } else { '*' };
        line.chars().enumerate().map(star).collect()
    };
    // How deep the secret name stands, and whether something stood behind it.
    let mut under: Option<(usize, bool)> = None;
    let mut whole: Vec<char> = lines.join("\n").chars().collect();
    for (from, to) in private_keys(&whole) {
        let key = whole.iter_mut().take(to).skip(from);
        key.filter(|c| !c.is_whitespace()).for_each(|c| *c = '*');
    }
    let whole: String = whole.into_iter().collect();
    let mut shown = |line: &str| {
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let text = line.trim();
        if let Some((depth, said)) = under {
            // Also what should stand deeper and does not, unless it is the next key.
            let is_key = text.contains(": ") || text.ends_with(':');
            if indent > depth || text.is_empty() || (!said && !is_key) {
                under = Some((depth, said || !text.is_empty()));
                return starred(line, 0);
            }
            under = None;
        }
        let name = text.trim_start_matches(['-', ' ', '"', '\'']);
        let (name, rest) = name.split_once(':').unwrap_or((name, ""));
        let name = name.trim_end_matches(['"', '\'']);
        if !text.contains(':') || name.contains(char::is_whitespace) || !is_secret_name(name) {
            return masked(line);
        }
        let value = rest.trim();
        under = Some((indent, !value.is_empty()));
        if is_place(value) { line.to_owned() } else { starred(line, behind(line)) }
    };
    lines.iter().zip(whole.split('\n')).map(|(_, line)| shown(line)).collect()
}

/// How many characters a line has before what its first `:` names.
fn behind(line: &str) -> usize {
    line.chars().position(|c| c == ':').map_or(0, |colon| colon + 1)
}

/// What follows the word `Bearer`, where it is no word of a sentence.
fn bearers(characters: &[char]) -> Vec<(usize, usize)> {
    let all: Vec<(usize, usize)> =
        words(characters, |c| c.is_whitespace() || "\"'`,;()[]{}<>|:=".contains(c));
    let text =
        |(from, to): (usize, usize)| -> String { characters.iter().take(to).skip(from).collect() };
    let is_secret = |word: &str| word.len() >= 12 && word.bytes().any(|b| b.is_ascii_digit());
    all.windows(2)
        .filter_map(|pair| {
            let [first, second] = pair else { return None };
            let bearer = text(*first).eq_ignore_ascii_case("bearer");
            (bearer && is_secret(&text(*second))).then_some(*second)
        })
        .collect()
}

/// What stands behind the first line of a private key in PEM, to its last line or the text's end.
fn private_keys(characters: &[char]) -> Vec<(usize, usize)> {
    let find = |text: &str, from: usize| {
        let wanted: Vec<char> = text.chars().collect();
        let rest = characters.get(from..)?;
        rest.windows(wanted.len()).position(|window| *window == *wanted).map(|at| from + at)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(key) = find("PRIVATE KEY-----", at) {
        // The last line of a key whose first is not in the text.
        let line: String = characters.iter().take(key).skip(key.saturating_sub(40)).collect();
        if let Some((_, name)) = line.rsplit_once("-----END ")
            && !name.contains(['-', '\n'])
        {
            let end = key - name.chars().count() - "-----END ".len();
            found.push((at, end));
            at = key + "PRIVATE KEY-----".len();
            continue;
        }
        let begin = find("-----", key).map_or(characters.len(), |dashes| dashes + 5);
        let end = find("-----END", begin).unwrap_or(characters.len());
        found.push((begin, end));
        // Behind the last line, which has the same words.
        at = find("-----", end + 5).map_or(characters.len(), |dashes| dashes + 5);
    }
    found
}

/// The stretches between separators.
fn words(characters: &[char], is_separator: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut begin = None;
    for (at, character) in characters.iter().copied().chain([' ']).enumerate() {
        let ends = at == characters.len() || is_separator(character);
        match (begin, ends) {
            (None, false) => begin = Some(at),
            (Some(from), true) => {
                words.push((from, at));
                begin = None;
            }
            _ => {}
        }
    }
    words
}

/// The password of `user:password@host` in a word, but not what stands before a digest.
fn password(characters: &[char], from: usize, to: usize) -> Option<(usize, usize)> {
    let word = characters.get(from..to)?;
    let at = word.iter().position(|c| *c == '@')?;
    let rest: String = word.iter().skip(at + 1).take(7).collect();
    if rest.starts_with("sha256:") || rest.starts_with("sha512:") {
        return None;
    }
    let scheme = word.windows(3).position(|three| three == [':', '/', '/']).map_or(0, |at| at + 3);
    let colon = word.iter().take(at).skip(scheme).position(|c| *c == ':')? + scheme;
    let secret: String = word.iter().take(at).skip(colon + 1).collect();
    let placeholder = secret.is_empty() || secret.starts_with(['$', '*']);
    (!placeholder).then_some((from + colon + 1, from + at))
}

/// What stands behind `name:`, `name=` or the option `--name `: one value, or all of a map or list
/// of them.
fn value_after(characters: &[char], begin: usize, end: usize) -> Option<(usize, usize)> {
    let mut at = end;
    let is_option = characters.get(begin..begin + 2).is_some_and(|two| two == ['-', '-'])
        && characters
            .get(begin..end)
            .is_some_and(|name| is_password_name(&name.iter().collect::<String>()));
    let skip = |at: &mut usize, set: &str| {
        while characters.get(*at).is_some_and(|c| set.contains(*c)) {
            *at += 1;
        }
    };
    skip(&mut at, "\"' ");
    if characters.get(at).is_some_and(|c| ":=".contains(*c)) {
        at += 1;
    } else if !is_option || characters.get(at).is_none_or(|c| *c == '-') {
        return None;
    }
    skip(&mut at, "\"' ");
    let many = characters.get(at).is_some_and(|c| "{[".contains(*c));
    let open = characters.get(at.checked_sub(1)?).copied().filter(|c| "\"'".contains(*c));
    let ends = |c: char| match open {
        Some(quote) => c == quote,
        None => !many && (c.is_whitespace() || "`,}]\"'".contains(c)),
    };
    let length = characters.iter().skip(at).position(|c| ends(*c)).unwrap_or(characters.len() - at);
    let value: String = characters.iter().skip(at).take(length).collect();
    // A scheme such as `Bearer` is followed by the secret.
    let length = if ["Bearer", "Basic"].contains(&value.as_str()) && open.is_none() {
        characters.len() - at
    } else {
        length
    };
    (!is_place(&value)).then_some((at, at + length))
}

/// Whether this stands for a secret and is none.
fn is_place(value: &str) -> bool {
    PLACES.contains(&value) || value.starts_with(['$', '/', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_starred_wherever_it_stands_and_nothing_else_is() {
        for (text, shown) in [
            (
                "type: ghp_abcdefghijklmnopqrstuvwxyz0123456789",
                "type: ****************************************",
            ),
            ("`https://u:hunter2@x` is no network", "`https://u:*******@x` is no network"),
            ("image: user:PW99@registry.example/a:1", "image: user:****@registry.example/a:1"),
            ("API_TOKEN: {value: \"Xk29\", b: 1}", "API_TOKEN: ************************"),
            ("env: {API_TOKEN: \"Xk29\", A: b}", "env: {API_TOKEN: \"****\", A: b}"),
            ("`API_TOKEN=PW` is not the name", "`API_TOKEN=**` is not the name"),
            ("\"Authorization\": \"Bearer Xk29\"", "\"Authorization\": \"****** ****\""),
            ("  password: Xk29 # mine", "  password: **** # mine"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nXk29\nab==\n-----END RSA PRIVATE KEY-----\nend",
                "-----BEGIN RSA PRIVATE KEY-----\n****\n****\n-----END RSA PRIVATE KEY-----\nend",
            ),
            ("k: -----BEGIN PRIVATE KEY----- Xk29", "k: -----BEGIN PRIVATE KEY----- ****"),
            ("run --password Xk29 --fast", "run --password **** --fast"),
            ("curl -H Bearer Xk29fLq81mZp", "curl -H Bearer ************"),
            (
                "`files./a/ghp_abcdefghijklmnopqrstuvwxyz0123456789`",
                "`files./a/****************************************`",
            ),
        ] {
            let hidden: String = masked(text);
            let same = hidden.chars().count() == text.chars().count();
            assert!(same, "{hidden}");
            let squeezed = |text: &str| text.replace(' ', "");
            assert!(!hidden.contains("Xk29") && !hidden.contains("hunter2"), "{hidden}");
            if !text.contains('{') {
                assert_eq!(squeezed(&hidden), squeezed(shown));
            }
        }
        for text in [
            "image: registry.example/a:1.0@sha256:aaaa",
            "TOKEN_LIMIT: \"4096\"",
            "tokenFile: /run/secrets/git-token",
            "MODEL_TOKEN_NAME: google/universal-sentence-encoder-large-v5",
            "`spec.env.API_TOKEN` looks like a secret",
            "url: https://git.example/aim/catalogue.git",
            "secrets: [LICENSE_KEY]",
            "PASSWORD: $(OTHER)",
            "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "failed to fetch anonymous token: unexpected status: 401 Unauthorized",
            "run --eos-token 2 --api-token $(TOKEN) --secret --fast",
            "the bearer authentication of 2024",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_key_whose_first_line_was_cut_off_is_starred_to_its_last() {
        let text = "MIIE\nabcd\n-----END RSA PRIVATE KEY-----\nlater";
        assert_eq!(masked(text), "****\n****\n-----END RSA PRIVATE KEY-----\nlater");
        let whole = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
        let both = format!("{whole}\nin between\n{whole}\nlater");
        assert!(masked(&both).contains("\nin between\n") && masked(&both).ends_with("\nlater"));
    }

    #[test]
    fn what_belongs_to_a_secret_name_is_starred_in_a_file_however_broken_it_is() {
        for value in [
            " hunter2",
            " !secret hunter2",
            " &x hunter2 # mine",
            " \"hunter2",
            "\n      hunter2",
            "\n  hunter2",
            "\nhunter2",
            "\n\n  - hunter2",
            " |\n      hunter2\n\n      hunter2",
            " {a: {b: hunter2",
            " ab\n      cd hunter2",
            "\n      a: hunter2",
        ] {
            let text = format!("env:\n  DB_PASSWORD:{value}\n  LEVEL: 5\nname: a");
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let shown = masked_lines(&lines).join("\n");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.starts_with("env:\n  DB_PASSWORD:"), "{shown}");
            assert!(shown.ends_with("\n  LEVEL: 5\nname: a"), "{shown}");
            let same = shown.chars().map(|c| c == '\n').eq(text.chars().map(|c| c == '\n'));
            assert!(same, "every character keeps its place: {shown}");
        }
        let plain = ["DB_PASSWORD: $(X)", "secrets: [DB_PASSWORD]", "TOKEN_LIMIT: 4"];
        let plain = plain.map(str::to_owned);
        assert_eq!(masked_lines(&plain), plain);
        let key =
            ["CERT: |", "  -----BEGIN PRIVATE KEY-----", "  MIIE", "  -----END PRIVATE KEY-----"];
        assert_eq!(masked_lines(&key.map(str::to_owned))[2], "  ****");
    }
}
