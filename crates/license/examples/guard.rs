//! The whole of what a sold program does, in one file: may it run, and how many units are left?
//!
//! ```text
//! cargo run -p scrip-license --example guard -- VENDOR PRODUCT jwks.json program.license
//! ```
//!
//! `jwks.json` is what a real program has in its source (`include_str!`): the shop's `/.well-known/jwks.json` of the day
//! when it was built. Copy this file into your program and change what is marked `yours`.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use scrip_license::{
    ClockFile, Expect, KeySet, Lease, LicenseFile, Meter, MeterError, Offline, Policy, Reason,
    Revocations, Terms, machine,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [vendor, product, keys, license] = arguments.as_slice() else {
        eprintln!("usage: guard VENDOR PRODUCT JWKS_FILE LICENSE_FILE");
        return ExitCode::from(2);
    };
    match guard(vendor, product, keys, Path::new(license)) {
        Ok(Reason::Valid) => {
            println!("working");
            ExitCode::SUCCESS
        }
        Ok(reason) => {
            // Yours: a sentence for each reason, and the way out of it.
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Takes one unit if the license counts them. [`Reason::Valid`]: the work can be done.
pub fn guard(
    vendor: &str,
    product: &str,
    keys: &str,
    path: &Path,
) -> Result<Reason, Box<dyn Error>> {
    // Yours: what happens when a clock is wrong, a lease has ended, the shop cannot be reached.
    let policy = Policy { grace_seconds: 3 * 24 * 60 * 60, ..Policy::default() };
    // Yours: what tells this machine from others, and stays the same.
    let machine = machine(fs::read_to_string("/etc/machine-id").unwrap_or_default().trim());
    // Yours: a folder that only your program writes to.
    let state = path.with_extension("state");
    fs::create_dir_all(&state)?;

    // 1. What was carried here: code, lease, chain of keys, list of dead codes. None of it is believed unsigned.
    let file = LicenseFile::load(path)?;
    let shipped: KeySet = fs::read_to_string(keys)?.parse()?;
    let keys = file.keys_from(&shipped, vendor);
    let list = file.revocations.as_deref().and_then(|list| Revocations::read(list, &keys).ok());
    let lease = file.lease.as_deref();
    let offline = Offline {
        keys: &keys,
        expect: Expect { issuer: Some(vendor), product: Some(product) },
        machine,
        revocations: list.as_ref(),
        policy,
    };

    // 2. What time is it? Not earlier than it ever was.
    let mut clock = ClockFile::open(state.join("clock"), machine)?;
    if let Some(signed) = offline.signed_at(lease) {
        clock.told(signed, now()?)?;
    }
    let now = match clock.at(now()?, &policy)? {
        Ok(now) => now,
        Err(reason) => return Ok(reason),
    };

    // 3. May it run here, now?
    let permit = offline.check(&file.code, lease, now);
    if permit.grace {
        eprintln!("this license has run out, and will stop working soon");
    }
    let (Reason::Valid, Some(claims)) = (permit.reason, permit.claims) else {
        return Ok(permit.reason);
    };

    // 4. The code says whether units are counted; and they are, before the work is done. A lease that has none, such as
    //    an activation is answered with, gives none.
    let (Some(lease), Some(_)) = (permit.lease, claims.terms.count()) else {
        return Ok(Reason::Valid);
    };
    let counts_uses = matches!(claims.terms, Terms::Uses { .. });
    match take(&state, &lease, now, &policy) {
        Ok(left) => {
            println!("{left} left");
            Ok(Reason::Valid)
        }
        Err(error) => error.reason(counts_uses).ok_or_else(|| error.into()),
    }
}

fn take(state: &Path, lease: &Lease, now: u64, policy: &Policy) -> Result<u64, MeterError> {
    let meter = Meter::path_in(state, lease);
    Meter::open_or_begin(&meter, lease, now, policy.begin_within_seconds)?.take(1)
}

#[expect(clippy::disallowed_methods, reason = "an example stands for the integrator's program")]
fn now() -> Result<u64, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
