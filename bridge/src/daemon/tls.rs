//! TLS to a broker or to Home Assistant: whom to trust, and who this bridge is.
//!
//! Each file is read once, at the start: everything that is wrong with one is found there, by `--check-config` too.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder, InconsistentKeys, RootCertStore,
    client::WantsClientCert,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject},
    },
};

use super::{credentials, exit::Failure};

/// How one side is told of its files: the names of the keys that name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyNames {
    /// The certificates to trust.
    pub authority: &'static str,
    /// The certificate of this bridge and its private key, where there are such keys.
    pub identity: Option<(&'static str, &'static str)>,
    /// The address of the other side.
    pub address: &'static str,
}

/// The files that the configuration names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// Certificates that the other side's must lead to; none = those of the system.
    pub authority: Option<&'a Path>,
    /// The certificate that this bridge shows.
    pub certificate: Option<&'a Path>,
    /// The private key of that certificate.
    pub key: Option<&'a Path>,
}

/// A way to connect with TLS, ready to be used.
#[derive(Clone)]
pub struct Tls {
    /// What the libraries want.
    pub config: Arc<ClientConfig>,
    /// Which keys say what it is made of.
    pub keys: KeyNames,
    /// Whether the authority is the user's own.
    pub has_authority: bool,
    /// Whether this bridge can show a certificate.
    pub has_identity: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration has the private key in it.
        f.debug_struct("Tls").field("has_authority", &self.has_authority).field("has_identity", &self.has_identity).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files, and checks that the private key belongs to the certificate.
    ///
    /// # Errors
    /// What is wrong with a file, by the name of its key.
    pub fn load(files: Files<'_>, keys: KeyNames) -> Result<Self, Failure> {
        let roots = match files.authority {
            Some(file) => authorities(file, keys.authority)?,
            None => from_system().ok_or_else(|| nobody(keys))?,
        };
        let builder = trusting(roots).map_err(|error| Failure::config(error.to_string()))?;
        let identity = identity(files, keys)?;
        let has_identity = identity.is_some();
        let config = match identity {
            Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).map_err(|error| mismatch(&error, keys))?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), keys, has_authority: files.authority.is_some(), has_identity })
    }
}

/// Who this bridge is.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn identity(files: Files<'_>, keys: KeyNames) -> Result<Option<Identity>, Failure> {
    let Some((certificate_key, private_key)) = keys.identity else { return Ok(None) };
    match (files.certificate, files.key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::config(format!("{private_key}: {certificate_key} needs the private key of that certificate"))),
        (None, Some(_)) => Err(Failure::config(format!("{certificate_key}: {private_key} is the key of a certificate; name its file too"))),
        (Some(certificate), Some(key)) => {
            Ok(Some(Identity { chain: certificates(certificate, certificate_key)?, key: private(key, private_key)? }))
        }
    }
}

fn private(file: &Path, name: &str) -> Result<PrivateKeyDer<'static>, Failure> {
    let text = credentials::key(file).map_err(|failure| failure.of(name))?;
    PrivateKeyDer::from_pem_slice(text.reveal().as_bytes()).map_err(|error| {
        let what = match error {
            PemError::NoItemsFound => "no private key in it; a key with a passphrase cannot be read".to_owned(),
            error => format!("not a PEM file: {error}"),
        };
        Failure::config(format!("{name}: {}: {what}", file.display()))
    })
}

fn mismatch(error: &rustls::Error, keys: KeyNames) -> Failure {
    let (certificate, key) = keys.identity.unwrap_or_default();
    let what = match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!("it is not the key of the certificate in {certificate}"),
        error => format!("cannot be used with {certificate}: {error}"),
    };
    Failure::config(format!("{key}: {what}"))
}

/// The certificates of a file; at least one.
fn certificates(file: &Path, name: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = credentials::read_file(file).map_err(|failure| failure.of(name))?;
    let wrong = |what: String| Failure::config(format!("{name}: {}: {what}", file.display()));
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let all = all.map_err(|error| wrong(format!("not a PEM file: {error}")))?;
    if all.is_empty() { Err(wrong("no certificate in it; expected a PEM file".into())) } else { Ok(all) }
}

fn authorities(file: &Path, name: &str) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, name)? {
        let added = roots.add(certificate);
        added.map_err(|error| Failure::config(format!("{name}: {}: not a certificate authority: {error}", file.display())))?;
    }
    Ok(roots)
}

fn from_system() -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Some(roots).filter(|roots| !roots.is_empty())
}

fn nobody(keys: KeyNames) -> Failure {
    let KeyNames { address, authority, .. } = keys;
    Failure::config(format!(
        "{address}: no certificate to trust; set {authority}, or install the certificates of the system (package ca-certificates)"
    ))
}

fn trusting(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots))
}

/// Trusts the certificates of the system. `remedy` is what to do when there are none.
///
/// # Errors
/// There are none, in words.
pub fn of_system(remedy: &str) -> Result<Arc<ClientConfig>, String> {
    let roots = from_system().ok_or_else(|| format!("no certificate to trust; {remedy}"))?;
    Ok(Arc::new(trusting(roots).map_err(|error| error.to_string())?.with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KEYS: KeyNames =
        KeyNames { authority: "x.ca-file", identity: Some(("x.client-cert-file", "x.client-key-file")), address: "x.url" };

    #[test]
    fn what_is_wrong_with_a_file_names_its_key() {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (empty, damaged) = (put("empty", ""), put("damaged", "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n"));
        let locked = put("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
        let not_one = put("not-one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let missing = directory.path().join("missing");
        let only = |authority| Files { authority: Some(authority), ..Files::default() };
        let both = |certificate, key| Files { authority: None, certificate: Some(certificate), key: Some(key) };
        for (files, expected) in [
            (only(missing.as_path()), "x.ca-file: cannot read "),
            (only(&empty), "no certificate in it"),
            (only(&damaged), "not a PEM file"),
            (only(&not_one), "not a certificate authority"),
            (both(&missing, &locked), "x.client-cert-file: cannot read "),
            (both(&not_one, &missing), "x.client-key-file: cannot read "),
            (both(&not_one, &locked), "a key with a passphrase cannot be read"),
            (Files { certificate: Some(&not_one), ..Files::default() }, "x.client-key-file: x.client-cert-file needs"),
            (Files { key: Some(&locked), ..Files::default() }, "x.client-cert-file: x.client-key-file is the key"),
        ] {
            // The authorities of this machine are not wanted here: a machine without any fails otherwise.
            let failure = match files.authority {
                Some(_) => Tls::load(files, KEYS).unwrap_err(),
                None => identity(files, KEYS).err().unwrap(),
            };
            assert!(failure.to_string().starts_with("x.") && failure.to_string().contains(expected), "{failure} / {expected}");
        }
    }
}
