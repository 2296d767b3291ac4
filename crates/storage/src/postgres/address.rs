//! Where PostgreSQL is, and how what goes there is kept from others: `sslmode` and `sslrootcert` as libpq has them.
//!
//! | `sslmode` | what it means |
//! |---|---|
//! | `disable` | in the clear |
//! | `prefer` | over TLS where the server speaks it; whoever stands in between can read all the same. The default, but for an address of this very machine, where it would only cost time |
//! | `require` | over TLS or not at all; who the server is stays unknown |
//! | `verify-full` | the same with a certificate for the host's name, of an authority of this machine or in `sslrootcert` |

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{self, ChannelBinding, MakeTlsConnect};
use tokio_postgres::{Client, Config};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::fault;
use crate::fault::Fault;

/// What a `postgres://` URL says.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    tls: TlsConnector,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.config).finish()
    }
}

impl Address {
    /// Reads `url`, with bounds on how long a silent network is waited for. Nothing is asked of the network yet.
    pub fn of(url: &str) -> Result<Self, Fault> {
        let Parts { url, mode, root } = Parts::of(url);
        let mut config: Config = url.parse().map_err(|e| fault(&e))?;
        let wrong = |what: String| Err(Fault::Unavailable(what));
        let is_said = mode.is_some();
        let (mode, verifies) = match mode.as_deref() {
            Some("disable") => (SslMode::Disable, false),
            None | Some("prefer") => (SslMode::Prefer, false),
            Some("require") => (SslMode::Require, false),
            Some("verify-full") => (SslMode::Require, true),
            Some(other) => {
                let known = "disable, prefer, require or verify-full";
                return wrong(format!("sslmode={other} is not known here: it is {known}"));
            }
        };
        if root.is_some() && !verifies {
            return wrong("sslrootcert is looked at with sslmode=verify-full only".to_owned());
        }
        // A socket in a folder is no network.
        let is_here = config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => !is_said && is_loopback(name),
        });
        config.ssl_mode(if is_here { SslMode::Disable } else { mode });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        config.keepalives_idle(Duration::from_secs(30));
        let trust = if verifies { Some(authorities(root.as_deref())?) } else { None };
        Ok(Self { config, tls: connector(trust)? })
    }

    /// A new connection. What carries it is a task of its own: it ends with the client, and its errors reach the client.
    pub async fn connect(&self) -> Result<Client, Fault> {
        let tls = Tls(self.tls.clone());
        let (client, connection) = self.config.connect(tls).await.map_err(|e| fault(&e))?;
        tokio::spawn(connection.map(drop));
        Ok(client)
    }
}

/// A URL, without what `tokio_postgres` does not know of.
struct Parts {
    url: String,
    mode: Option<String>,
    root: Option<String>,
}

impl Parts {
    fn of(url: &str) -> Self {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut parts = Self { url: address.to_owned(), mode: None, root: None };
        let mut rest = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => parts.mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => parts.root = Some(value.to_owned()),
                _ => rest.push(option),
            }
        }
        if !rest.is_empty() {
            parts.url = format!("{address}?{}", rest.join("&"));
        }
        parts
    }
}

/// Whether what goes to a host of this name leaves the machine never.
fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whose certificates are believed: those of this file, or of this machine.
fn authorities(root: Option<&str>) -> Result<RootCertStore, Fault> {
    let mut store = RootCertStore::empty();
    let certificates = match root.filter(|root| *root != "system") {
        Some(path) => {
            let read = CertificateDer::pem_file_iter(Path::new(path)).and_then(Iterator::collect);
            let read: Result<Vec<_>, _> = read;
            read.map_err(|error| Fault::Unavailable(format!("sslrootcert {path}: {error}")))?
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    // One of many that cannot be read says nothing about the others.
    let (taken, _) = store.add_parsable_certificates(certificates);
    if taken > 0 {
        return Ok(store);
    }
    Err(Fault::Unavailable(match root {
        Some(path) => format!("sslrootcert {path}: there is no certificate in it"),
        None => "this machine has no certificate authorities (Debian: ca-certificates)".to_owned(),
    }))
}

/// TLS that believes these authorities, or whoever answers.
fn connector(trust: Option<RootCertStore>) -> Result<TlsConnector, Fault> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Bug(format!("TLS: {error}")))?;
    let mut config = match trust {
        Some(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Believes everybody, as `prefer` and `require` say: what goes over the wire is encrypted, for whom is not known.
#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The way in which `tokio_postgres` asks for TLS.
struct Tls(TlsConnector);

/// The same for one host.
struct ToHost(TlsConnector, String);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = ToHost;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<ToHost> {
        Ok(ToHost(self.0.clone(), host.to_owned()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> tls::TlsConnect<S> for ToHost {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Encrypted<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self(connector, host) = self;
        Box::pin(async move {
            let host = ServerName::try_from(host).map_err(io::Error::other)?;
            connector.connect(host, stream).await.map(Encrypted)
        })
    }
}

/// A stream over TLS, under the trait that `tokio_postgres` wants.
struct Encrypted<S>(TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> tls::TlsStream for Encrypted<S> {
    /// None: the password is bound to this connection by verifying who the server is.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn mode(options: &str) -> Result<SslMode, String> {
        let address = Address::of(&format!("postgres://ada@shop.example/books{options}"));
        address.map(|address| address.config.get_ssl_mode()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn sslmode_is_what_libpq_has() {
        assert_eq!(mode(""), Ok(SslMode::Prefer));
        assert_eq!(mode("?sslmode=disable"), Ok(SslMode::Disable));
        assert_eq!(mode("?application_name=a&sslmode=prefer"), Ok(SslMode::Prefer));
        assert_eq!(mode("?sslmode=require&application_name=a"), Ok(SslMode::Require));
        for (options, expected) in [
            ("?sslmode=verify-ca", "is not known here: it is disable, prefer"),
            ("?sslrootcert=/a.pem", "sslmode=verify-full only"),
            ("?sslmode=require&sslrootcert=/a.pem", "sslmode=verify-full only"),
            ("?sslmode=verify-full&sslrootcert=/no/such.pem", "sslrootcert /no/such.pem"),
        ] {
            let refusal = mode(options).unwrap_err();
            assert!(refusal.contains(expected), "{options}: {refusal}");
        }
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let mode = |options| {
                let address = Address::of(&format!("postgres://ada@{host}/books{options}"));
                address.unwrap().config.get_ssl_mode()
            };
            assert_eq!((mode(""), mode("?sslmode=prefer")), (SslMode::Disable, SslMode::Prefer));
        }
        let local = Address::of("postgres://ada@%2Frun%2Fpostgresql/books?sslmode=require");
        assert_eq!(local.unwrap().config.get_ssl_mode(), SslMode::Disable);
    }

    #[tokio::test]
    async fn a_server_without_tls_is_not_talked_to_where_it_is_required() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://scrip@{}/scrip", server.local_addr().unwrap());
        let address = Address::of(&format!("{url}?sslmode=require")).unwrap();
        let refusing = async {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut request = [0; 8];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(b"N").await.unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            rest
        };
        let (refused, rest) = tokio::join!(address.connect(), refusing);
        let fault = refused.map(drop).unwrap_err().to_string();
        assert!(fault.contains("server does not support TLS"), "{fault}");
        assert!(rest.is_empty(), "neither name nor password goes in the clear");
    }
}
