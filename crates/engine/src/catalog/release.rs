//! Releases: prepared open, published for ever.

use std::collections::BTreeSet;

use scrip_domain::audit::Act;
use scrip_domain::catalog::{self, File, Product, Release};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::{Value, json};

use super::held::{Held, Loaded, keep};
use super::product::Put;
use super::rules::{self, wrong};
use super::{CatalogRefusal, Stop, Tries, Wrong};
use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome};

/// The channel whose newest release is the product's, once it has one. Before, it is that of the channel in which the first
/// release was published: who buys so early opens that channel for good, and `stable` too.
pub const STABLE: &str = "stable";
/// The most files of one release.
const FILES: usize = 100;

/// What staff says of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFields {
    /// What is new, Markdown, at most 50 000 characters.
    pub notes: String,
    /// All its files.
    pub files: Vec<FileFields>,
    /// Whether it is published with this. A published one stays so.
    pub publish: bool,
}

/// What staff says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFields {
    /// The name it is saved under.
    pub name: String,
    /// SHA-256, lower-case hexadecimal: the object that holds its bytes, uploaded before.
    pub sha256: String,
    /// For which platform; empty for all.
    pub platform: String,
    /// Its media type.
    pub media_type: String,
}

/// A release with its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeRelease {
    /// The release.
    pub release: Release,
    /// Its files, in the order in which they were entered.
    pub files: Vec<File>,
}

impl FileFields {
    /// What is out of bounds of a file whose bytes, and so their digest, are yet to come.
    pub fn check_before_upload(&self) -> Result<(), Wrong> {
        Self { sha256: "0".repeat(64), ..self.clone() }.checked(0).map(drop)
    }

    fn checked(self, index: usize) -> Result<Self, Wrong> {
        let at = |field: &str| format!("files[{index}].{field}");
        if !catalog::plausible_file_name(&self.name) {
            let must = "1 to 200 bytes: no path, no control characters, no leading dot";
            return Err(wrong(at("name"), must));
        }
        Ok(Self {
            sha256: rules::sha256(&self.sha256, &at("sha256"))?,
            platform: rules::line(&self.platform, &at("platform"), 0, 40)?,
            media_type: rules::media_type(&self.media_type, &at("media_type"))?,
            name: self.name,
        })
    }
}

impl ReleaseFields {
    /// What was said of a release.
    fn of(release: &Release, files: Vec<File>) -> Self {
        let file = |file: File| FileFields {
            name: file.name,
            sha256: file.sha256,
            platform: file.platform,
            media_type: file.media_type,
        };
        Self {
            notes: release.notes.clone(),
            files: files.into_iter().map(file).collect(),
            publish: release.published_at.is_some(),
        }
    }

    /// The fields as they are kept, or what is out of its bounds first.
    pub fn checked(self) -> Result<Self, Wrong> {
        if self.files.len() > FILES {
            return Err(wrong("files", format!("at most {FILES}")));
        }
        let mut names = BTreeSet::new();
        let mut files = Vec::with_capacity(self.files.len());
        for (index, file) in self.files.into_iter().enumerate() {
            let file = file.checked(index)?;
            // Some file systems take `Read.me` and `read.me` for one.
            if !names.insert(file.name.to_lowercase()) {
                return Err(wrong(
                    format!("files[{index}].name"),
                    "another name: this one is taken",
                ));
            }
            files.push(file);
        }
        let notes = rules::page(&self.notes, "notes", 50_000)?;
        Ok(Self { notes, files, publish: self.publish })
    }
}

/// A release's channel and version, or what is out of its bounds.
pub fn checked_name(channel: &str, version: &str) -> Result<(String, String), Wrong> {
    Ok((rules::slug(channel, "channel", 20)?, rules::version(version)?))
}

impl Engine {
    /// Makes a product's release of this version be like this: enters it, changes it while it is
    /// open, publishes it. Of a published one only the notes can change.
    pub async fn put_release(
        &self,
        by: Staff,
        slug: &str,
        channel: &str,
        version: &str,
        fields: ReleaseFields,
    ) -> Outcome<Put<WholeRelease>, CatalogRefusal> {
        let checked = checked_name(channel, version).and_then(|name| Ok((name, fields.checked()?)));
        let ((channel, version), fields) = match checked {
            Ok(checked) => checked,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong))),
        };
        let wanted = match self.wanted(channel, version, fields).await? {
            Ok(wanted) => wanted,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong))),
        };
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_put_release(by, slug, &wanted).await) {
                return answer;
            }
        }
    }

    /// Changes a release that there is, and leaves what `change` leaves, whoever changes that meanwhile: files that are
    /// uploaded side by side all come in. `change` is asked again when somebody was faster.
    pub async fn amend_release(
        &self,
        by: Staff,
        slug: &str,
        channel: &str,
        version: &str,
        change: impl Fn(ReleaseFields) -> ReleaseFields,
    ) -> Outcome<WholeRelease, CatalogRefusal> {
        let mut tries = Tries::default();
        loop {
            let amended = self.try_amend_release(by, slug, (channel, version), &change).await;
            if let Some(answer) = tries.settle(amended) {
                return answer;
            }
        }
    }

    async fn try_amend_release(
        &self,
        by: Staff,
        slug: &str,
        (channel, version): (&str, &str),
        change: impl Fn(ReleaseFields) -> ReleaseFields,
    ) -> Outcome<WholeRelease, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        let release = self.store.release_by_version(product.id, version, channel).await?;
        let Some(release) = release else { return Ok(Err(CatalogRefusal::NoSuchRelease.into())) };
        let files = self.store.files_of(release.id).await?;
        let checked = change(ReleaseFields::of(&release, files)).checked();
        let wanted = match checked {
            Ok(fields) => self.wanted(release.channel, release.version, fields).await?,
            Err(wrong) => Err(wrong),
        };
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong).into())),
        };
        Ok(self.put_release_of(by, product, &wanted).await?.map(Put::into_inner))
    }

    /// The release as it shall be, with what is known of the bytes of its files.
    async fn wanted(
        &self,
        channel: String,
        version: String,
        fields: ReleaseFields,
    ) -> Outcome<Wanted, Wrong> {
        let sizes = match self.sizes(&fields.files).await? {
            Ok(sizes) => sizes,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let known = |file: &FileFields| {
            file.sha256.parse().ok().and_then(|sha256| self.objects.known_sha512(sha256))
        };
        let sha512 = fields.files.iter().map(|file| known(file).unwrap_or_default()).collect();
        Ok(Ok(Wanted { channel, version, fields, sizes, sha512 }))
    }

    async fn try_put_release(
        &self,
        by: Staff,
        slug: &str,
        wanted: &Wanted,
    ) -> Outcome<Put<WholeRelease>, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        self.put_release_of(by, product, wanted).await
    }

    /// Puts a release of the product as it was looked up: whatever changed since makes it stale.
    async fn put_release_of(
        &self,
        by: Staff,
        product: Product,
        wanted: &Wanted,
    ) -> Outcome<Put<WholeRelease>, Stop> {
        let held = self.hold(&product).await?;
        let Wanted { version, channel, fields, .. } = wanted;
        let old = self.store.release_by_version(product.id, version, channel).await?;
        let release = match &old {
            Some(release) => release.id,
            None => self.mint()?,
        };
        let current = match product.release {
            Some(current) => self.store.release(current).await?,
            None => None,
        };
        let put = PutRelease {
            held,
            current: current.map(|current| current.channel),
            note: self.note(by)?,
            release,
            ids: self.mint_many(fields.files.len())?,
            wanted: wanted.clone(),
        };
        let whole = self.submit(put).await?;
        Ok(whole.map(if old.is_some() { Put::Kept } else { Put::Created }))
    }

    /// How many bytes the files have; what was not uploaded cannot be released.
    async fn sizes(&self, files: &[FileFields]) -> Outcome<Vec<u64>, Wrong> {
        let mut sizes = Vec::with_capacity(files.len());
        for (index, file) in files.iter().enumerate() {
            let size = match file.sha256.parse() {
                Ok(sha256) => self.objects.size(sha256).await?,
                Err(_) => None,
            };
            let Some(size) = size else {
                let must = "the digest of an object that was uploaded before";
                return Ok(Err(wrong(format!("files[{index}].sha256"), must)));
            };
            sizes.push(size);
        }
        Ok(Ok(sizes))
    }
}

/// A release as it shall be.
#[derive(Clone, Debug)]
struct Wanted {
    channel: String,
    version: String,
    fields: ReleaseFields,
    /// How many bytes its files have.
    sizes: Vec<u64>,
    /// Their second digests; empty where they are not known yet.
    sha512: Vec<String>,
}

struct PutRelease {
    held: Held,
    /// The channel of the release that the product sells so far; the version of the product tells whether it still does.
    current: Option<String>,
    note: Note,
    release: Id<Release>,
    ids: Vec<Id<File>>,
    wanted: Wanted,
}

impl Command for PutRelease {
    type Receipt = WholeRelease;
    type Refusal = Stop;

    fn wants(&self, wants: &mut Wants) {
        self.held.want(wants);
        wants.releases.read((self.release,));
        wants.files.read((self.release,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<WholeRelease, Stop>, Fault> {
        let loaded = match self.held.load(books)? {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(Decision::refused(Stop::Stale)),
            Err(stop) => return Ok(Decision::refused(stop)),
        };
        let product = loaded.product.clone();
        let old = books.releases.get(&(self.release,))?;
        let was = books.files.all(&(self.release,))?;
        let files = self.files(was);
        let published = old.and_then(|release| release.published_at);
        let is_new = |file: &File| !was.contains(file);
        if published.is_some() && (was.len() != files.len() || files.iter().any(is_new)) {
            return Ok(Decision::refused(CatalogRefusal::ReleasePublished.into()));
        }
        let Wanted { version, channel, fields, .. } = &self.wanted;
        let release = Release {
            id: self.release,
            product: product.id,
            version: version.clone(),
            channel: channel.clone(),
            notes: fields.notes.clone(),
            manifest: catalog::manifest_digest(&files),
            published_at: published.or(fields.publish.then_some(at)),
        };
        let mut changes = Changes::default();
        match old {
            Some(old) if *old == release => {}
            Some(_) => changes.releases.push(Change::Update(release.clone())),
            None => changes.releases.push(Change::Insert(release.clone())),
        }
        write_files(&mut changes, was, &files);
        let now_published = published.is_none() && release.published_at.is_some();
        let sells = self.current.as_ref().is_none_or(|current| *current == release.channel);
        let newest = (now_published && (release.channel == STABLE || sells)).then_some(release.id);
        let new = Product { release: newest.or(product.release), ..product.clone() };
        keep(books, &mut changes, Some(&product), Loaded { product: new, ..loaded }, at)?;
        if !changes.is_empty() {
            let act = if old.is_some() { Act::ReleaseChanged } else { Act::ReleaseEntered };
            let was = old.map_or(Value::Null, |old| entered(old, was));
            let what = difference(&was, &entered(&release, &files));
            self.note.write(&mut changes, act, release.id, what, at);
        }
        Ok(Decision::done(WholeRelease { release, files }, changes))
    }
}

impl PutRelease {
    /// The files as rows: those whose names were there keep their ids.
    fn files(&self, was: &[File]) -> Vec<File> {
        let Wanted { fields, sizes, sha512, .. } = &self.wanted;
        let row = |(((fields, id), size), sha512): (((&FileFields, &Id<File>), &u64), &String)| {
            let old = was.iter().find(|old| old.name == fields.name);
            // What is known of the bytes is not forgotten.
            let same = was.iter().find(|old| old.sha256 == fields.sha256);
            let known = same.map(|old| &old.sha512).filter(|known| !known.is_empty());
            // Of a file that is published nothing changes but by its own command.
            let kept = old.filter(|old| old.sha256 == fields.sha256).map(|old| &old.sha512);
            File {
                id: old.map_or(*id, |old| old.id),
                release: self.release,
                name: fields.name.clone(),
                size: *size,
                sha256: fields.sha256.clone(),
                platform: fields.platform.clone(),
                media_type: fields.media_type.clone(),
                sha512: kept.or(known).unwrap_or(sha512).clone(),
            }
        };
        let files = fields.files.iter().zip(&self.ids).zip(sizes).zip(sha512);
        let mut files: Vec<File> = files.map(row).collect();
        files.sort_by_key(|file| file.id);
        files
    }
}

/// What staff enters of a release, for the record.
fn entered(release: &Release, files: &[File]) -> Value {
    let file = |file: &File| {
        json!({
            "name": file.name, "sha256": file.sha256, "platform": file.platform,
            "media_type": file.media_type,
        })
    };
    json!({
        "product": release.product,
        "channel": release.channel,
        "version": release.version,
        "notes": release.notes,
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "published_at": release.published_at,
    })
}

fn write_files(changes: &mut Changes, was: &[File], files: &[File]) {
    for gone in was.iter().filter(|old| !files.iter().any(|new| new.id == old.id)) {
        changes.files.push(Change::Delete(gone.clone()));
    }
    for file in files {
        match was.iter().find(|old| old.id == file.id) {
            Some(old) if old == file => {}
            Some(_) => changes.files.push(Change::Update(file.clone())),
            None => changes.files.push(Change::Insert(file.clone())),
        }
    }
}
