//! Writes a server's catalogue as a folder: the same catalogue always gives the same bytes.
//!
//! ```text
//! catalog.toml
//! texts/tides.md, texts/tides.de.md, texts/tides-instructions.md, texts/tides-stable-1.0.md
//! pictures/tides-1.png
//! files/tides/stable/1.0/tides.csv
//! ```
//!
//! Every name is checked before it becomes a path: the server may be somebody else's.

use std::fs;
use std::io::Write;
use std::path::Path;

use scrip_client::Admin;
use scrip_domain::catalog::{ProductState, plausible_file_name, plausible_slug};
use scrip_domain::visibility::FieldGroup;
use scrip_engine::catalog::release::{STABLE, checked_name};
use scrip_license::{Limits, Terms};
use sha2::{Digest, Sha256};

use super::folder::{DAY, Token, start_name};
use super::{Catalog, FILE, Offer, Product, Release, goods, price};
use crate::failure::{Failure, Outcome};

/// Writes `catalog` into the empty folder `dir`, with the files and pictures that `admin` has.
pub async fn export(admin: &Admin, catalog: &Catalog, token: &Token, dir: &Path) -> Outcome {
    let mut writer =
        Writer { admin, token, dir, text: format!("token = {}\n", quoted(&token.code)) };
    for product in &catalog.products {
        writer.product(product).await?;
    }
    // Last: a folder that was not finished is no catalogue.
    writer.keep(FILE, writer.text.as_bytes())
}

struct Writer<'a> {
    admin: &'a Admin,
    token: &'a Token,
    dir: &'a Path,
    /// `catalog.toml` so far.
    text: String,
}

impl Writer<'_> {
    async fn product(&mut self, product: &Product) -> Outcome {
        let fields = &product.fields;
        let slug = &fields.slug;
        if !plausible_slug(slug) {
            return Err(strange(slug));
        }
        self.text.push_str("\n[[products]]\n");
        self.entry("slug", slug);
        self.entry("kind", fields.kind.as_str());
        self.entry("title", &fields.title);
        self.entry_if("summary", &fields.summary);
        self.page("description", &fields.description, &format!("texts/{slug}.md"))?;
        self.list("categories", &fields.labels.categories);
        self.list("tags", &fields.labels.tags);
        if product.state != ProductState::Published {
            self.entry("state", product.state.as_str());
        }
        let instructions = format!("texts/{slug}-instructions.md");
        self.page("instructions", &fields.instructions, &instructions)?;
        let levels = FieldGroup::ALL.iter().filter_map(|group| {
            let level = fields.visibility.get(*group)?;
            Some(format!("{group} = {}", quoted(level.as_str())))
        });
        let levels: Vec<_> = levels.collect();
        if !levels.is_empty() {
            self.line(&format!("visibility = {{ {} }}", levels.join(", ")));
        }
        self.pictures(product).await?;
        self.texts(product)?;
        product.offers.iter().for_each(|offer| self.offer(offer));
        for release in &product.releases {
            self.release(slug, release).await?;
        }
        Ok(())
    }

    async fn pictures(&mut self, product: &Product) -> Outcome {
        for (index, picture) in product.fields.pictures.iter().enumerate() {
            let ending = goods::ending(&picture.media_type);
            let path = format!("pictures/{}-{}.{ending}", product.fields.slug, index + 1);
            self.object(&picture.object, &path).await?;
            self.text.push_str("\n[[products.pictures]]\n");
            self.entry("path", &path);
            self.entry("alt", &picture.alt);
            if goods::media_type(&path) != picture.media_type {
                self.entry("media_type", &picture.media_type);
            }
        }
        Ok(())
    }

    /// Texts in further languages, a table for each.
    fn texts(&mut self, product: &Product) -> Outcome {
        let slug = &product.fields.slug;
        for (language, texts) in &product.fields.texts.0 {
            self.line(&format!("\n[products.texts.{language}]"));
            self.entry_if("title", &texts.title);
            self.entry_if("summary", &texts.summary);
            let path = format!("texts/{slug}.{language}.md");
            self.page("description", &texts.description, &path)?;
            self.list("categories", &texts.categories);
            self.list("tags", &texts.tags);
            let path = format!("texts/{slug}-instructions.{language}.md");
            self.page("instructions", &texts.instructions, &path)?;
        }
        Ok(())
    }

    fn offer(&mut self, offer: &Offer) {
        let fields = offer.fields;
        self.text.push_str("\n[[products.offers]]\n");
        self.entry("key", &offer.key);
        self.entry("price", &price::text(fields.price, self.token.scale));
        if !offer.items.is_empty() {
            return self.list("items", &offer.items);
        }
        self.line(&format!("terms = {{ {} }}", terms(fields.terms)));
        let Limits { machines, downloads, moves, offline_days } = fields.limits;
        let limits = [
            ("machines", machines),
            ("downloads", downloads),
            ("moves", moves),
            ("offline_days", offline_days),
        ];
        let limits =
            limits.iter().filter_map(|(name, most)| Some(format!("{name} = {}", (*most)?)));
        let limits: Vec<_> = limits.collect();
        if !limits.is_empty() {
            self.line(&format!("limits = {{ {} }}", limits.join(", ")));
        }
    }

    async fn release(&mut self, slug: &str, release: &Release) -> Outcome {
        let Release { channel, version, fields } = release;
        checked_name(channel, version).map_err(|_| strange(&release.name()))?;
        self.text.push_str("\n[[products.releases]]\n");
        self.entry("version", version);
        if channel != STABLE {
            self.entry("channel", channel);
        }
        self.page("notes", &fields.notes, &format!("texts/{slug}-{channel}-{version}.md"))?;
        if !fields.publish {
            self.line("published = false");
        }
        for file in &fields.files {
            if !plausible_file_name(&file.name) {
                return Err(strange(&file.name));
            }
            let path = format!("files/{slug}/{channel}/{version}/{}", file.name);
            self.object(&file.sha256, &path).await?;
            self.text.push_str("\n[[products.releases.files]]\n");
            self.entry("path", &path);
            self.entry_if("platform", &file.platform);
            if goods::media_type(&file.name) != file.media_type {
                self.entry("media_type", &file.media_type);
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn entry(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", quoted(value)));
    }

    fn entry_if(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.entry(key, value);
        }
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            self.line(&format!("{key} = [{}]", values.join(", ")));
        }
    }

    /// A long text: in place while it is one line, else in a file.
    fn page(&mut self, key: &str, text: &str, path: &str) -> Outcome {
        if text.contains('\n') || text.len() > 100 {
            self.entry(&format!("{key}_file"), path);
            return self.keep(path, text.as_bytes());
        }
        self.entry_if(key, text);
        Ok(())
    }

    fn keep(&self, path: &str, bytes: &[u8]) -> Outcome {
        self.create(path)?.write_all(bytes).map_err(|error| self.failed(path, &error))
    }

    /// The object in a file, streamed, its digest verified.
    async fn object(&self, sha256: &str, path: &str) -> Outcome {
        let mut reply = self.admin.get_object(sha256).await?;
        let (mut file, mut hasher) = (self.create(path)?, Sha256::new());
        while let Some(chunk) = reply.chunk().await? {
            hasher.update(&chunk);
            file.write_all(&chunk).map_err(|error| self.failed(path, &error))?;
        }
        let digest: [u8; 32] = hasher.finalize().into();
        if scrip_license::Digest(digest).to_string() == sha256 {
            return Ok(());
        }
        Err(Failure::new(format!("{path} did not come as it should: its digest is another")))
    }

    fn create(&self, path: &str) -> Outcome<fs::File> {
        let whole = self.dir.join(path);
        let parent = whole.parent().unwrap_or(self.dir);
        let created = fs::create_dir_all(parent).and_then(|()| fs::File::create_new(&whole));
        created.map_err(|error| self.failed(path, &error))
    }

    fn failed(&self, path: &str, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot write {}: {error}", self.dir.join(path).display()))
    }
}

fn terms(terms: Terms) -> String {
    let time = |seconds: u64| {
        if seconds.is_multiple_of(DAY) {
            format!("days = {}", seconds / DAY)
        } else {
            format!("seconds = {seconds}")
        }
    };
    match terms {
        Terms::Perpetual => "kind = \"perpetual\"".to_owned(),
        Terms::Rental { seconds, from } => {
            format!("kind = \"rental\", {}, from = {}", time(seconds), quoted(start_name(from)))
        }
        Terms::Uses { count } => format!("kind = \"uses\", count = {count}"),
        Terms::Processings { count, unit: None } => {
            format!("kind = \"processings\", count = {count}")
        }
        Terms::Processings { count, unit: Some(unit) } => {
            format!("kind = \"processings\", count = {count}, unit = \"{unit}\"")
        }
        Terms::Trial { seconds } => format!("kind = \"trial\", {}", time(seconds)),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn strange(name: &str) -> Failure {
    Failure::new(format!(
        "the server has something with the name {name:?}, which is no name for a file"
    ))
}
