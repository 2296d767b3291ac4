//! `scrip get`: the files that a code opens.
//!
//! ```text
//! name.9f86d081884c.part ──bytes──▶ (cut, killed, disk full: it stays, and the next call goes on) ──whole?──▶ name
//! ```
//! What has its name is whole: the digest is compared before. A part is called after the digest, too, so that bytes of
//! two versions never meet.

mod fetch;
mod license;
mod meter;

use std::path::{Path, PathBuf};

use clap::Args;
use scrip_client::{Client, Validation};
use scrip_domain::catalog::plausible_file_name;
use scrip_license::Digest;
use serde::Deserialize;
use serde_json::json;

use self::fetch::{Fetched, Way};
use self::meter::Meter;
use super::one_thread;
use super::remote::{client, print};
use crate::failure::{Failure, Outcome};

/// The code is refused.
const REFUSED: u8 = 3;
/// The server cannot be reached, or went away and did not come back.
const AWAY: u8 = 4;
/// What the server sends is not what it must be.
const WRONG: u8 = 5;
/// The disk is full, or what is there must not be written over.
const DISK: u8 = 6;

/// Which code, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip get 06BQ3-V8K2M-9ZC7X-4GQ2H-TN5W0 --server https://shop.example --out downloads/
  scrip get - --server https://shop.example < code.txt

What breaks off goes on where it was, by the same command; what is whole is verified against its SHA-256 before it gets its
name. Nothing is written over. With a code in its long form (JWS), it is kept beside the files for the program that wants it:
<product>.license.

Exit code 0 when all is there and whole; 1 when something else failed; 2 when the command cannot work; 3 when the code is
refused; 4 when the server cannot be reached; 5 when what it sends is not what it must be; 6 when the disk is full, or another
file of that name is there.")]
pub struct GetArgs {
    /// The code, in either form; `-` reads it from standard input
    code: String,
    /// The vendor's server
    #[arg(long, value_name = "URL", env = "SCRIP_SERVER")]
    server: Option<String>,
    /// The folder to put the files in; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Only the file of this name; may be given several times
    #[arg(long = "file", value_name = "NAME")]
    files: Vec<String>,
    /// Say nothing on the way
    #[arg(long)]
    quiet: bool,
    /// A JSON object instead of sentences
    #[arg(long)]
    json: bool,
}

/// What the server tells of a license.
#[derive(Debug, Deserialize)]
struct Brief {
    id: String,
    product: String,
    #[serde(default)]
    files: Vec<FileOut>,
}

#[derive(Debug, Deserialize)]
struct FileOut {
    id: String,
    name: String,
    size: u64,
    sha256: String,
}

/// A file that is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub id: String,
    pub name: String,
    pub size: u64,
    pub sha256: Digest,
}

impl GetArgs {
    pub fn run(&self) -> Outcome {
        let code = super::remote::given_or_stdin(&self.code)?;
        let code = code.trim();
        let server = self.server(code)?;
        one_thread(self.get(&client(&server)?, code))
    }

    /// The server that was named, or the one that a signed code names.
    fn server(&self, code: &str) -> Outcome<String> {
        if let Some(server) = self.server.clone().filter(|server| !server.is_empty()) {
            return Ok(server);
        }
        license::server_of(code).ok_or_else(|| {
            Failure::usage("which server this code is of, it does not say")
                .advise("Give the vendor's address with --server or SCRIP_SERVER.")
        })
    }

    async fn get(&self, server: &Client, code: &str) -> Outcome {
        let told = server.validate(code, None, None).await.map_err(|error| away(&error))?;
        let brief = brief_of(told)?;
        let wanted = self.wanted(&brief)?;
        std::fs::create_dir_all(&self.out).map_err(|error| {
            let folder = self.out.display();
            Failure::new(format!("cannot make the folder {folder}: {error}")).with_code(DISK)
        })?;
        let mut meter = Meter::new(self.quiet || self.json);
        let way = Way { server, code, out: &self.out };
        let mut fetched = Vec::with_capacity(wanted.len());
        for file in &wanted {
            fetched.push(way.fetch(file, &mut meter).await?);
        }
        drop(meter);
        let kept = license::keep(&way, &brief.id, &brief.product).await?;
        self.tell(&brief, &wanted, &fetched, kept.as_deref());
        Ok(())
    }

    /// The files that are wanted, their names looked at: what a server says is not believed.
    fn wanted(&self, brief: &Brief) -> Outcome<Vec<Wanted>> {
        let mut all = Vec::with_capacity(brief.files.len());
        for file in &brief.files {
            let FileOut { id, name, size, sha256 } = file;
            let is_plain = plausible_file_name(name) && !is_part(name);
            let is_new = !all.iter().any(|known: &Wanted| known.name.eq_ignore_ascii_case(name));
            let (true, Ok(sha256)) = (is_plain && is_new, sha256.parse()) else {
                let what = format!("the server names a file {name:?}, which cannot be saved");
                return Err(Failure::new(what).with_code(WRONG));
            };
            all.push(Wanted { id: id.clone(), name: name.clone(), size: *size, sha256 });
        }
        if let Some(absent) = self.files.iter().find(|name| !all.iter().any(|f| f.name == **name)) {
            let names: Vec<_> = all.iter().map(|file| file.name.as_str()).collect();
            let advice = format!("There is: {}", names.join(", "));
            return Err(Failure::usage(format!("the code opens no file {absent}")).advise(advice));
        }
        if all.is_empty() {
            let what = "the code is good, and there is nothing to download with it";
            return Err(Failure::new(what).advise("A service is not downloaded: ask its vendor."));
        }
        all.retain(|file| self.files.is_empty() || self.files.contains(&file.name));
        Ok(all)
    }

    fn tell(&self, brief: &Brief, wanted: &[Wanted], fetched: &[Fetched], kept: Option<&str>) {
        if self.json {
            let file = |(file, fetched): (&Wanted, &Fetched)| {
                json!({
                    "name": file.name, "path": self.out.join(&file.name), "size": file.size,
                    "sha256": file.sha256.to_string(), "was": fetched.as_str(),
                })
            };
            let files: Vec<_> = wanted.iter().zip(fetched).map(file).collect();
            print(&json!({
                "license": brief.id, "product": brief.product, "files": files, "license_file": kept,
            }));
            return;
        }
        for (file, fetched) in wanted.iter().zip(fetched) {
            let path = self.out.join(&file.name);
            print(&format!("{} {}, {} bytes", path.display(), fetched.sentence(), file.size));
        }
        if let Some(kept) = kept {
            print(&format!("{} keeps the code", self.out.join(kept).display()));
        }
    }
}

/// Whether this is what a file is called that is not whole.
fn is_part(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("part"))
}

/// What the server tells of a license that is good; the refusal of one that is not.
fn brief_of(told: Validation) -> Outcome<Brief> {
    // What is used up can be downloaded still.
    let used_up = matches!(told.code.as_str(), "USES_EXHAUSTED" | "PROCESSINGS_EXHAUSTED");
    if !told.valid && !used_up {
        let why = match told.code.as_str() {
            "UNKNOWN_CODE" | "BAD_SIGNATURE" => "this server knows no such code",
            "EXPIRED" => "the license has ended",
            "NOT_STARTED" => "the license has not begun yet",
            "SUPERSEDED" => "the code was replaced by a newer one",
            "REFUNDED" => "what was paid for it was given back",
            "REVOKED" => "the vendor has taken the license back",
            "SUSPENDED" => "the vendor has suspended the license",
            other => other,
        };
        let failure = Failure::new(format!("the code is refused: {why}")).with_code(REFUSED);
        return Err(match told.code.as_str() {
            "UNKNOWN_CODE" | "BAD_SIGNATURE" => {
                failure.advise("Is it typed as it was given, and is it of this vendor?")
            }
            _ => failure,
        });
    }
    serde_json::from_value(told.license).map_err(|_| {
        Failure::new("the server does not say what can be downloaded").with_code(WRONG)
    })
}

/// A call that brought no answer, or a refusal.
fn away(error: &scrip_client::Error) -> Failure {
    let code = match error {
        scrip_client::Error::Unreachable { .. } | scrip_client::Error::Lost(_) => AWAY,
        scrip_client::Error::Problem(problem) if problem.status == 403 => REFUSED,
        scrip_client::Error::Problem(problem) if problem.status >= 500 => AWAY,
        _ => 1,
    };
    let failure = Failure::of(error).with_code(code);
    match code {
        AWAY => failure.advise("What is there stays: the same command goes on from it."),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(files: &[&str]) -> GetArgs {
        GetArgs {
            code: String::new(),
            server: None,
            out: PathBuf::from("."),
            files: files.iter().map(|name| (*name).to_owned()).collect(),
            quiet: true,
            json: false,
        }
    }

    fn brief(names: &[&str]) -> Brief {
        let file = |name: &&str| FileOut {
            id: "fil_1".into(),
            name: (*name).to_owned(),
            size: 1,
            sha256: "00".repeat(32),
        };
        Brief {
            id: "lic_1".into(),
            product: "prd_1".into(),
            files: names.iter().map(file).collect(),
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for bad in ["../x", "/etc/passwd", "a/b", "..", "", "a\\b", ".profile", "x.part", "a\nb"] {
            let failure = args(&[]).wanted(&brief(&["good.zip", bad])).unwrap_err();
            assert!(failure.to_string().contains("cannot be saved"), "{bad}: {failure}");
        }
        assert!(args(&[]).wanted(&brief(&["Read.me", "read.me"])).is_err(), "one file for both");
        assert_eq!(args(&[]).wanted(&brief(&["a", "b"])).unwrap().len(), 2);
    }

    #[test]
    fn one_of_them_can_be_chosen() {
        assert_eq!(args(&["b"]).wanted(&brief(&["a", "b"])).unwrap()[0].name, "b");
        let failure = args(&["c"]).wanted(&brief(&["a", "b"])).unwrap_err().to_string();
        assert!(failure.contains("a, b"), "{failure}");
        let failure = args(&[]).wanted(&brief(&[])).unwrap_err().to_string();
        assert!(failure.contains("nothing to download"), "{failure}");
    }
}
