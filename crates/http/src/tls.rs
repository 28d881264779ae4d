//! TLS: what is trusted and shown, loaded once; resumption per user.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::config::{ClientCertificate, TlsOptions};

/// TLS sessions a user remembers: one per connection it may hold is enough.
const REMEMBERED_SESSIONS: usize = 8;

/// Loaded TLS settings. Cloning shares them; threads share one.
#[derive(Clone, Debug, Default)]
pub struct Tls(Option<Arc<ClientConfig>>);

/// Why TLS settings do not load.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read, or holds nothing of use.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The parts do not fit together, as a key to another certificate.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    /// Neither the system nor the settings name a root to trust.
    #[error("no trusted roots found; name some with a CA file, or accept any certificate")]
    NoRoots,
}

impl Tls {
    /// No TLS: every `https` request fails with the class `Tls`.
    pub fn disabled() -> Self {
        Self(None)
    }

    /// Reads files and the system's roots. Blocks: for use before a run.
    pub fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if options.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            builder.with_root_certificates(roots(options.ca_file.as_deref())?)
        };
        let mut config = match &options.client_certificate {
            None => builder.with_no_client_auth(),
            Some(ClientCertificate { cert, key }) => {
                builder.with_client_auth_cert(certificates(cert)?, private_key(key)?)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Self(Some(Arc::new(config))))
    }

    /// The settings for one user, who remembers its own sessions: a new user pays for a full handshake, as in life.
    pub(crate) fn for_user(&self) -> Option<Arc<ClientConfig>> {
        let mut config = ClientConfig::clone(self.0.as_deref()?);
        config.resumption = Resumption::in_memory_sessions(REMEMBERED_SESSIONS);
        Some(Arc::new(config))
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    // Roots the system has but this parser refuses are nothing a user can mend: the others are used.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        for certificate in certificates(path)? {
            store.add(certificate)?;
        }
    }
    if store.is_empty() { Err(TlsError::NoRoots) } else { Ok(store) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| file_error(path, error))?;
    if found.is_empty() {
        return Err(file_error(path, rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file_error(path, error))
}

fn file_error(path: &Path, error: rustls_pki_types::pem::Error) -> TlsError {
    let source = match error {
        rustls_pki_types::pem::Error::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    };
    TlsError::File { path: path.to_owned(), source }
}

/// Accepts every certificate, because the user asked for it. Signatures are still what the handshake needs.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
