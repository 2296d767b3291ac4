//! TLS by a certificate and its key in two files, which are renewed while the server runs.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scrip_domain::{Clock, Timestamp};
use scrip_web::Watch;
use tokio::signal::unix::Signal;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{
    ClientHello, ParsedCertificate, ResolvesServerCert, ServerConfig,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{CertificateError, Error, InconsistentKeys, RootCertStore, client};

use crate::clock::SystemClock;
use crate::config::{Config, TlsFiles};
use crate::failure::{Failure, Outcome};
use crate::vault;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_mins(1);
/// In seconds since 1970; later than any certificate ends.
const YEAR_9999: u64 = 253_370_764_800;

/// The certificate in use, and the files that it came from.
pub struct Certificate {
    files: TlsFiles,
    held: Mutex<Held>,
}

/// What is in use, and what was last found in the files: that, or something that is of no use.
struct Held {
    key: Arc<CertifiedKey>,
    ends: Timestamp,
    seen: Result<Texts, String>,
}

/// What the files say.
#[derive(PartialEq, Eq)]
struct Texts {
    chain: Vec<u8>,
    key: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

/// The certificate that the configuration names; none where a proxy speaks TLS, or nobody. What is wrong with it is told.
pub fn open(config: &Config) -> Outcome<Option<Arc<Certificate>>> {
    let Some(files) = config.tls.clone() else { return Ok(None) };
    Ok(Some(Arc::new(Certificate::open(files, SystemClock.now())?)))
}

impl Certificate {
    fn open(files: TlsFiles, now: Timestamp) -> Outcome<Self> {
        let texts = Texts::read(&files)?;
        let (key, ends) = texts.certified(&files, now)?;
        let held = Held { key: Arc::new(key), ends, seen: Ok(texts) };
        Ok(Self { files, held: Mutex::new(held) })
    }

    /// When it ends.
    pub fn ends(&self) -> Timestamp {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// What agrees on TLS with it, whichever it is at that moment.
    pub fn acceptor(self: &Arc<Self>) -> Outcome<TlsAcceptor> {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::new(format!("TLS: {error}")))?;
        let resolver = Arc::new(InUse(self.clone()));
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// What is probably not meant: it is for other names than that of `public_url`.
    pub fn warning(&self, public_url: Option<&str>) -> Option<String> {
        let uri: http::Uri = public_url?.parse().ok()?;
        let host = uri.host()?.trim_matches(['[', ']']);
        let name = ServerName::try_from(host).ok()?;
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let certificate = ParsedCertificate::try_from(held.key.cert.first()?).ok()?;
        client::verify_server_name(&certificate, &name).err()?;
        let file = self.files.certificate.display();
        Some(format!("the certificate in {file} is not for {host}, the host of public_url"))
    }

    /// Takes what is in the files now, if it is of use: when it has changed since it was last looked at, or is `asked` for.
    fn look(&self, asked: bool, now: Timestamp) {
        let read = Texts::read(&self.files).map_err(|failure| failure.to_string());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked && held.seen == read {
            return;
        }
        let taken = match &read {
            Ok(texts) => texts.certified(&self.files, now).map_err(|failure| failure.to_string()),
            Err(failure) => Err(failure.clone()),
        };
        match taken {
            Ok((key, ends)) => {
                (held.key, held.ends) = (Arc::new(key), ends);
                tracing::info!(%ends, "the certificate was read again");
            }
            Err(failure) => {
                tracing::error!(failure, ends = %held.ends, "the certificate stays as it was");
            }
        }
        held.seen = read;
    }
}

/// Hands out the certificate in use.
#[derive(Debug)]
struct InUse(Arc<Certificate>);

impl ResolvesServerCert for InUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.held.lock().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

/// Looks at the files each minute, and on SIGHUP.
pub async fn keep_fresh(certificate: Arc<Certificate>, watch: Arc<Watch>, mut hang_up: Signal) {
    let mut minute = interval(LOOK);
    minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            Some(()) = hang_up.recv() => true,
            _ = minute.tick() => false,
        };
        certificate.look(asked, SystemClock.now());
        watch.metrics.certificate_ends(certificate.ends());
    }
}

impl Texts {
    fn read(files: &TlsFiles) -> Outcome<Self> {
        let path = &files.certificate;
        let chain = std::fs::read(path).map_err(|error| {
            Failure::new(format!("cannot read the certificate {}: {error}", path.display())).advise(
                "tls.certificate_file names a PEM file that this user can read: the certificate, and after it what \
                 leads to an authority (often fullchain.pem).",
            )
        })?;
        Ok(Self { chain, key: vault::read(&files.key)? })
    }

    /// What TLS uses of them, and until when.
    fn certified(&self, files: &TlsFiles, now: Timestamp) -> Outcome<(CertifiedKey, Timestamp)> {
        let (path, key_path) = (files.certificate.display(), files.key.display());
        let chain = CertificateDer::pem_slice_iter(&self.chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
            Failure::new(format!("there is no certificate in {path}")).advise(
                "A PEM file has lines -----BEGIN CERTIFICATE-----; `openssl x509 -inform der -in FILE` makes one of DER.",
            )
        })?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| no_key(&self.key, &files.key))?;
        let provider = ring::default_provider();
        let ends = chain.first().map(|leaf| standing(leaf, &provider, now));
        let ends = ends.unwrap_or(Ok(now)).map_err(|why| {
            Failure::new(format!("the certificate in {path} {why}"))
                .advise("Put one that is good now in its place, and its key beside it.")
        })?;
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                Failure::new(format!("the key in {key_path} does not belong to the certificate in {path}"))
                    .advise("Name the key that it was made for. In its file the server's own certificate stands first.")
            }
            error => Failure::new(format!("the key in {key_path} is of no use for TLS: {error}"))
                .advise("Make one of RSA with 2048 bits or more, P-256, P-384 or Ed25519."),
        })?;
        Ok((key, ends))
    }
}

fn no_key(text: &str, path: &Path) -> Failure {
    let path = path.display();
    if text.contains("ENCRYPTED") {
        return Failure::new(format!(
            "the key in {path} has a passphrase, and nobody is there to type it"
        ))
        .advise(format!("Take it off: openssl pkey -in {path} -out NEW, and chmod 600 NEW."));
    }
    Failure::new(format!("there is no key in {path}"))
        .advise("A PEM file has lines such as -----BEGIN PRIVATE KEY-----.")
}

/// Until when a certificate is good, or why it is not now.
///
/// rustls does not tell when one ends, but refuses one that has ended, and says when that was. So it is asked as of a
/// time long after.
fn standing(
    leaf: &CertificateDer<'_>,
    provider: &CryptoProvider,
    now: Timestamp,
) -> Result<Timestamp, String> {
    let leaf = ParsedCertificate::try_from(leaf).map_err(|error| format!("is none: {error}"))?;
    let refused = |seconds: u64| {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let algorithms = provider.signature_verification_algorithms.all;
        let nobody = RootCertStore::empty();
        client::verify_server_cert_signed_by_trust_anchor(&leaf, &nobody, &[], at, algorithms).err()
    };
    let time = |at: UnixTime| {
        let millis = at.as_secs().saturating_mul(1000);
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    };
    match refused(u64::try_from(now.millis()).unwrap_or(0) / 1000) {
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            return Err(format!("has ended at {}", time(not_after)));
        }
        Some(Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before,
            ..
        })) => return Err(format!("is not good before {}", time(not_before))),
        // Nobody is trusted here: whether an authority leads to it is for those who connect.
        _ => {}
    }
    match refused(YEAR_9999) {
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Ok(time(not_after))
        }
        _ => Err("does not say when it ends".to_owned()),
    }
}

#[cfg(test)]
mod tests;
