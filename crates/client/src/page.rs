//! Lists come in pages.

use serde::Deserialize;

use crate::url;

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub data: Vec<T>,
    /// The cursor of the next page; none after the last.
    pub next: Option<String>,
}

/// Which page is asked for; the default is the first one in the server's usual size.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// 1 to 100 items.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl Paging {
    pub(crate) fn of(&self, path: &str) -> String {
        let limit = self.limit.map(|limit| limit.to_string());
        url::with_query(path, &[("limit", limit.as_deref()), ("after", self.after.as_deref())])
    }
}
