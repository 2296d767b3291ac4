//! The goods of the demo, as a catalogue folder that can be applied.
//!
//! Nearly everything is carried inside the binary (see `build.rs`), so that it can be written
//! anywhere. One file would be too large for that and is made here: noise, from a seed, so that it
//! is the same 212 MB on every machine.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::catalog::FILE;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/goods.rs"));
}

/// Where the sample program lies in the folder.
const PROGRAM: &str = "files/tallow/tallow";
/// Where the noise lies in the folder.
const NOISE: &str = "files/noise/white-noise.wav";
/// Stands in `catalog.toml` for the platform that the program was built for.
const PLATFORM: &str = "@PLATFORM@";

/// Samples per second and channel.
const RATE: u32 = 44_100;
/// Twenty minutes of two channels of two bytes.
const NOISE_BYTES: u32 = 20 * 60 * RATE * 4;
/// How much noise is in memory at a time.
const BLOCK: usize = 64 * 1024;
/// What the noise is made from. Another seed would be another file.
const SEED: u64 = 2_027;

/// How much of the goods a server of the demo sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// All of them.
    Whole,
    /// What is for the ear, without the large file.
    Sounds,
    /// The second vendor's own.
    Belle,
}

/// The bytes by which the sample program's place for its vendor is found.
const MARK: &[u8] = b"tallow is a program of: ";
/// How long that place is, with those bytes.
const PLACE: usize = 2048;

/// The product on the shelf of sounds.
const SOUNDS: &str = "six-strokes";

/// Whether the goods are there. Then they stay as they are: what was published from them once has fixed digests.
pub fn are_prepared(into: &Path) -> bool {
    into.join(FILE).exists()
}

/// Writes the goods as a catalogue folder at `into`, priced in `token`, unless they are there. `vendor` is what the sample
/// program is told of whose it is, in JSON; without that it refuses to run unless it finds that beside it.
pub fn prepare(into: &Path, shelf: Shelf, token: &str, vendor: Option<&str>) -> io::Result<()> {
    if are_prepared(into) {
        return Ok(());
    }
    let files = if shelf == Shelf::Belle { embedded::BELLE } else { embedded::FILES };
    let (catalog, others): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| *path == FILE);
    for (path, bytes) in others {
        create(into, path)?.write_all(bytes)?;
    }
    if shelf != Shelf::Belle {
        program(into, vendor.unwrap_or_default())?;
    }
    if shelf == Shelf::Whole {
        let mut file = BufWriter::with_capacity(1 << 20, create(into, NOISE)?);
        noise(&mut file, NOISE_BYTES)?;
        file.flush()?;
    }
    // Last, because it says that the folder is whole.
    for (path, bytes) in catalog {
        let text = String::from_utf8_lossy(bytes).replace(PLATFORM, embedded::PLATFORM);
        let text = shelved(&text, shelf, token).map_err(io::Error::other)?;
        create(into, path)?.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// The catalogue with what is on the shelf.
fn shelved(text: &str, shelf: Shelf, token: &str) -> Result<String, toml::de::Error> {
    if shelf != Shelf::Sounds {
        return Ok(text.to_owned());
    }
    let mut catalog: toml::Table = text.parse()?;
    catalog.insert("token".to_owned(), token.into());
    if let Some(toml::Value::Array(products)) = catalog.get_mut("products") {
        products.retain(|product| product["slug"].as_str() == Some(SOUNDS));
    }
    Ok(catalog.to_string())
}

fn create(into: &Path, path: &str) -> io::Result<File> {
    let whole = into.join(path);
    fs::create_dir_all(whole.parent().unwrap_or(into))?;
    File::create(whole)
}

fn program(into: &Path, vendor: &str) -> io::Result<()> {
    let mut file = create(into, PROGRAM)?;
    file.write_all(&stamped(embedded::PROGRAM, vendor)?)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The program with what it is told in its place.
fn stamped(program: &[u8], vendor: &str) -> io::Result<Vec<u8>> {
    let mut places = program.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK);
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        return Err(io::Error::other("the sample program has no place for its vendor"));
    };
    if vendor.len() > PLACE - MARK.len() {
        return Err(io::Error::other("the vendor has too many keys for the sample program"));
    }
    let mut program = program.to_vec();
    let start = at + MARK.len();
    program[start..start + vendor.len()].copy_from_slice(vendor.as_bytes());
    Ok(program)
}

/// A WAV file with so many bytes of white noise, at a quarter of full level to spare ears.
fn noise(out: &mut impl Write, bytes: u32) -> io::Result<()> {
    out.write_all(b"RIFF")?;
    out.write_all(&(36 + bytes).to_le_bytes())?;
    out.write_all(b"WAVEfmt \x10\0\0\0\x01\0\x02\0")?;
    out.write_all(&RATE.to_le_bytes())?;
    out.write_all(&(RATE * 4).to_le_bytes())?;
    out.write_all(b"\x04\0\x10\0data")?;
    out.write_all(&bytes.to_le_bytes())?;
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut block = vec![0; BLOCK];
    let mut left = bytes as usize;
    while left > 0 {
        let block = &mut block[..left.min(BLOCK)];
        chance.fill_bytes(block);
        for sample in block.as_chunks_mut().0 {
            *sample = (i16::from_le_bytes(*sample) >> 2).to_le_bytes();
        }
        out.write_all(block)?;
        left -= block.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use scrip_domain::catalog::ProductKind;
    use scrip_domain::language::Language;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::catalog::folder::{self, Token};

    const NOISE_SHA256: &str = "e0e38a58e0127cf34e7a0f96a0ecb9e015aa29903ca4d09fa8db9e175aa48d23";

    #[test]
    fn the_noise_is_the_same_everywhere() {
        struct Hash(Sha256, u64);
        impl Write for Hash {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.update(bytes);
                self.1 += bytes.len() as u64;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut hash = Hash(Sha256::new(), 0);
        noise(&mut hash, NOISE_BYTES).unwrap();
        assert_eq!(hash.1, 211_680_044);
        let digest: [u8; 32] = hash.0.finalize().into();
        assert_eq!(scrip_license::Digest(digest).to_string(), NOISE_SHA256);
    }

    #[test]
    fn the_goods_are_a_sound_folder_with_every_kind_of_offer() {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), Shelf::Whole, "AUR", None).unwrap();
        let token = Token { code: "AUR".into(), scale: 4 };
        let catalog = folder::read(dir.path(), &token).unwrap_or_else(|all| panic!("{all}"));
        let kinds = |kind| catalog.products.iter().filter(|one| one.fields.kind == kind).count();
        assert_eq!((kinds(ProductKind::Download), kinds(ProductKind::Service)), (7, 1));
        for product in &catalog.products {
            let german = product.fields.texts.of(Language::German);
            assert!(german.is_some(), "{} says nothing in German", product.fields.slug);
            let pictures = &product.fields.pictures;
            assert!(!pictures.is_empty(), "{} has no picture", product.fields.slug);
            for picture in pictures {
                let bytes = fs::read(&catalog.objects[&picture.object].path).unwrap();
                assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && !picture.alt.is_empty());
            }
        }
        let mut prices: Vec<u64> = catalog
            .products
            .iter()
            .flat_map(|one| &one.offers)
            .map(|offer| offer.fields.price.units())
            .collect();
        prices.sort_unstable();
        assert_eq!((prices.first(), prices.last()), (Some(&1), Some(&2_400_000)));
        let tallow = &catalog.product("tallow").unwrap().releases[0].fields.files[0];
        assert_eq!(tallow.platform, embedded::PLATFORM);
    }

    #[test]
    fn a_merchant_sells_a_part_of_them_for_another_token() {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), Shelf::Sounds, "MRD", None).unwrap();
        let token = Token { code: "MRD".into(), scale: 4 };
        let catalog = folder::read(dir.path(), &token).unwrap_or_else(|all| panic!("{all}"));
        let slugs: Vec<_> = catalog.products.iter().map(|one| one.fields.slug.as_str()).collect();
        assert_eq!(slugs, [SOUNDS]);
    }

    #[test]
    fn the_second_vendor_has_goods_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path(), Shelf::Belle, "BEL", None).unwrap();
        let token = Token { code: "BEL".into(), scale: 2 };
        let catalog = folder::read(dir.path(), &token).unwrap_or_else(|all| panic!("{all}"));
        let slugs: Vec<_> = catalog.products.iter().map(|one| one.fields.slug.as_str()).collect();
        assert_eq!(slugs, ["ships-bells", "fog-signals", "plain-bob-minor"]);
        assert!(!dir.path().join(PROGRAM).exists(), "nothing of the first vendor's");
        let rounds = "60,1,2,3,4,5,6\n";
        let rows = fs::read_to_string(dir.path().join("files/ringing/plain-bob-minor.csv"));
        assert!(rows.unwrap().ends_with(rounds), "the bells come round");
    }

    #[cfg(unix)]
    #[test]
    fn the_program_that_is_sold_runs_with_a_code_of_its_vendor() {
        use scrip_license::{Claims, Limits, SigningKey, Terms};

        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed([7; 32]);
        let keys: scrip_license::KeySet = [key.public().clone()].into_iter().collect();
        let vendor = serde_json::json!({ "issuer": "ven_1", "shop": "https://a.test", "product": "prd_1", "keys": keys });
        program(dir.path(), &vendor.to_string()).unwrap();
        let table = dir.path().join("table.csv");
        fs::write(&table, "name,height\na,4\nb,2\n").unwrap();
        let run = || {
            std::process::Command::new(dir.path().join(PROGRAM))
                .args(["--label", "1", "--column", "2", "--width", "4"])
                .arg(&table)
                .output()
                .unwrap()
        };
        let refused = run();
        assert!(!refused.status.success() && refused.stdout.is_empty());
        let code = Claims {
            issuer: "ven_1".into(),
            subject: "buyer".into(),
            id: "lic_1.1".into(),
            license: "lic_1".into(),
            issued_at: 0,
            not_before: 0,
            expires_at: None,
            order: "ord_1".into(),
            product: "prd_1".into(),
            offer: "ofr_1".into(),
            terms: Terms::Perpetual,
            limits: Limits::default(),
            manifest: None,
            activation: None,
        };
        let license = dir.path().join(PROGRAM).with_file_name("tallow.license");
        fs::write(license, code.sign(&key).unwrap()).unwrap();
        assert_eq!(String::from_utf8(run().stdout).unwrap(), "a  ████ 4\nb  ██ 2\n");
        assert!(stamped(embedded::PROGRAM, &"x".repeat(PLACE)).is_err());
    }
}
