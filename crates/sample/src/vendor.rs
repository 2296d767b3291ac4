//! Whose program this is: the vendor puts it into the finished program, before it is sold.
//!
//! A vendor who builds programs has the key set in the source, as `include_str!`. The demo's shop makes its key when it
//! starts, long after this program was built; so there is a place in it that is filled in then, as installers are stamped.
//! A copy that was not stamped reads the same from `tallow.vendor` beside it.

use std::path::{Path, PathBuf};

use scrip_license::KeySet;
use serde::Deserialize;

/// By these bytes the place is found.
const MARK: &[u8; 24] = b"tallow is a program of: ";
/// As long as a few keys.
const LENGTH: usize = 2048;

#[used]
static PLACE: [u8; LENGTH] = place();

const fn place() -> [u8; LENGTH] {
    let mut place = [b' '; LENGTH];
    let mut at = 0;
    while at < MARK.len() {
        place[at] = MARK[at];
        at += 1;
    }
    place
}

/// The vendor, the product, and the keys that signed for it on the day when this copy was made.
#[derive(Debug, Deserialize)]
pub struct Vendor {
    /// The vendor's id, as in its codes.
    pub issuer: String,
    /// The address of the shop, for people.
    pub shop: String,
    /// `prd_...`.
    pub product: String,
    /// Later keys are found from these, along the chain.
    pub keys: KeySet,
}

impl Vendor {
    /// What was put in, or else lies beside the program; `None` in a copy that no vendor has made.
    pub fn of_this_copy(program: &Path) -> Option<Self> {
        // The compiler believes that the place stays as it wrote it.
        let place = std::hint::black_box(&PLACE).get(MARK.len()..)?;
        if place.iter().any(|byte| *byte != b' ') {
            return serde_json::from_slice(place).ok();
        }
        serde_json::from_slice(&std::fs::read(program.with_file_name("tallow.vendor")).ok()?).ok()
    }

    /// Where the license is, if nobody says: `tallow.license` beside the program, or what `scrip get` has put there.
    pub fn beside(&self, program: &Path) -> PathBuf {
        let own = program.with_file_name("tallow.license");
        let got = program.with_file_name(format!("{}.license", self.product));
        if got.exists() && !own.exists() { got } else { own }
    }
}
