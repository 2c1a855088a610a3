//! How a delivery proves that whoever sent it knows the secret. Compared in constant time.

use axum::http::HeaderMap;
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::SystemRandom;

use vitrine_core::config::ForgeKind;

/// What a delivery offers as a proof. SHA-1 is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An HMAC with SHA-256 of the bytes that were sent.
    Mac([u8; 32]),
    /// The secret itself.
    Token(Vec<u8>),
}

impl Proof {
    /// The proof in the header that this forge uses, if one is there and complete. The first header
    /// of a forge that is there counts, whatever others say.
    pub fn of(kind: ForgeKind, headers: &HeaderMap) -> Option<Self> {
        let own: &[&str] = match kind {
            ForgeKind::GitLab => {
                let token = headers.get("x-gitlab-token")?.as_bytes();
                return (!token.is_empty()).then(|| Self::Token(token.to_owned()));
            }
            ForgeKind::GitHub => &[],
            ForgeKind::Gitea => &["x-gitea-signature"],
            ForgeKind::Forgejo => &["x-forgejo-signature", "x-gitea-signature"],
        };
        let digits = match own.iter().find_map(|name| headers.get(*name)) {
            Some(own) => own.as_bytes(),
            None => headers.get("x-hub-signature-256")?.as_bytes().strip_prefix(b"sha256=")?,
        };
        Some(Self::Mac(unhexed(digits)?))
    }

    /// Whether no body could make it a proof.
    pub fn is_refuted(&self, secrets: &[Vec<u8>]) -> bool {
        match self {
            Self::Mac(_) => false,
            Self::Token(token) => !secrets.iter().any(|secret| are_equal(token, secret)),
        }
    }

    /// Whether it proves a body, with one of these secrets. An empty one proves nothing.
    pub fn holds(&self, body: &[u8], secrets: &[Vec<u8>]) -> bool {
        match self {
            Self::Mac(mac) => secrets
                .iter()
                .filter(|secret| !secret.is_empty())
                .any(|secret| hmac::verify(&Key::new(HMAC_SHA256, secret), body, mac).is_ok()),
            Self::Token(_) => !self.is_refuted(secrets),
        }
    }
}

/// Both are hashed under a key that nobody knows: how long the comparison takes says nothing, not
/// even a length.
fn are_equal(token: &[u8], secret: &[u8]) -> bool {
    let Ok(key) = Key::generate(HMAC_SHA256, &SystemRandom::new()) else { return false };
    let tag = hmac::sign(&key, token);
    !secret.is_empty() && hmac::verify(&key, secret, tag.as_ref()).is_ok()
}

/// 64 hexadecimal digits.
fn unhexed(digits: &[u8]) -> Option<[u8; 32]> {
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn holds(
        kind: ForgeKind,
        pairs: &[(&'static str, &str)],
        body: &str,
        secrets: &[&str],
    ) -> bool {
        let secrets: Vec<Vec<u8>> = secrets.iter().map(|s| s.as_bytes().to_owned()).collect();
        Proof::of(kind, &headers(pairs)).is_some_and(|proof| proof.holds(body.as_bytes(), &secrets))
    }

    /// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
    const DOCUMENTED: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const PUSH: &str = r#"{"object_kind":"push","ref":"refs/heads/main"}"#;
    const SIGNED: &str = "0890c70ec5523935d3f2f11f01ea6744244d7e83685805ed5c53dc6b7e4cb4e6";

    #[test]
    fn the_documented_vectors_hold() {
        let hub = [("x-hub-signature-256", DOCUMENTED)];
        let secret = ["It's a Secret to Everybody"];
        assert!(holds(ForgeKind::GitHub, &hub, "Hello, World!", &secret));
        assert!(!holds(ForgeKind::GitHub, &hub, "Hello, World?", &secret));
        assert!(!holds(ForgeKind::GitHub, &hub, "Hello, World!", &["It's a secret to Everybody"]));
        let hub = format!("sha256={SIGNED}");
        for (kind, name, value) in [
            (ForgeKind::GitHub, "x-hub-signature-256", hub.as_str()),
            (ForgeKind::Gitea, "x-hub-signature-256", &hub),
            (ForgeKind::Gitea, "x-gitea-signature", SIGNED),
            (ForgeKind::Forgejo, "x-forgejo-signature", SIGNED),
            (ForgeKind::Forgejo, "x-gitea-signature", SIGNED),
            (ForgeKind::Forgejo, "x-hub-signature-256", &hub),
            (ForgeKind::GitLab, "x-gitlab-token", "s3cret"),
        ] {
            assert!(holds(kind, &[(name, value)], PUSH, &["s3cret"]), "{kind:?} {name}");
            assert!(holds(kind, &[(name, value)], PUSH, &["new", "s3cret"]), "{kind:?} {name}");
            assert!(holds(kind, &[(name, value)], PUSH, &["s3cret", "new"]), "{kind:?} {name}");
            for secrets in [&["S3cret"][..], &["s3cret\n"], &["s3cre"], &["s3crets"], &[""], &[]] {
                assert!(!holds(kind, &[(name, value)], PUSH, secrets), "{kind:?} {secrets:?}");
            }
        }
    }

    #[test]
    fn each_flipped_bit_of_body_and_signature_is_found() {
        let proof = |text: &str| {
            let headers = headers(&[("x-gitea-signature", text)]);
            Proof::of(ForgeKind::Gitea, &headers)
        };
        let secrets = [b"s3cret".to_vec()];
        let right = proof(SIGNED).unwrap();
        for bit in 0..PUSH.len() * 8 {
            let mut body = PUSH.as_bytes().to_owned();
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(!right.holds(&body, &secrets), "bit {bit}");
        }
        for at in 0..64 {
            let mut text = SIGNED.as_bytes().to_owned();
            text[at] = if text[at] == b'0' { b'1' } else { b'0' };
            let wrong = proof(std::str::from_utf8(&text).unwrap()).unwrap();
            assert!(!wrong.holds(PUSH.as_bytes(), &secrets), "digit {at}");
        }
        assert!(proof(&SIGNED.to_uppercase()).unwrap().holds(PUSH.as_bytes(), &secrets));
    }

    #[test]
    fn what_is_no_proof_is_none() {
        let sha256 = format!("sha256={SIGNED}");
        let long = format!("{SIGNED}00");
        let sha1 = "sha1=3f6c8a7e0e2f8a9dd5c0f9b0c9e5b2f6a1d4c7e8";
        for (kind, name, value) in [
            (ForgeKind::GitHub, "x-hub-signature", sha1),
            (ForgeKind::GitHub, "x-hub-signature-256", sha1),
            (ForgeKind::GitHub, "x-hub-signature-256", SIGNED),
            (ForgeKind::GitHub, "x-hub-signature-256", "sha256="),
            (ForgeKind::GitHub, "x-hub-signature-256", ""),
            (ForgeKind::GitHub, "x-gitea-signature", SIGNED),
            (ForgeKind::GitHub, "x-gitlab-token", "s3cret"),
            (ForgeKind::Gitea, "x-gitea-signature", ""),
            (ForgeKind::Gitea, "x-gitea-signature", &sha256),
            (ForgeKind::Gitea, "x-gitea-signature", &SIGNED[..62]),
            (ForgeKind::Gitea, "x-gitea-signature", &long),
            (ForgeKind::Gitea, "x-gitea-signature", &"g".repeat(64)),
            (ForgeKind::Gitea, "x-forgejo-signature", SIGNED),
            (ForgeKind::GitLab, "x-gitlab-token", ""),
            (ForgeKind::GitLab, "x-hub-signature-256", &sha256),
        ] {
            assert_eq!(
                Proof::of(kind, &headers(&[(name, value)])),
                None,
                "{kind:?} {name} {value}"
            );
        }
        // The empty values of a Gitea without a secret are not passed over.
        let pair = [("x-gitea-signature", ""), ("x-hub-signature-256", sha256.as_str())];
        assert_eq!(Proof::of(ForgeKind::Gitea, &headers(&pair)), None);
    }
}
