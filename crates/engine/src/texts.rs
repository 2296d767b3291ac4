//! What was ordered, in the language of who reads of it.

use scrip_domain::language::Language;
use scrip_domain::order::Line;
use scrip_storage::Fault;

use crate::Engine;

impl Engine {
    /// The lines with titles in `language`. An order keeps the titles that the vendor's products had, and what is called
    /// otherwise by now stays as it was: only a title that still stands has another in its place.
    pub async fn lines_in(
        &self,
        mut lines: Vec<Line>,
        language: Language,
    ) -> Result<Vec<Line>, Fault> {
        if language == self.vendor().await?.settings.look.language {
            return Ok(lines);
        }
        let mut named: Vec<_> = lines.iter().map(|line| line.product).collect();
        named.sort_unstable();
        named.dedup();
        let products = self.store.products_called(&named).await?;
        for line in &mut lines {
            let product = products.iter().find(|product| product.id == line.product);
            if let Some(product) = product.filter(|product| product.title == line.title) {
                product.title_in(language).clone_into(&mut line.title);
            }
        }
        Ok(lines)
    }
}
