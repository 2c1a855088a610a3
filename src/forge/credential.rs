//! How we prove to a forge who we are: a token from a file, or one that a GitHub App is given for an
//! hour. Files are read again at each use, because credentials are renewed under us.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::{Client, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use vitrine_core::config::{self, ForgeAuth, PullRequests};
use vitrine_core::engine::Refusal;

use super::answer;
use super::dialect::Dialect;

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a token is kept of which nobody said how long it lives; GitHub's live an hour.
const UNSAID: Duration = Duration::from_secs(30 * 60);
/// The largest answer with a token, in bytes.
const MAX_TOKEN: usize = 64 << 10;
/// For how long our signature is good: GitHub takes at most ten minutes, and clocks differ.
const SIGNED_FOR: i64 = 9 * 60;
const CLOCKS_DIFFER: i64 = 60;

/// What proves who we are. Has no `Debug`, so that it cannot be printed.
pub(super) struct Credential {
    auth: ForgeAuth,
    api: String,
    /// `name` of `owner/name`.
    repository: String,
    /// Whether pull requests are asked for and commented on.
    pull_requests: bool,
    /// Whether check runs are written.
    checks: bool,
    /// An App's token, and until when it is used.
    kept: Mutex<Option<(String, Instant)>>,
}

impl Credential {
    pub fn new(settings: &config::Forge) -> Self {
        let name = settings.repository.rsplit('/').next().unwrap_or_default();
        Self {
            auth: settings.auth.clone(),
            api: settings.api_url.clone(),
            repository: name.to_owned(),
            pull_requests: settings.pull_requests != PullRequests::Off,
            checks: settings.annotations && settings.pull_requests != PullRequests::Off,
            kept: Mutex::new(None),
        }
    }

    /// Where it comes from, for a sentence about it.
    pub fn origin(&self) -> String {
        match &self.auth {
            ForgeAuth::Token { token_file } => format!("the token in {}", token_file.display()),
            ForgeAuth::App { app_id, installation_id, private_key_file } => format!(
                "App {app_id}, installation {installation_id}, with the key in {}",
                private_key_file.display()
            ),
        }
    }

    /// The App that we are, by its number or client id.
    pub fn app(&self) -> Option<&str> {
        match &self.auth {
            ForgeAuth::App { app_id, .. } => Some(app_id),
            ForgeAuth::Token { .. } => None,
        }
    }

    /// Forgets an App's token; whether there was one.
    pub fn forget(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// The token to send.
    ///
    /// # Errors
    /// Why there is none: a file, or what GitHub says to the App.
    pub async fn token(&self, client: &Client, words: &dyn Dialect) -> Result<String, Refusal> {
        let (app_id, installation, key) = match &self.auth {
            ForgeAuth::Token { token_file } => return secret(token_file).map_err(Refusal::Shut),
            ForgeAuth::App { app_id, installation_id, private_key_file } => {
                (app_id, installation_id, private_key_file)
            }
        };
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((token, until)) = &*kept
                && *until > Instant::now()
            {
                return Ok(token.clone());
            }
        }
        let signed = signed(app_id, key, Timestamp::now()).map_err(Refusal::Shut)?;
        let url = format!("{}/app/installations/{installation}/access_tokens", self.api);
        let mut checks = self.checks;
        let heard = loop {
            let mut body = json!({
                "repositories": [self.repository], "permissions": {"statuses": "write"},
            });
            if self.pull_requests {
                body["permissions"]["pull_requests"] = json!("write");
            }
            if checks {
                body["permissions"]["checks"] = json!("write");
            }
            let (name, value) = words.authorization(&signed);
            let mut request = client.post(&url).header(name, value);
            for (name, value) in words.headers() {
                request = request.header(*name, *value);
            }
            let heard = answer::of(request.json(&body), MAX_TOKEN, &signed).await;
            let heard =
                heard.map_err(|why| Refusal::Unsure(format!("no token for the App ({why})")))?;
            // Without that right lines cannot be marked; all else can be told.
            let is_too_much = heard.status == StatusCode::UNPROCESSABLE_ENTITY;
            if !(is_too_much && std::mem::take(&mut checks)) {
                break heard;
            }
        };
        if let Some(wait) = heard.pause() {
            return Err(Refusal::Later(wait));
        }
        let given = heard.body["token"].as_str();
        let Some(token) = given.filter(|_| heard.status.is_success()) else {
            // Whatever else stands beside a token is not shown.
            let said = if given.is_some() { "a token".to_owned() } else { heard.words() };
            let code = heard.status.as_u16();
            let why = format!("GitHub gives {} no token ({code}: {said})", self.origin());
            return Err(match heard.status.is_server_error() {
                true => Refusal::Unsure(why),
                false => Refusal::Shut(format!(
                    "{why}; install the App on the repository with \"Commit statuses: read and \
                     write\", and mend reporting.forge.auth"
                )),
            });
        };
        let ends = heard.body["expires_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let lives = ends.map(|at| at.duration_since(Timestamp::now()));
        let lives = lives.map_or(UNSAID, |left| Duration::try_from(left).unwrap_or_default());
        let until = Instant::now() + lives.saturating_sub(MARGIN);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((token.to_owned(), until));
        Ok(token.to_owned())
    }
}

/// A secret that stands alone in a file.
fn secret(file: &Path) -> Result<String, String> {
    let shown = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| format!("cannot read the credential file {shown}: {error}"))?;
    let secret = text.trim();
    // A header takes nothing else.
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = if secret.is_empty() { "is empty" } else { "holds more than a token" };
        return Err(format!("the credential file {shown} {what}; write the token alone"));
    }
    Ok(secret.to_owned())
}

/// A JWT by which an App says who it is.
fn signed(app_id: &str, key_file: &Path, now: Timestamp) -> Result<String, String> {
    let shown = key_file.display();
    let pem = fs::read(key_file).map_err(|e| format!("cannot read the App's key {shown}: {e}"))?;
    let bad = |why: String| format!("the App's key {shown} {why}; write the .pem of its settings");
    let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| bad(format!("is no PEM ({e})")))?;
    let pair = match &der {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err(bad("is no RSA key".to_owned())),
    };
    let pair = pair.map_err(|error| bad(format!("cannot be used ({error})")))?;
    let now = now.as_second();
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let claims =
        json!({"iat": now - CLOCKS_DIFFER, "exp": now + SIGNED_FOR - CLOCKS_DIFFER, "iss": app_id});
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
        .map_err(|_| bad("cannot sign".to_owned()))?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_token_says_so_and_never_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert!(secret(&file).unwrap_err().contains("cannot read"));
        for (text, said) in [("\n", "is empty"), ("hunter2 hunter3", "more than a token")] {
            fs::write(&file, text).unwrap();
            let why = secret(&file).unwrap_err();
            assert!(why.contains(said) && !why.contains("hunter"), "{why}");
        }
        fs::write(&file, "hunter2\n").unwrap();
        assert_eq!(secret(&file).unwrap(), "hunter2");
        assert!(signed("1", &file, Timestamp::now()).unwrap_err().contains("is no PEM"));
    }
}
