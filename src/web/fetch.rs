//! Reads the board of a daemon that runs elsewhere.

use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;

use crate::http::redirect::MAX_HOPS;
use crate::http::{builder, causes};
use vitrine_core::status::{Board, NotABoard, read_status_json};

/// How long a board may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no board.
#[derive(Debug, thiserror::Error)]
pub enum NoBoard {
    #[error(
        "{address} cannot be read: {cause}; is the daemon running there? name its board with --url"
    )]
    Unread { address: String, cause: String },
    #[error("{address} is not a board: {cause}")]
    NotABoard { address: String, cause: NotABoard },
}

/// The board at the address of its page.
///
/// # Errors
/// [`NoBoard`], without credentials that the address may carry.
pub async fn fetch(url: &str) -> Result<Board, NoBoard> {
    let address = format!("{}/status.json", url.trim_end_matches('/'));
    let unread = |error: reqwest::Error| {
        let cause = causes(&error.without_url());
        NoBoard::Unread { address: address.clone(), cause }
    };
    let client =
        builder().redirect(Policy::limited(MAX_HOPS)).timeout(PATIENCE).build().map_err(unread)?;
    let answer = client.get(&address).send().await.and_then(reqwest::Response::error_for_status);
    let document: Value = answer.map_err(unread)?.json().await.map_err(unread)?;
    read_status_json(&document)
        .map_err(|cause| NoBoard::NotABoard { address: address.clone(), cause })
}
