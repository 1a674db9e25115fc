//! Whom a TLS server may be certified by, and who we are to it.
//!
//! Owns reading the certificates and the key. Never keeps them elsewhere than in the finished configuration, never lets
//! their content into an error. One configuration serves every connection to Redis, the hot one and the slow ones.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig};

use super::PublishError;

/// Certificates that are read from one file; what follows is an error.
pub const CERTIFICATES_MAX: usize = 1_000;

/// Trusts the authorities of the PEM file `ca`, and nobody else; without it those of the web. `certificate_and_key` are
/// PEM files as well: the client's chain, its own certificate first, and the key of that one.
///
/// # Errors
/// [`PublishError::TlsFile`] names the file that cannot be read or used; [`PublishError::TlsIdentity`] where certificate
/// and key do not belong together.
pub fn client_config(
    ca: Option<&Path>,
    certificate_and_key: Option<(&Path, &Path)>,
) -> Result<Arc<ClientConfig>, PublishError> {
    let roots = match ca {
        Some(path) => roots_of(path)?,
        None => web_roots(),
    };
    let builder = builder(roots);
    let Some((certificate, key)) = certificate_and_key else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| file_error(key, &error))?;
    builder.with_client_auth_cert(certificates_of(certificate)?, private).map(Arc::new).map_err(|source| {
        PublishError::TlsIdentity {
            certificate: certificate.display().to_string(),
            key: key.display().to_string(),
            source,
        }
    })
}

/// For the endpoint: its chain, its own certificate first, and the key of that one, both PEM files.
///
/// # Errors
/// As [`client_config`].
pub fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, PublishError> {
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| file_error(key, &error))?;
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring implements the default protocol versions")
        .with_no_client_auth()
        .with_single_cert(certificates_of(certificate)?, private)
        .map(Arc::new)
        .map_err(|source| PublishError::TlsIdentity {
            certificate: certificate.display().to_string(),
            key: key.display().to_string(),
            source,
        })
}

/// Trusts the web's certificate authorities.
pub(super) fn web_trust() -> Arc<ClientConfig> {
    Arc::new(builder(web_roots()).with_no_client_auth())
}

fn builder(roots: RootCertStore) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring implements the default protocol versions")
        .with_root_certificates(roots)
}

fn web_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn roots_of(path: &Path) -> Result<RootCertStore, PublishError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(path)? {
        roots.add(certificate).map_err(|error| PublishError::TlsFile {
            path: path.display().to_string(),
            problem: format!("a certificate that cannot be trusted: {error}"),
        })?;
    }
    Ok(roots)
}

fn certificates_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, PublishError> {
    let problem = |problem: String| PublishError::TlsFile { path: path.display().to_string(), problem };
    let found = CertificateDer::pem_file_iter(path)
        .map_err(|error| file_error(path, &error))?
        .take(CERTIFICATES_MAX + 1)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| file_error(path, &error))?;
    match found.len() {
        0 => Err(problem("no certificate in it".to_owned())),
        1..=CERTIFICATES_MAX => Ok(found),
        _ => Err(problem(format!("more than {CERTIFICATES_MAX} certificates"))),
    }
}

/// The library's texts quote lines of the file, which may be those of a key: only the kind is kept.
fn file_error(path: &Path, error: &pem::Error) -> PublishError {
    let problem = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "neither certificate nor key of the expected kind in it".to_owned(),
        _ => "not a PEM file".to_owned(),
    };
    PublishError::TlsFile { path: path.display().to_string(), problem }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_error_names_the_file_and_never_quotes_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("empty.pem"), "").unwrap();
        fs::write(path("broken.pem"), "-----BEGIN CERTIFICATE-----\nhunter2!\n-----END CERTIFICATE-----\n")
            .unwrap();
        fs::write(path("odd.pem"), "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n")
            .unwrap();
        fs::write(path("cut.pem"), "-----BEGIN PRIVATE KEY-----\nhunter2\n").unwrap();
        for name in ["missing.pem", "empty.pem", "broken.pem", "odd.pem", "cut.pem"] {
            let error = client_config(Some(&path(name)), None).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(error.to_string().contains(name) && !text.contains("hunter2"), "{text}");
            let error = client_config(None, Some((&path(name), &path(name)))).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(error.to_string().contains(name) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn without_files_the_web_is_trusted() {
        assert!(client_config(None, None).is_ok());
    }
}
