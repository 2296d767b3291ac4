//! Checks a license code from a file with the key set from another, offline:
//!
//! ```text
//! cargo run -p scrip-license --example verify -- jwks.json code.txt [product]
//! ```
//!
//! Prints the verdict; exits with 0 if the code is good, 1 if it is not, 2 if it could not be checked.

use std::error::Error;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use scrip_license::{Expect, KeySet, Verdict, check};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let verdict = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [keys, code] => verify(keys, code, None),
        [keys, code, product] => verify(keys, code, Some(product)),
        _ => Err("usage: verify JWKS_FILE CODE_FILE [PRODUCT]".into()),
    };
    match verdict {
        Ok(verdict) => {
            print(&verdict);
            if verdict.is_valid() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// The whole of an offline check. A sold program ships the key set, names its issuer as well, and fails
/// closed: what cannot be read is no license.
#[expect(clippy::disallowed_methods, reason = "an example stands for the integrator's program")]
fn verify(keys: &str, code: &str, product: Option<&str>) -> Result<Verdict, Box<dyn Error>> {
    let keys: KeySet = fs::read_to_string(keys)?.parse()?;
    let code = fs::read_to_string(code)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(check(&code, &keys, &Expect { product, ..Expect::default() }, now))
}

fn print(verdict: &Verdict) {
    println!("{}", verdict.reason);
    if let Some(claims) = &verdict.claims {
        println!("license {} of product {}", claims.license, claims.product);
        println!("issued by {}, terms {:?}", claims.issuer, claims.terms);
    }
}
