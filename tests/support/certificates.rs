//! Certificates made for one test: an authority of its own, a server (`localhost`, 127.0.0.1) and a client.
//!
//! Made with the `openssl` program; where it is missing, the test fails. Another set is not trusted by this one.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

/// Whether a server lets in clients without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    Anybody,
    /// Mutual TLS: only those with a certificate of our authority.
    WithCertificate,
}

/// PEM files in a directory that goes with it.
#[derive(Debug)]
pub(crate) struct Certificates {
    directory: TempDir,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let made = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        made.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
             -addext keyUsage=critical,keyCertSign -keyout authority.key -out authority.pem",
        );
        made.sign("server", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
        made.sign("client", "subjectAltName=DNS:client\nextendedKeyUsage=clientAuth\n");
        made
    }

    fn sign(&self, name: &str, extensions: &str) {
        std::fs::write(self.path(&format!("{name}.ext")), extensions).expect("our own directory");
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} \
             -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
             -extfile {name}.ext -out {name}.pem"
        ));
    }

    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        command.args(words.split_whitespace()).current_dir(self.directory.path());
        let output = command.output().unwrap_or_else(|error| panic!("openssl cannot be started: {error}"));
        assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The certificate of the authority, which both sides trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("authority.pem")
    }

    pub(crate) fn client(&self) -> PathBuf {
        self.path("client.pem")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.path("client.key")
    }

    /// Certificate and key of a server of ours.
    pub(crate) fn server(&self) -> [PathBuf; 2] {
        [self.path("server.pem"), self.path("server.key")]
    }

    /// For `RedisServer::start_tls`.
    pub(crate) fn server_arguments(&self, clients: Clients) -> Vec<String> {
        let file = |name: &str| self.path(name).to_string_lossy().into_owned();
        let clients = match clients {
            Clients::Anybody => "no",
            Clients::WithCertificate => "yes",
        };
        let pairs = [
            ("--tls-cert-file", file("server.pem")),
            ("--tls-key-file", file("server.key")),
            ("--tls-ca-cert-file", file("authority.pem")),
            ("--tls-auth-clients", clients.to_owned()),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// A client that trusts the authority and shows no certificate.
    pub(crate) fn trusting(&self) -> Arc<rustls::ClientConfig> {
        Arc::new(self.builder().with_no_client_auth())
    }

    /// A client that trusts the authority and shows the certificate of `of`.
    pub(crate) fn showing(&self, of: &Certificates) -> Arc<rustls::ClientConfig> {
        let chain = vec![CertificateDer::from_pem_file(of.client()).expect("made above")];
        let key = PrivateKeyDer::from_pem_file(of.client_key()).expect("made above");
        Arc::new(self.builder().with_client_auth_cert(chain, key).expect("they belong together"))
    }

    fn builder(&self) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
        let authority = CertificateDer::from_pem_file(self.authority()).expect("made above");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(roots)
    }
}
