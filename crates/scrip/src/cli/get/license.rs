//! The code, kept beside the files for the program that wants it.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use http::{Method, StatusCode};
use scrip_client::Body;
use scrip_domain::catalog::plausible_file_name;
use scrip_license::LicenseFile;
use serde_json::Value;

use super::fetch::Way;
use super::{DISK, away};
use crate::failure::{Failure, Outcome};

/// What a signed code says. It is not verified here: the server has said that it is good.
fn claims(code: &str) -> Option<Value> {
    let claims = Base64UrlUnpadded::decode_vec(code.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// The server that a signed code names, where it does so by an address.
pub fn server_of(code: &str) -> Option<String> {
    let issuer = claims(code)?.get("iss")?.as_str()?.to_owned();
    (issuer.starts_with("https://") || issuer.starts_with("http://")).then_some(issuer)
}

/// Keeps a signed code as `<product>.license`, with the chain of the vendor's keys, and gives its name; a short code proves
/// nothing by itself, and is not kept.
pub async fn keep(way: &Way<'_>, license: &str, product: &str) -> Outcome<Option<String>> {
    let name = format!("{product}.license");
    if !way.code.contains('.') || !plausible_file_name(&name) {
        return Ok(None);
    }
    let keys = keys(way).await?;
    write(&way.out.join(&name), license, way.code, keys)?;
    Ok(Some(name))
}

/// What the server answers about the chain of its keys.
#[derive(serde::Deserialize)]
struct Chain {
    keys: Vec<String>,
}

/// The chain of keys, by which a program with an old key believes a new one. A server that has none gives none.
async fn keys(way: &Way<'_>) -> Outcome<Vec<String>> {
    let path = "/v1/keys/chain";
    let answer = way.server.request(Method::GET, path, &[], Body::empty()).await;
    let answer = answer.map_err(|error| away(&error))?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(Vec::new());
    }
    let chain: Chain = answer.json().map_err(|error| away(&error))?;
    Ok(chain.keys)
}

/// Writes a license file, or renews the code and the chain in one of the same license: a lease stays.
fn write(path: &Path, license: &str, code: &str, keys: Vec<String>) -> Outcome {
    let failure = |what: String| Failure::new(what).with_code(DISK);
    let is_same = |there: &LicenseFile| {
        let claims = claims(&there.code);
        claims.is_some_and(|claims| claims.get("lic").and_then(Value::as_str) == Some(license))
    };
    let kept = if path.symlink_metadata().is_ok() {
        LicenseFile::load(path).ok().filter(is_same).ok_or_else(|| {
            failure(format!("{} is there already, and is of another license", path.display()))
                .advise("Nothing is written over: move it, or name another folder with --out.")
        })?
    } else {
        LicenseFile::of_code(code)
    };
    let renewed = LicenseFile { code: code.to_owned(), keys, ..kept };
    let saved = renewed.save(path);
    saved.map_err(|error| failure(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn code(claims: &Value) -> String {
        format!("e30.{}.c2ln", Base64UrlUnpadded::encode_string(claims.to_string().as_bytes()))
    }

    #[test]
    fn a_code_names_its_server_only_by_an_address() {
        let named = code(&json!({"iss": "https://shop.example"}));
        assert_eq!(server_of(&named).as_deref(), Some("https://shop.example"));
        assert_eq!(server_of(&code(&json!({"iss": "vnd_1"}))), None);
        assert_eq!(server_of("06BQ3-V8K2M-9ZC7X-4GQ2H-TN5W0"), None);
    }

    #[test]
    fn only_a_code_of_the_same_license_is_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.license");
        let issue = |license: &str, issue: u32| code(&json!({"lic": license, "jti": issue}));
        let there = || LicenseFile::load(&path).unwrap();
        write(&path, "lic_1", &issue("lic_1", 1), Vec::new()).unwrap();
        assert_eq!(there(), LicenseFile::of_code(issue("lic_1", 1)));
        let lease = Some("e30.e30.c2ln".to_owned());
        LicenseFile { lease: lease.clone(), ..there() }.save(&path).unwrap();
        write(&path, "lic_1", &issue("lic_1", 2), vec!["e30.e30.a2V5".into()]).unwrap();
        let renewed = there();
        assert_eq!((&renewed.code, &renewed.lease), (&issue("lic_1", 2), &lease));
        assert_eq!(renewed.keys, ["e30.e30.a2V5"]);
        let failure = write(&path, "lic_2", &issue("lic_2", 1), Vec::new()).unwrap_err();
        assert!(failure.to_string().contains("another license"), "{failure}");
        assert_eq!(there(), renewed);
        // What people paste is a bare code, and a license file all the same.
        fs::write(&path, issue("lic_1", 2)).unwrap();
        write(&path, "lic_1", &issue("lic_1", 3), Vec::new()).unwrap();
        assert_eq!(there().code, issue("lic_1", 3));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays");
    }
}
