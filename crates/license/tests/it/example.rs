//! The example that is there to be copied.

use std::fs;

use scrip_license::{Claims, Lease, LicenseFile, Reason, Terms, machine};

use crate::{ISSUER, PRODUCT, key, keys, lease, rental, uses};

#[path = "../../examples/guard.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs the example")]
mod guard;

/// What the example says to this license, in a time that lies between 1970 and the end of papers that hardly end.
fn guarded(code: &Claims, lease: Option<&Lease>) -> Reason {
    let dir = tempfile::tempdir().unwrap();
    let (set, path) = (dir.path().join("jwks.json"), dir.path().join("program.license"));
    fs::write(&set, serde_json::to_string(&keys()).unwrap()).unwrap();
    let code = Claims { issued_at: 0, not_before: 0, expires_at: None, ..code.clone() };
    let here = machine(fs::read_to_string("/etc/machine-id").unwrap_or_default().trim());
    let lease = lease.map(|lease| {
        let lease =
            Lease { machine: here, issued_at: 0, expires_at: 253_402_300_799, ..lease.clone() };
        lease.sign(&key()).unwrap()
    });
    let file = LicenseFile { lease, ..LicenseFile::of_code(code.sign(&key()).unwrap()) };
    file.save(&path).unwrap();
    guard::guard(ISSUER, PRODUCT, set.to_str().unwrap(), &path).unwrap()
}

#[test]
fn the_example_counts_what_the_code_counts() {
    let perpetual = Claims { terms: Terms::Perpetual, ..rental() };
    assert_eq!(guarded(&perpetual, None), Reason::Valid);
    assert_eq!(guarded(&uses(), None), Reason::NotActivated);
    // An activation is answered with a lease without units: it opens nothing that is counted.
    let leave = Lease { units: None, unit: None, ..lease() };
    assert_eq!(guarded(&uses(), Some(&leave)), Reason::NotActivated);
    // One with units that was signed long ago is not begun to be counted.
    assert_eq!(guarded(&uses(), Some(&lease())), Reason::LeaseExpired);
}
