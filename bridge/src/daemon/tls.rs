//! TLS to a broker or to Home Assistant: whom to trust.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Trusts the certificates in `authorities` (PEM), or else those of the system. `remedy` is what to do when there are none.
///
/// # Errors
/// What is wrong with them, in words.
pub fn client(authorities: Option<&str>, remedy: &str) -> Result<Arc<ClientConfig>, String> {
    let roots = match authorities {
        Some(pem) => from_pem(pem)?,
        None => from_system(),
    };
    if roots.is_empty() {
        return Err(format!("no certificate to trust; {remedy}"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn from_pem(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("not a PEM file: {error:?}"))?;
        roots.add(certificate).map_err(|error| format!("not a certificate authority: {error}"))?;
    }
    Ok(roots)
}

fn from_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
