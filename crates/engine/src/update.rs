//! Updates: the newest release that a code opens, and what updaters must know of its files.
//!
//! ```text
//! code ─▶ license in force ─▶ releases that it opens ─▶ those with a file for the platform ─▶ the newest of them
//!                                                                                               └ newer than the caller's?
//! ```
//! What a license opens is said in one place, for downloads and updates alike ([`crate::download`]): the release that it was
//! sold with, and what was published since in its channel or in `stable`. A license that has ended opens nothing, also of
//! what was published before.

use std::cmp::Ordering;

use scrip_domain::Id;
use scrip_domain::catalog::{self, File, Product, Release};
use scrip_domain::license::License;
use scrip_license::{Digest, Reason};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::catalog::release::STABLE;
use crate::download::{DownloadRefusal, Ticket, entitles};
use crate::{Engine, Outcome};

/// The longest name of a channel.
const CHANNEL: usize = 20;

/// What an update is asked for with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The channel to look in, beside `stable`; one that the license does not open is not looked in.
    pub channel: Option<&'a str>,
    /// For which platform, as the vendor writes it; all where nothing is said.
    pub platform: Option<&'a str>,
    /// The version that is there; any release is newer than none.
    pub version: Option<&'a str>,
}

/// A release to update to.
#[derive(Clone, Debug)]
pub struct Update {
    /// The release.
    pub release: Release,
    /// Those of its files that are for the platform.
    pub files: Vec<File>,
    license: License,
}

/// A release that a license opens.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The release.
    pub release: Release,
    /// Its files.
    pub files: Vec<File>,
    /// Whether the license was sold with it.
    pub sold: bool,
}

/// How many of the releases that a license opens are told.
pub const MOST_RELEASES: usize = 20;

/// The system that a manifest of electron-updater is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// `latest.yml`.
    Windows,
    /// `latest-mac.yml`.
    Mac,
    /// `latest-linux.yml`, and by architecture `latest-linux-arm64.yml`.
    Linux(Architecture),
}

/// Which processor; Linux has a manifest for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Named by nothing.
    X64,
    /// `arm64`, also called `aarch64`.
    Arm64,
    /// `armv7l`, also called `arm`.
    Arm,
    /// `ia32`, also called `i686`.
    Ia32,
}

impl System {
    /// Takes the name of a manifest apart: `beta-linux-arm64.yml` is that of the channel `beta`; `latest` is `stable`.
    pub fn of_manifest(name: &str) -> Option<(&str, Self)> {
        let stem = name.strip_suffix(".yml")?;
        let (channel, system) = if let Some(channel) = stem.strip_suffix("-mac") {
            (channel, Self::Mac)
        } else if let Some((channel, architecture)) = stem.rsplit_once("-linux") {
            let architecture = match architecture {
                "" => Architecture::X64,
                "-arm64" => Architecture::Arm64,
                "-armv7l" | "-arm" => Architecture::Arm,
                "-ia32" => Architecture::Ia32,
                _ => return None,
            };
            (channel, Self::Linux(architecture))
        } else {
            (stem, Self::Windows)
        };
        let channel = if channel == "latest" { STABLE } else { channel };
        let is_one = channel.len() <= CHANNEL && catalog::plausible_slug(channel);
        is_one.then_some((channel, system))
    }

    /// Whether a file for `platform` is for this system. What is for all platforms is not: it is no installer.
    pub fn takes(self, platform: &str) -> bool {
        let platform = platform.to_ascii_lowercase();
        let begins = |names: &[&str]| names.iter().any(|name| platform.starts_with(name));
        match self {
            Self::Windows => begins(&["win"]),
            Self::Mac => begins(&["mac", "darwin", "osx"]),
            Self::Linux(architecture) => {
                begins(&["linux"]) && Architecture::of(&platform) == architecture
            }
        }
    }
}

impl Architecture {
    /// Which one the name of a platform says, in lower case.
    fn of(platform: &str) -> Self {
        let says = |names: &[&str]| names.iter().any(|name| platform.contains(name));
        if says(&["arm64", "aarch64"]) {
            Self::Arm64
        } else if says(&["arm"]) {
            Self::Arm
        } else if says(&["ia32", "i386", "i686"]) {
            Self::Ia32
        } else {
            Self::X64
        }
    }
}

impl Engine {
    /// The newest release of the product at `slug` that `code` opens, if it is newer than what the caller has.
    pub async fn newest_update(
        &self,
        code: &str,
        slug: &str,
        asked: Asked<'_>,
        source: &str,
    ) -> Outcome<Option<Update>, DownloadRefusal> {
        let for_platform = |file: &File| {
            let platform = file.platform.as_str();
            platform.is_empty() || asked.platform.is_none_or(|p| platform.eq_ignore_ascii_case(p))
        };
        let channel = asked.channel.unwrap_or(STABLE);
        let opened = match self.releases_opened(code, slug, source).await? {
            Ok(opened) => opened,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let newest = self.newest(&opened, channel, for_platform).await?;
        let newer = newest.filter(|(release, _)| opened.is_newer(release, asked.version));
        let license = opened.license;
        Ok(Ok(newer.map(|(release, files)| Update { release, files, license })))
    }

    /// What the manifest of `system` tells: the newest release that `code` opens with files for it, their second digests
    /// filled in. Whether it is newer the updater finds for itself.
    pub async fn update_manifest(
        &self,
        code: &str,
        slug: &str,
        (channel, system): (&str, System),
        source: &str,
    ) -> Outcome<Option<Update>, DownloadRefusal> {
        let opened = match self.releases_opened(code, slug, source).await? {
            Ok(opened) => opened,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let takes = |file: &File| system.takes(&file.platform);
        let Some((release, mut files)) = self.newest(&opened, channel, takes).await? else {
            return Ok(Ok(None));
        };
        if files.iter().any(|file| file.sha512.is_empty()) {
            for file in files.iter_mut().filter(|file| file.sha512.is_empty()) {
                *file = self.with_sha512(&release, file.clone()).await?;
            }
            self.released_anew(release.id).await?;
        }
        Ok(Ok(Some(Update { release, files, license: opened.license })))
    }

    /// A link to a file of an update, which needs no code.
    pub fn update_ticket(&self, update: &Update, file: &File) -> Ticket {
        self.ticket_for(&update.license, file.id)
    }

    /// The files of the release that a license was sold with; of the newest that it opens where it was sold before there
    /// was one.
    pub async fn files_of(&self, license: &License) -> Result<Vec<File>, Fault> {
        if let Some(release) = license.release {
            return Ok(self.released(release).await?.files.clone());
        }
        let opened = self.opened_by(license.clone()).await?;
        Ok(self.newest(&opened, STABLE, |_| true).await?.map_or_else(Vec::new, |(_, files)| files))
    }

    /// The releases that a license opens, the newest first, at most [`MOST_RELEASES`]; none when it is not in force.
    pub async fn releases_of_license(&self, license: &License) -> Result<Vec<Opening>, Fault> {
        if self.state_of(license) != Reason::Valid {
            return Ok(Vec::new());
        }
        let opened = self.opened_by(license.clone()).await?;
        let newest = self.newest(&opened, STABLE, |_| true).await?.map(|(release, _)| release.id);
        let mut releases: Vec<&Release> =
            opened.releases.iter().filter(|release| opened.opens(release)).collect();
        // Versions of two kinds have no order among them: only the first place goes by them.
        releases.sort_by_key(|release| {
            let first = newest == Some(release.id);
            std::cmp::Reverse((first, release.published_at, release.id))
        });
        let mut openings = Vec::new();
        for release in releases.into_iter().take(MOST_RELEASES) {
            let files = self.released(release.id).await?.files.clone();
            let sold = license.release == Some(release.id);
            openings.push(Opening { release: release.clone(), files, sold });
        }
        Ok(openings)
    }

    async fn releases_opened(
        &self,
        code: &str,
        slug: &str,
        source: &str,
    ) -> Outcome<Opened, DownloadRefusal> {
        let refused = |reason| Ok(Err(DownloadRefusal::CodeRefused(Some(reason))));
        let license = match self.redeem(code, source).await? {
            Ok(license) => license,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let product = self.store.product(license.product).await?;
        if product.is_none_or(|product| product.slug != slug) {
            return refused(Reason::WrongProduct);
        }
        match self.state_of(&license) {
            Reason::Valid => Ok(Ok(self.opened_by(license).await?)),
            reason => refused(reason),
        }
    }

    async fn opened_by(&self, license: License) -> Result<Opened, Fault> {
        let releases = self.store.releases_of(license.product).await?;
        let now = self.now();
        let is_published = |release: &Release| release.published_at.is_some_and(|at| at <= now);
        let releases = releases.into_iter().filter(is_published).collect();
        Ok(Opened { license, releases })
    }

    /// The newest release in `channel` or `stable` that is opened and has files that are `wanted`, with those.
    async fn newest(
        &self,
        opened: &Opened,
        channel: &str,
        wanted: impl Fn(&File) -> bool,
    ) -> Result<Option<(Release, Vec<File>)>, Fault> {
        let is_looked_in =
            |release: &&Release| release.channel == channel || release.channel == STABLE;
        let mut candidates: Vec<&Release> =
            opened.releases.iter().filter(|release| opened.opens(release)).collect();
        candidates.retain(is_looked_in);
        // By time first: where versions say nothing, that is their order.
        candidates.sort_by_key(|release| (release.published_at, release.id));
        let mut newest: Option<(Release, Vec<File>)> = None;
        for release in candidates {
            if newest.as_ref().is_some_and(|(newest, _)| newest.is_newer(release)) {
                continue;
            }
            let files = self.released(release.id).await?.files.clone();
            let files: Vec<File> = files.into_iter().filter(&wanted).collect();
            if !files.is_empty() {
                newest = Some((release.clone(), files));
            }
        }
        Ok(newest)
    }

    /// A file with its second digest, which is reckoned and kept when it is first asked for.
    async fn with_sha512(&self, release: &Release, file: File) -> Result<File, Fault> {
        // One at a time: a large object is read once, however many ask for it.
        let _turn = self.digesting.lock().await;
        if let Some(known) = self.store.file(file.id).await?
            && !known.sha512.is_empty()
        {
            return Ok(known);
        }
        let corrupt =
            || Fault::Corrupt { table: "files", column: "sha256".into(), row: file.id.to_string() };
        let sha256: Digest = file.sha256.parse().map_err(|_| corrupt())?;
        let missing = || Fault::Objects(format!("the object of {} is missing", file.id));
        let sha512 = self.objects.sha512(sha256).await?.ok_or_else(missing)?;
        let keep = Keep { product: release.product, release: release.id, file: file.id, sha512 };
        let Ok(()) = self.submit(keep.clone()).await?;
        Ok(File { sha512: keep.sha512, ..file })
    }
}

/// A license in force, and the published releases of its product.
struct Opened {
    license: License,
    releases: Vec<Release>,
}

impl Opened {
    fn opens(&self, release: &Release) -> bool {
        let sold = self.releases.iter().find(|sold| self.license.release == Some(sold.id));
        entitles(&self.license, sold, release)
    }

    /// Whether `release` is newer than the version that is `there`. One that is no version of ours, and none of semantic
    /// versioning, is taken for older than any that is called otherwise.
    fn is_newer(&self, release: &Release, there: Option<&str>) -> bool {
        let Some(there) = there else { return true };
        if let Some(order) = catalog::order(&release.version, there) {
            return order == Ordering::Greater;
        }
        match self.releases.iter().find(|known| known.version == there) {
            Some(known) => release.is_newer(known),
            None => release.version != there,
        }
    }
}

/// Keeps the second digest of a file.
#[derive(Clone)]
struct Keep {
    product: Id<Product>,
    release: Id<Release>,
    file: Id<File>,
    sha512: String,
}

impl Command for Keep {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.products.guard((self.product,));
        wants.files.read((self.release,));
    }

    fn decide(
        &self,
        books: &Books,
        _: scrip_domain::Timestamp,
    ) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let files = books.files.all(&(self.release,))?;
        if let Some(file) = files.iter().find(|file| file.id == self.file && file.sha512.is_empty())
        {
            let file = File { sha512: self.sha512.clone(), ..file.clone() };
            changes.files.push(Change::Update(file));
        }
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_manifest_says_channel_and_system() {
        let linux = System::Linux;
        for (name, channel, system) in [
            ("latest.yml", "stable", System::Windows),
            ("latest-mac.yml", "stable", System::Mac),
            ("latest-linux.yml", "stable", linux(Architecture::X64)),
            ("latest-linux-arm64.yml", "stable", linux(Architecture::Arm64)),
            ("beta.yml", "beta", System::Windows),
            ("beta-linux-armv7l.yml", "beta", linux(Architecture::Arm)),
            ("early-access-mac.yml", "early-access", System::Mac),
        ] {
            assert_eq!(System::of_manifest(name), Some((channel, system)), "{name}");
        }
        assert_eq!(System::of_manifest(&format!("{}.yml", "a".repeat(21))), None);
        for name in ["latest", "latest.json", ".yml", "-mac.yml", "a_b.yml", "latest-linux-z80.yml"]
        {
            assert_eq!(System::of_manifest(name), None, "{name}");
        }
    }

    #[test]
    fn a_system_takes_what_vendors_call_by_its_names() {
        let linux = System::Linux;
        for (platform, system) in [
            ("windows", System::Windows),
            ("Win32-x64", System::Windows),
            ("macos", System::Mac),
            ("darwin-arm64", System::Mac),
            ("linux", linux(Architecture::X64)),
            ("linux-x86_64", linux(Architecture::X64)),
            ("linux-aarch64", linux(Architecture::Arm64)),
            ("linux-armv7l", linux(Architecture::Arm)),
        ] {
            assert!(system.takes(platform), "{platform}");
        }
        assert!(!linux(Architecture::X64).takes("linux-arm64"));
        assert!(!System::Windows.takes("darwin"));
        assert!(!System::Windows.takes(""), "a manual is no installer");
    }
}
