//! `scrip verify`: is a code genuine and good, told without asking the vendor's database.

use std::path::PathBuf;

use clap::Args;
use http::Method;
use scrip_client::Body;
use scrip_domain::Clock;
use scrip_license::{Expect, KeySet, Verdict, check};
use serde_json::json;

use super::one_thread;
use super::remote::{client, given_or_stdin, print};
use crate::clock::SystemClock;
use crate::failure::{Failure, Outcome};

/// Where the keys are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Keys {
    /// The vendor's key set, as its server gives it at /.well-known/jwks.json
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The vendor's server, to take the key set from
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

/// Which code, and by which keys.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  curl -s https://shop.example/.well-known/jwks.json > shop-keys.json
  scrip verify eyJhbGciOi... --jwks shop-keys.json

Exit code 0 when the code is good, 1 when it is not, 2 when it could not be looked at. Whether the license
was revoked, or its uses are used up, only the server knows.")]
pub struct VerifyArgs {
    /// The code in its long form (JWS); `-` reads it from standard input
    code: String,
    #[command(flatten)]
    keys: Keys,
    /// The code must be for this product
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// The code must be of this vendor
    #[arg(long, value_name = "ID")]
    issuer: Option<String>,
    /// A JSON object instead of sentences
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    pub fn run(&self) -> Outcome<bool> {
        let code = self.code()?;
        let keys: KeySet = self
            .key_set()?
            .parse()
            .map_err(|error| Failure::usage(format!("the key set cannot be read: {error}")))?;
        let expect = Expect { issuer: self.issuer.as_deref(), product: self.product.as_deref() };
        let now = SystemClock.now().unix_seconds();
        let verdict = check(&code, &keys, &expect, now);
        self.tell(&verdict);
        Ok(verdict.is_valid())
    }

    fn code(&self) -> Outcome<String> {
        let code = given_or_stdin(&self.code)?;
        if !code.contains('.') {
            return Err(Failure::usage("this is not the long form of a code (JWS)").advise(
                "The short form proves nothing by itself: ask the server, POST /v1/licenses/validate.",
            ));
        }
        Ok(code)
    }

    fn key_set(&self) -> Outcome<String> {
        if let Some(path) = &self.keys.jwks {
            return std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("cannot read the key set {}: {error}", path.display()))
            });
        }
        let server = client(self.keys.server.as_deref().unwrap_or_default())?;
        one_thread(async {
            let path = "/.well-known/jwks.json";
            let answer = server.request(Method::GET, path, &[], Body::empty()).await;
            let keys: serde_json::Value = answer
                .and_then(|answer| answer.json())
                .map_err(|error| Failure::from(error).with_code(2))?;
            Ok(keys.to_string())
        })
    }

    fn tell(&self, verdict: &Verdict) {
        let reason = json!(verdict.reason);
        if self.json {
            print(&json!({
                "valid": verdict.is_valid(),
                "code": reason,
                "claims": verdict.claims,
            }));
            return;
        }
        print(reason.as_str().unwrap_or_default());
        if let Some(claims) = &verdict.claims {
            print(&format!("license {}", claims.license));
            print(&format!("product {}", claims.product));
            print(&format!("vendor  {}", claims.issuer));
        }
    }
}
