//! What the answer of a registry means, and who can do something about it.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::credentials::Held;
use super::place::Place;
use super::unresolved::Unresolved;
use super::{Call, media_type};
use crate::http::quiet::Quiet;
use crate::http::{Failure, reason};
use vitrine_core::model::Party;

/// What to do when a registry cannot be talked to.
const CHECK_NETWORK: &str =
    "check the image's registry and the network; one without TLS needs --plain-http";

impl Call<'_> {
    /// Repository and tag, or the digest in its place.
    pub(super) fn tag(&self) -> String {
        let Place { repository, tag, .. } = &self.place;
        format!("{repository}{}{tag}", if self.place.is_digest() { '@' } else { ':' })
    }

    /// A manifest of the time before digests.
    pub(super) fn of_the_first_kind(&self) -> Unresolved {
        let what = format!("has only a manifest of Docker's first kind for `{}`", self.tag());
        let help = "build and push the image again with a present tool";
        self.place.says(what, help, Party::Author).lacks()
    }

    /// What came is not what it says it is.
    pub(super) fn changed(&self, told: &str, came: &str) -> Unresolved {
        let what = format!("says that `{}` is {told}, but what it sent is {came}", self.tag());
        let help = "something between it and us changes answers: do not use this image before \
                    that is understood";
        self.place.says(what, help, Party::Operator)
    }

    /// The registry wants somebody else than we are.
    pub(super) fn refused(&self) -> Unresolved {
        let place = &self.place;
        let file = self.credentials.place();
        let (what, help) = match self.credentials.held(&place.registry) {
            Held::Basic(_) => (
                format!("refused the credentials of {file} for `{}` (401)", place.repository),
                "renew them there (docker login), or ask for the right to pull".to_owned(),
            ),
            Held::Helper(name) => (
                format!("asks for credentials for `{}` (401)", place.repository),
                format!(
                    "{file} leaves them to the credential helper `{name}`, which vitrine does not \
                     run: name a file with `auths` by --docker-config"
                ),
            ),
            Held::IdentityToken => (
                format!("asks for credentials for `{}` (401)", place.repository),
                format!(
                    "{file} holds an identity token, which vitrine does not use: name a file with \
                     user and password by --docker-config"
                ),
            ),
            Held::Unreadable => (
                format!("asks for credentials for `{}` (401)", place.repository),
                format!("its entry in {file} is no user and password: log in again"),
            ),
            Held::Nothing => (
                format!("asks for credentials for `{}` (401)", place.repository),
                format!(
                    "{file} has none for `{}`: docker login, or name another file by \
                     --docker-config; an unknown repository is answered like this, too",
                    place.registry
                ),
            ),
        };
        place.says(what, help, Party::Author).refuses()
    }

    /// The registry wants no questions for a while.
    pub(super) fn left_alone(&self, quiet: Quiet) -> Unresolved {
        let (place, time) = (&self.place, quiet.time());
        if quiet.status == StatusCode::TOO_MANY_REQUESTS {
            let help = format!(
                "try again at {time}, or log in (docker login): accounts may ask more often"
            );
            return place.says("is asked too often (429)", help, Party::Author);
        }
        let what = format!("answered {} and asks to be left alone", quiet.status.as_u16());
        place.says(what, format!("try again at {time}"), Party::Operator)
    }

    /// What an answer other than 200 means.
    pub(super) fn judge(&self, status: StatusCode, body: &[u8]) -> Unresolved {
        let place = &self.place;
        let code = error_code(body);
        match status {
            StatusCode::NOT_FOUND if code.as_deref() == Some("NAME_UNKNOWN") => place
                .says(
                    format!("has no repository `{}` (404)", place.repository),
                    "check the image's name, or push it",
                    Party::Author,
                )
                .lacks(),
            StatusCode::NOT_FOUND if code.is_some() && place.is_digest() => place
                .says(
                    format!(
                        "has nothing with the digest {} in `{}` (404)",
                        place.tag, place.repository
                    ),
                    "push the image again, or write the digest that its tag has now: vitrine pin",
                    Party::Author,
                )
                .lacks(),
            StatusCode::NOT_FOUND if code.is_some() => place
                .says(
                    format!("has no tag `{}` of `{}` (404)", place.tag, place.repository),
                    "check the name and the tag, or push it",
                    Party::Author,
                )
                .lacks(),
            StatusCode::NOT_FOUND => place.says(
                format!("knows nothing of `{}` (404)", self.tag()),
                "check the image's name, and that its first part is a registry",
                Party::Author,
            ),
            StatusCode::UNAUTHORIZED => self.refused(),
            StatusCode::FORBIDDEN => place
                .says(
                    format!("does not let us read `{}` (403)", place.repository),
                    format!("the account of {} needs the right to pull", self.credentials.place()),
                    Party::Author,
                )
                .refuses(),
            StatusCode::TOO_MANY_REQUESTS => place.says(
                "is asked too often (429)",
                "try again, or log in (docker login): accounts may ask more often",
                Party::Author,
            ),
            _ if status.is_server_error() => place.says(
                format!("answered {}", status.as_u16()),
                "try again, or tell its operator",
                Party::Operator,
            ),
            _ => place.says(
                format!("answered {}", status.as_u16()),
                "check the image's name, and that its first part is a registry",
                Party::Author,
            ),
        }
    }

    /// 200, and not a manifest.
    pub(super) fn no_registry(&self, headers: &HeaderMap) -> Unresolved {
        let kind = media_type(headers);
        let (what, help) = if kind == "text/html" {
            (
                "answered with a web page instead of a manifest".to_owned(),
                "check that the image names a registry and that no login page or proxy stands \
                 before it",
            )
        } else {
            (
                "answered with something that is no manifest".to_owned(),
                "check that the image names a registry, and that what was pushed is an image",
            )
        };
        self.place.says(what, help, Party::Author)
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> Unresolved {
        let place = &self.place;
        let why = reason(error);
        let (what, help, party) = match Failure::of(error) {
            Failure::Timeout => {
                let limit = if error.is_connect() { self.limits.connect } else { self.limits.read };
                return place.late(limit);
            }
            Failure::Name => (
                "is not found by name",
                "check the image's registry for a slip, and that this machine has a network",
                Party::Author,
            ),
            Failure::Certificate => (
                "is not trusted",
                "its operator must mend the certificate, or this machine must trust who issued it \
                 (SSL_CERT_FILE names a file of such)",
                Party::Operator,
            ),
            Failure::Connect => ("cannot be reached", CHECK_NETWORK, Party::Operator),
            Failure::Broken => ("broke off", CHECK_NETWORK, Party::Operator),
        };
        place.says(format!("{what} ({why})"), help, party)
    }
}

/// The first code of an error in the protocol's form.
fn error_code(body: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(json.get("errors")?.get(0)?.get("code")?.as_str()?.to_owned())
}
