//! The code, kept beside the files for the program that wants it.

use std::fs;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use http::{Method, StatusCode};
use scrip_client::Body;
use scrip_domain::catalog::plausible_file_name;
use serde_json::{Value, json};

use super::fetch::Way;
use super::{DISK, away};
use crate::failure::{Failure, Outcome};
use crate::keep::rename_new;

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
    let whole = json!({ "code": way.code, "keys": keys(way).await? });
    write(way.out, &name, license, &whole)?;
    Ok(Some(name))
}

/// The chain of key sets, by which a program with an old key believes a new one. A server that has none gives none.
async fn keys(way: &Way<'_>) -> Outcome<Value> {
    let path = "/v1/keys/chain";
    let answer = way
        .server
        .request(Method::GET, path, &[], Body::empty())
        .await
        .map_err(|error| away(&error))?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(json!([]));
    }
    let chain: Value = answer.json().map_err(|error| away(&error))?;
    Ok(match chain.get("keys") {
        Some(keys) => keys.clone(),
        None => chain,
    })
}

fn write(out: &Path, name: &str, license: &str, whole: &Value) -> Outcome {
    let path = out.join(name);
    let cannot = |error: std::io::Error| {
        Failure::new(format!("cannot write {}: {error}", path.display())).with_code(DISK)
    };
    let draft = out.join(format!("{name}.part"));
    fs::write(&draft, format!("{whole:#}\n")).map_err(cannot)?;
    if path.symlink_metadata().is_err() {
        return rename_new(&draft, &path).map_err(cannot);
    }
    // An older code of the same license, or an older chain: what is known of it is renewed, and a lease stays.
    let there: Option<Value> =
        fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let code = there.as_ref().and_then(|there| there.get("code")?.as_str()).and_then(claims);
    if code.is_some_and(|claims| claims.get("lic").and_then(Value::as_str) == Some(license)) {
        let mut merged = there.unwrap_or_default();
        if let (Some(merged), Some(whole)) = (merged.as_object_mut(), whole.as_object()) {
            merged.extend(whole.clone());
        }
        fs::write(&draft, format!("{merged:#}\n")).map_err(cannot)?;
        return fs::rename(&draft, &path).map_err(cannot);
    }
    drop(fs::remove_file(&draft));
    Err(Failure::new(format!("{} is there already, and is of another license", path.display()))
        .advise("Nothing is written over: move it, or name another folder with --out.")
        .with_code(DISK))
}

#[cfg(test)]
mod tests {
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
        let whole = |license: &str, issue: u32| json!({"code": code(&json!({"lic": license, "jti": issue})), "keys": []});
        let there = || fs::read_to_string(folder.path().join("p.license")).unwrap();
        write(folder.path(), "p.license", "lic_1", &whole("lic_1", 1)).unwrap();
        let first = there();
        write(folder.path(), "p.license", "lic_1", &whole("lic_1", 2)).unwrap();
        let second = there();
        assert_ne!(second, first);
        let mut leased: Value = serde_json::from_str(&second).unwrap();
        leased["lease"] = "e30.e30.c2ln".into();
        fs::write(folder.path().join("p.license"), leased.to_string()).unwrap();
        write(folder.path(), "p.license", "lic_1", &whole("lic_1", 3)).unwrap();
        let third: Value = serde_json::from_str(&there()).unwrap();
        assert_eq!(
            (&third["code"], &third["lease"]),
            (&whole("lic_1", 3)["code"], &leased["lease"])
        );
        let second = there();
        let failure = write(folder.path(), "p.license", "lic_2", &whole("lic_2", 1)).unwrap_err();
        assert!(failure.to_string().contains("another license"), "{failure}");
        assert_eq!(there(), second);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays");
    }
}
