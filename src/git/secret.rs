//! Credentials. Their files are re-read at each use, because tokens are renewed under us.

use std::fs;
use std::path::Path;

use vitrine_core::config::Auth;

use super::Trouble;

/// A user name and a secret for HTTP Basic. Has no `Debug`, so that it cannot be printed.
pub struct Basic {
    pub username: String,
    pub secret: String,
}

/// What to send with a request; nothing for an SSH key or without settings.
///
/// A token goes with the user name `x-access-token`, which GitHub asks for and GitLab, Gitea and
/// Forgejo accept like any other.
pub fn basic(auth: Option<&Auth>) -> Result<Option<Basic>, Trouble> {
    Ok(match auth {
        Some(Auth::Token { token_file }) => {
            Some(Basic { username: "x-access-token".to_owned(), secret: read(token_file)? })
        }
        Some(Auth::Password { username, password_file }) => {
            Some(Basic { username: username.clone(), secret: read(password_file)? })
        }
        Some(Auth::SshKey { .. }) | None => None,
    })
}

/// Where a secret comes from, for a sentence about it.
pub fn origin(auth: Option<&Auth>) -> String {
    match auth {
        Some(Auth::Token { token_file }) => format!("the token in {}", token_file.display()),
        Some(Auth::Password { username, password_file }) => {
            format!("the password of `{username}` in {}", password_file.display())
        }
        Some(Auth::SshKey { key_file, .. }) => format!("the key {}", key_file.display()),
        None => "no credentials".to_owned(),
    }
}

fn read(file: &Path) -> Result<String, Trouble> {
    let text = fs::read_to_string(file).map_err(|error| {
        Trouble::new(format!("cannot read the credential file {}: {error}", file.display()))
    })?;
    let secret = text.trim();
    if secret.is_empty() || secret.contains(char::is_control) {
        let what = if secret.is_empty() { "is empty" } else { "holds more than one line" };
        let file = file.display();
        return Err(Trouble::new(format!(
            "the credential file {file} {what}; write the secret alone"
        )));
    }
    Ok(secret.to_owned())
}
