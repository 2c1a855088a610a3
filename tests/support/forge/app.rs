//! A GitHub App: it signs who it is, and gets a token for an hour.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::call::{Answer, Call, Credential};
use super::github::{not_found, says};
use super::store::Store;

/// How long a signed claim may be good for, in seconds.
const LONGEST_CLAIM: i64 = 600;

pub struct App {
    id: u64,
    installation: u64,
    public_key: Vec<u8>,
    /// Of each token.
    pub life: Duration,
    tokens: Vec<(String, Instant)>,
    /// What its owner does not let it do.
    pub denied: Vec<&'static str>,
    /// What the newest token may.
    permissions: Value,
}

impl App {
    pub fn new(id: u64, installation: u64, public_key: &[u8]) -> Self {
        let life = Duration::from_secs(3600);
        Self {
            id,
            installation,
            public_key: public_key.to_vec(),
            life,
            tokens: Vec::new(),
            denied: Vec::new(),
            permissions: Value::Null,
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether the newest token may write these.
    pub fn may(&self, what: &str) -> bool {
        self.permissions[what] == "write"
    }

    /// Whether this is a token of ours that is not too old.
    pub fn knows(&self, token: &str) -> bool {
        self.tokens.iter().any(|(known, given)| known == token && given.elapsed() < self.life)
    }

    /// Why a claim is refused, in GitHub's words.
    fn judge(&self, claim: &str) -> Result<(), &'static str> {
        const UNREADABLE: &str = "A JSON web token could not be decoded";
        let parts: Vec<&str> = claim.split('.').collect();
        let [head, body, signature] = parts[..] else { return Err(UNREADABLE) };
        let read = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (Some(said), Some(claims)) = (read(head), read(body)) else { return Err(UNREADABLE) };
        if said["alg"] != "RS256" {
            return Err(UNREADABLE);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| UNREADABLE)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key)
            .verify(format!("{head}.{body}").as_bytes(), &signature)
            .map_err(|_| UNREADABLE)?;
        let issuer = &claims["iss"];
        if *issuer != self.id && issuer.as_str().and_then(|id| id.parse().ok()) != Some(self.id) {
            return Err("'Issuer' claim ('iss') must be an Integer");
        }
        let now = jiff::Timestamp::now().as_second();
        let Some(issued) = claims["iat"].as_i64() else {
            return Err("Missing 'issued at' claim ('iat') in assertion");
        };
        let Some(expires) = claims["exp"].as_i64() else {
            return Err("Missing 'expiration time' claim ('exp') in assertion");
        };
        // A clock may differ a little, not a minute.
        if issued > now + 30 {
            return Err(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            );
        }
        if expires <= now {
            return Err(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            );
        }
        // GitHub looks at the first; the second keeps clients off the edge.
        if expires > now + LONGEST_CLAIM || expires - issued > LONGEST_CLAIM {
            return Err("'Expiration time' claim ('exp') is too far in the future");
        }
        Ok(())
    }
}

/// `POST /app/installations/{id}/access_tokens`
pub fn give_token(store: &mut Store, call: &Call, installation: &str) -> Answer {
    let repository = store.repository.split('/').next_back().unwrap_or_default().to_owned();
    let Some(app) = &mut store.app else {
        return says(401, "A JSON web token could not be decoded");
    };
    let Credential::Token(claim) = call.authorization(&["bearer"]) else {
        return says(401, "A JSON web token could not be decoded");
    };
    if let Err(words) = app.judge(&claim) {
        return says(401, words);
    }
    if installation != app.installation.to_string() {
        return not_found();
    }
    let body = if call.body.is_empty() { Some(json!({})) } else { call.json() };
    let Some(body) = body else { return says(400, "Problems parsing JSON") };
    if let Some(names) = body["repositories"].as_array()
        && names.iter().any(|name| name != repository.as_str())
    {
        return says(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        );
    }
    if app.denied.iter().any(|what| !body["permissions"][what].is_null()) {
        return says(422, "The permissions requested are not granted to this installation.");
    }
    // As long as those that GitHub gives since 2026.
    let token = format!("ghs_{}_{}{}", app.id, "eyJhbGciOiJSUzI1NiJ9".repeat(10), app.tokens.len());
    app.tokens.push((token.clone(), Instant::now()));
    let expires = jiff::Timestamp::now() + app.life;
    let permissions = match &body["permissions"] {
        Value::Null => json!({"metadata": "read", "contents": "read", "statuses": "write"}),
        asked => asked.clone(),
    };
    app.permissions.clone_from(&permissions);
    let chosen = if body["repositories"].is_null() { "all" } else { "selected" };
    let body = json!({
        // Whole seconds, as all of their times.
        "token": token, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "permissions": permissions, "repository_selection": chosen,
    });
    Answer::json(201, &body)
}
