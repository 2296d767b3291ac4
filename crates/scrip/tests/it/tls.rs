//! TLS spoken by the server itself: by certificate files, renewed while it runs.

use std::io::Read;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};

use crate::shop::{Folder, Server, run, said, scrip};

/// Puts a new certificate for localhost in the folder, and its key.
fn issue(folder: &Folder) {
    let path = |name: &str| folder.path(name).to_str().unwrap().to_owned();
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]);
    openssl.args(["ec_paramgen_curve:P-256", "-days", "10", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.args(["-out", &path("chain.pem"), "-keyout", &path("tls.pem")]);
    let made = openssl.output().expect("openssl comes with PostgreSQL");
    assert!(made.status.success(), "{made:?}");
}

/// A shop with a certificate, and further options of its tables.
fn shop(options: &str) -> Folder {
    let folder = Folder::new();
    issue(&folder);
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let tls = "\n[tls]\ncertificate_file = \"chain.pem\"\nkey_file = \"tls.pem\"";
    let text = text.replace("\n[tls]", tls).replace("[limits]", &format!("[limits]\n{options}"));
    std::fs::write(folder.config(), text).unwrap();
    folder
}

fn address(server: &Server) -> String {
    server.url.strip_prefix("https://").expect("it listens over TLS").to_owned()
}

/// What a client that trusts this certificate alone got.
struct Got {
    text: String,
    version: ProtocolVersion,
    protocol: Vec<u8>,
}

fn trusted(folder: &Folder) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(folder.path("chain.pem")).unwrap()
}

/// Asks for `path`, by a client that speaks these versions of TLS and trusts this certificate alone.
fn get(
    server: &Server,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    path: &str,
) -> std::io::Result<Got> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address(server)).await?;
        let mut stream =
            connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut text = String::new();
        // To its end as TLS has it: an answer that is cut off would be an error.
        stream.read_to_string(&mut text).await?;
        let (_, session) = stream.get_ref();
        let protocol = session.alpn_protocol().unwrap_or_default().to_vec();
        Ok(Got { text, version: session.protocol_version().unwrap(), protocol })
    })
}

#[test]
fn a_shop_with_a_certificate_speaks_tls_and_nothing_else() {
    let folder = shop("");
    let (text, code) = said(&run(&["config", "check", "--config", &folder.config()]));
    assert_eq!((code, text.contains("over TLS, with a certificate until")), (0, true), "{text}");
    let server = folder.serve();
    for (version, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let got = get(&server, &trusted(&folder), &[version], "/openapi.json").unwrap();
        assert_eq!((got.version, got.protocol.as_slice()), (expected, &b"http/1.1"[..]));
        assert!(got.text.starts_with("HTTP/1.1 200"), "{}", got.text);
        let (_, body) = got.text.split_once("\r\n\r\n").unwrap();
        let document: serde_json::Value = serde_json::from_str(body).expect("all of it");
        assert_eq!(document["openapi"], "3.1.0");
    }
    let mut plain = TcpStream::connect(address(&server)).unwrap();
    std::io::Write::write_all(&mut plain, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Closed, perhaps by a reset.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "nothing goes in the clear");

    // The command line, by the name that the certificate is for.
    let url = server.url.replace("127.0.0.1", "localhost");
    let accounts =
        ["admin", "accounts", "list", "--server", &url, "--admin-key", &folder.admin_key];
    let (text, code) = said(&run(&accounts));
    assert_ne!(code, 0, "nobody vouches for it: {text}");
    let mut trusting = scrip(&accounts);
    let (text, code) =
        said(&trusting.env("SSL_CERT_FILE", folder.path("chain.pem")).output().unwrap());
    assert_eq!(code, 0, "{text}");
    let metrics = get(&server, &trusted(&folder), &[&version::TLS13], "/metrics").unwrap();
    assert!(metrics.text.starts_with("HTTP/1.1 401"), "{}", metrics.text);
}

/// Who connects and says nothing takes a place, holds up nobody who asks where there is another, and is let go in time.
#[test]
fn a_silent_handshake_holds_up_nobody() {
    let folder = shop("connections = 2\nheader_seconds = 1");
    let server = folder.serve();
    let silent = || TcpStream::connect(address(&server)).unwrap();
    let mut first = silent();
    let ready = || get(&server, &trusted(&folder), &[&version::TLS13], "/readyz").unwrap().text;
    assert!(ready().starts_with("HTTP/1.1 200"));
    let second = silent();
    // Now there is no place, until one of the two is let go.
    assert!(ready().starts_with("HTTP/1.1 200"));
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "it was closed");
    drop(second);
}

#[test]
fn a_stop_does_not_wait_for_a_handshake() {
    let folder = shop("header_seconds = 3600");
    let server = folder.serve();
    let mut silent = TcpStream::connect(address(&server)).unwrap();
    // The next connection is accepted after it.
    get(&server, &trusted(&folder), &[&version::TLS13], "/healthz").unwrap();
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!((code, log.contains("were cut")), (0, false), "{log}");
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn a_renewed_certificate_is_taken_without_a_restart() {
    let folder = shop("");
    let server = folder.serve();
    let ask = |trusted| get(&server, trusted, &[&version::TLS13], "/healthz").map(|got| got.text);
    let old = trusted(&folder);
    assert!(ask(&old).is_ok());
    let kept = std::fs::read(folder.path("chain.pem")).unwrap();
    issue(&folder);
    let new = trusted(&folder);
    let renewed = std::fs::read(folder.path("chain.pem")).unwrap();
    std::fs::write(folder.path("chain.pem"), kept).unwrap();
    server.signal(Signal::HUP);
    server.logs("the certificate stays as it was");
    server.logs("does not belong to the certificate");
    assert!(ask(&old).is_ok(), "a pair that does not fit changes nothing");
    std::fs::write(folder.path("chain.pem"), renewed).unwrap();
    server.signal(Signal::HUP);
    server.logs("the certificate was read again");
    assert!(ask(&new).is_ok());
    assert!(ask(&old).is_err(), "the old one is gone");
}

#[test]
fn a_pair_that_does_not_fit_keeps_the_server_from_starting() {
    let folder = shop("");
    let key = std::fs::read(folder.path("tls.pem")).unwrap();
    issue(&folder);
    std::fs::write(folder.path("tls.pem"), key).unwrap();
    for command in [&["config", "check"][..], &["serve"]] {
        let (text, code) = said(&run(&[command, &["--config", &folder.config()]].concat()));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("does not belong to the certificate in"), "{text}");
    }
}
