//! A list in pages, where the server does not stream it.

use http::Method;

use super::{End, Watch};
use crate::cluster::request::{self, METADATA_LIST, unavailable, with_query};
use crate::cluster::wire;
use vitrine_core::engine::News;

/// Objects on one page.
const PAGE: &str = "500";

impl Watch {
    /// Reads the list in pages; answers its version.
    pub(super) async fn pages(&mut self) -> Result<String, End> {
        if !self.say(News::Listing).await {
            return Err(End::Stopped);
        }
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("limit", PAGE)];
            if let Some((by, selector)) = &self.selector {
                query.push((by, selector));
            }
            if let Some(token) = &token {
                query.push(("continue", token));
            }
            let address = with_query(&self.collection(), &query);
            let accept = self.accept(METADATA_LIST);
            let request = request::request(Method::GET, &address, accept, "", Vec::new())?;
            let answer = self.api.call(request).await?;
            let page = wire::page(self.depth(), &answer.body)
                .map_err(|e| unavailable(format!("a list cannot be read: {e}")))?;
            drop(answer);
            for seen in page.items {
                if !self.pass(seen, News::Present).await {
                    return Err(End::Stopped);
                }
            }
            match page.next {
                Some(next) => token = Some(next),
                None if self.say(News::Listed(page.version.clone())).await => {
                    return Ok(page.version);
                }
                None => return Err(End::Stopped),
            }
        }
    }
}
