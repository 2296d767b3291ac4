use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use scrip_domain::Span;
use tempfile::TempDir;

use super::*;

/// Makes a certificate for localhost that is good for ten days, and its key.
fn issue(files: &TlsFiles) {
    let (certificate, key) = (files.certificate.to_str().unwrap(), files.key.to_str().unwrap());
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]);
    openssl.args(["ec_paramgen_curve:P-256", "-days", "10", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key]);
    let made = openssl.output().expect("openssl comes with PostgreSQL");
    assert!(made.status.success(), "{made:?}");
}

fn pair() -> (TempDir, TlsFiles) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let files = TlsFiles { certificate: path("chain.pem"), key: path("key.pem") };
    issue(&files);
    (folder, files)
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn refusal(files: &TlsFiles, now: Timestamp) -> String {
    Certificate::open(files.clone(), now).unwrap_err().to_string()
}

#[test]
fn a_certificate_tells_until_when_and_for_whom_it_is_good() {
    let (_folder, files) = pair();
    let certificate = Certificate::open(files.clone(), now()).unwrap();
    let ends = certificate.ends();
    assert!(now().plus(Span::days(9)) < ends && ends < now().plus(Span::days(11)), "{ends}");
    for (url, good) in [
        (None, true),
        (Some("https://localhost:8443"), true),
        (Some("https://shop.example"), false),
        (Some("https://127.0.0.1"), false),
    ] {
        let warning = certificate.warning(url);
        assert_eq!(warning.is_none(), good, "{url:?}: {warning:?}");
    }
    let late = refusal(&files, now().plus(Span::days(11)));
    assert!(late.contains("has ended at") && late.contains("chain.pem"), "{late}");
    let early = refusal(&files, Timestamp::from_millis(0));
    assert!(early.contains("is not good before"), "{early}");
}

#[test]
fn what_is_wrong_with_the_files_is_told() {
    let (folder, files) = pair();
    let told = |files: &TlsFiles, expected: &str| {
        let refusal = refusal(files, now());
        assert!(refusal.contains(expected), "{expected}: {refusal}");
        assert!(refusal.lines().count() > 1, "what to do is missing: {refusal}");
    };
    let other = TlsFiles { key: folder.path().join("other.pem"), ..files.clone() };
    told(&other, "cannot read the key");
    issue(&TlsFiles { certificate: folder.path().join("unused.pem"), ..other.clone() });
    told(&other, "does not belong to the certificate");
    let swapped = TlsFiles { certificate: files.key.clone(), key: files.key.clone() };
    told(&swapped, "there is no certificate in");
    fs::set_permissions(&files.certificate, fs::Permissions::from_mode(0o600)).unwrap();
    told(&TlsFiles { key: files.certificate.clone(), ..files.clone() }, "there is no key in");
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
    told(&files, "is open to every user");
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(&files.key).unwrap();
    fs::write(&files.key, text.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")).unwrap();
    told(&files, "has a passphrase");
    fs::remove_file(&files.certificate).unwrap();
    told(&files, "cannot read the certificate");
}

#[test]
fn changed_files_are_taken_and_broken_ones_are_not() {
    let (_folder, files) = pair();
    let certificate = Certificate::open(files.clone(), now()).unwrap();
    let in_use = || certificate.held.lock().unwrap().key.clone();
    let first = in_use();
    certificate.look(false, now());
    assert!(Arc::ptr_eq(&first, &in_use()), "nothing has changed");
    let old = fs::read(&files.certificate).unwrap();
    issue(&files);
    let new = fs::read(&files.certificate).unwrap();
    // Whoever renews them writes one after the other.
    fs::write(&files.certificate, &old).unwrap();
    certificate.look(false, now());
    assert!(Arc::ptr_eq(&first, &in_use()), "the new key is not of the old certificate");
    fs::write(&files.certificate, &new).unwrap();
    certificate.look(false, now());
    let second = in_use();
    assert_ne!(first.cert, second.cert);
    fs::write(&files.certificate, "half a").unwrap();
    certificate.look(true, now());
    assert!(Arc::ptr_eq(&second, &in_use()));
}
