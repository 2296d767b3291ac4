//! Reads about legal texts.

use scrip_domain::Timestamp;
use scrip_domain::legal::{LegalName, LegalText};

use crate::cells::Reader;
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::cells;
use crate::store::Store;

/// How many versions of a text are told of.
const VERSIONS: usize = 100;

impl Store {
    /// One version of a text.
    pub async fn legal_text(
        &self,
        name: LegalName,
        version: &str,
    ) -> Result<Option<LegalText>, Fault> {
        let mut values = cells(&name);
        values.extend(cells(&version.to_owned()));
        self.row("WHERE t.name = $1 AND t.version = $2", values).await
    }

    /// The versions of a text and when each was published, newest first; the last hundred.
    pub async fn legal_versions(&self, name: LegalName) -> Result<Vec<(String, Timestamp)>, Fault> {
        let text = format!(
            "SELECT version, published_at FROM legal_texts WHERE name = $1
             ORDER BY published_at DESC, version DESC LIMIT {VERSIONS}"
        );
        self.query("legal_texts", text, cells(&name), |cells: &mut Reader<'_>| {
            let version = String::read(cells)?.ok_or_else(|| cells.corrupt())?;
            Ok((version, Timestamp::read(cells)?.ok_or_else(|| cells.corrupt())?))
        })
        .await
    }

    /// The newest version of each text.
    pub async fn newest_legal_texts(&self) -> Result<Vec<LegalText>, Fault> {
        let tail = "WHERE NOT EXISTS (SELECT 1 FROM legal_texts n WHERE n.name = t.name
             AND (n.published_at, n.version) > (t.published_at, t.version)) ORDER BY t.name";
        self.rows(tail, Vec::new()).await
    }
}
