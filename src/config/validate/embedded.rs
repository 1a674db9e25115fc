//! The engine's own endpoint: who may reach it, and how much each client may take.
//!
//! Owns the relations between its keys. Never reads the certificate's files: whoever listens does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::super::error::{ConfigErrors, Origin, Problem};
use super::super::keys;
use super::super::raw::Values;
use super::super::secret::Secret;
use super::super::settings::EmbeddedSettings;
use super::value::{filled, number};

/// `listen` is what [`super::listen`] made of the address.
pub(super) fn embedded(
    values: &Values,
    listen: Option<Option<SocketAddr>>,
    errors: &mut ConfigErrors,
) -> Option<EmbeddedSettings> {
    let password = filled(values, &keys::EMBEDDED_PASSWORD).map(Secret::new);
    if let Some(Some(address)) = listen
        && !address.ip().is_loopback()
        && password.is_none()
    {
        // The address that somebody typed asks for it.
        let problem = Problem::Relation(
            "expected a password, because embedded.listen can be reached from other machines; set \
             TICKCACHE_EMBEDDED_PASSWORD",
        );
        errors.push(&values.origin(&keys::EMBEDDED_LISTEN), keys::EMBEDDED_PASSWORD.path, problem);
    }
    let certificate = filled(values, &keys::EMBEDDED_CERTIFICATE_FILE).map(PathBuf::from);
    let key = filled(values, &keys::EMBEDDED_KEY_FILE).map(PathBuf::from);
    let lonely = match (&certificate, &key) {
        (Some(_), None) => {
            Some((&keys::EMBEDDED_CERTIFICATE_FILE, "a certificate without embedded.key_file"))
        }
        (None, Some(_)) => Some((&keys::EMBEDDED_KEY_FILE, "a key without embedded.certificate_file")),
        (Some(_), Some(_)) | (None, None) => None,
    };
    if let Some((key, problem)) = lonely {
        let origin: Origin = values.origin(key);
        errors.push(&origin, key.path, Problem::Relation(problem));
    }
    let clients_max = number(values, &keys::EMBEDDED_CLIENTS_MAX, errors);
    let output_buffer_bytes_max = number(values, &keys::EMBEDDED_OUTPUT_MAX, errors);
    let subscriptions_max = number(values, &keys::EMBEDDED_SUBSCRIPTIONS_MAX, errors);
    let stalled_s_max = number(values, &keys::EMBEDDED_STALLED_MAX, errors);
    Some(EmbeddedSettings {
        listen: listen?,
        password,
        certificate_and_key: certificate.zip(key),
        clients_max: clients_max?,
        output_buffer_bytes_max: output_buffer_bytes_max?,
        subscriptions_max: subscriptions_max?,
        stalled_max: Duration::from_secs(stalled_s_max?.into()),
    })
}
