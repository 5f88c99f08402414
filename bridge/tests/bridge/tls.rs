//! Certificates: a real Mosquitto that wants one of its clients, and a Home Assistant behind TLS. Each mistake is said once, with what to do.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use teleinfo_bridge::{
    config::{file::Config, settings::Settings},
    daemon::{cli::Cli, exit::ExitCode},
    statistics::{recorder::Error, websocket::Client},
    words::language::Language,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_async, tungstenite::Message};

use super::{Broker, free_port, program::Program};

/// From the first of January of one year to that of another.
type Years = (i32, i32);
const NOW: Years = (2025, 2100);
const OVER: Years = (2020, 2025);
const LATER: Years = (2090, 2100);

/// An authority, and a directory with what it signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(directory.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), directory }
    }

    /// Signs a certificate for `localhost`; returns its file and that of its key, which nobody else can read.
    fn sign(&self, name: &str, (from, until): Years) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let files = (self.file(&format!("{name}.pem")), self.file(&format!("{name}-key.pem")));
        fs::write(&files.0, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(&files.1, key.serialize_pem()).unwrap();
        fs::set_permissions(&files.1, fs::Permissions::from_mode(0o600)).unwrap();
        files
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// The bridge's configuration towards a broker with TLS.
fn towards(broker: &Broker, authority: &Authority, shown: Option<(&Path, &Path)>) -> String {
    let shown = shown
        .map(|(certificate, key)| format!("client-cert-file = \"{}\"\nclient-key-file = \"{}\"\n", certificate.display(), key.display()));
    let authority = authority.file("ca.pem");
    format!("[mqtt]\nurl = \"mqtts://localhost:{}\"\nca-file = \"{}\"\n{}", broker.port, authority.display(), shown.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_lets_in_who_shows_a_certificate() {
    let authority = Authority::new();
    authority.sign("server", NOW);
    let broker = Broker::with_client_certificates(authority.directory.path()).unwrap();
    let (certificate, key) = authority.sign("bridge", NOW);
    let mut bridge = Program::configured(free_port(), &towards(&broker, &authority, Some((&certificate, &key))));
    bridge.says("connected to the MQTT broker").await;
    bridge.stop().await;
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_broker_does_not_take_is_named_once() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.sign("server", NOW);
    let broker = Broker::with_client_certificates(authority.directory.path()).unwrap();
    let rows = [
        (None, "wants a certificate of this bridge; set mqtt.client-cert-file and mqtt.client-key-file"),
        (Some(other.sign("stranger", NOW)), "signed by nobody whom the other side trusts; check mqtt.client-cert-file"),
        (Some(authority.sign("expired", OVER)), "it has expired; check mqtt.client-cert-file"),
        (Some(authority.sign("later", LATER)), "not valid yet (the log there says more); check mqtt.client-cert-file"),
    ];
    let bridges: Vec<_> = rows
        .iter()
        .map(|(files, expected)| {
            let shown = files.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
            (Program::configured(free_port(), &towards(&broker, &authority, shown)), *expected)
        })
        .collect();
    for (bridge, expected) in &bridges {
        let line = bridge.says("no TLS with the MQTT broker").await;
        assert!(line.starts_with("WARN ") && line.contains(expected), "{line}");
    }
    // Several attempts later.
    tokio::time::sleep(Duration::from_secs(6)).await;
    for (bridge, _) in &bridges {
        let said = bridge.log().iter().filter(|line| line.starts_with("WARN ")).count();
        assert_eq!(said, 1, "{:#?}", bridge.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_time_is_named_once_with_its_day() {
    let authority = Authority::new();
    for (years, expected) in
        [(OVER, "valid until 2025-01-01; it needs a new one"), (LATER, "valid only from 2090-01-01, and the clock of this machine says 20")]
    {
        authority.sign("server", years);
        let broker = Broker::with_client_certificates(authority.directory.path()).unwrap();
        let bridge = Program::configured(free_port(), &towards(&broker, &authority, None));
        let line = bridge.says("no TLS with the MQTT broker").await;
        assert!(line.contains(expected) && line.contains("timedatectl"), "{line}");
        tokio::time::sleep(Duration::from_secs(4)).await;
        let said = bridge.log().iter().filter(|line| line.starts_with("WARN ")).count();
        assert_eq!(said, 1, "{:#?}", bridge.log());
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_found_before_the_start() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign("bridge", NOW);
    let (_, foreign) = authority.sign("other", NOW);
    let check = |certificate: &Path, key: &Path| {
        let rest = format!(
            "ca-file = \"{}\"\nclient-cert-file = \"{}\"\nclient-key-file = \"{}\"\n",
            authority.file("ca.pem").display(),
            certificate.display(),
            key.display()
        );
        Settings::new(Config::parse(&format!("[mqtt]\nurl = \"mqtts://localhost\"\n{rest}")).unwrap(), &Cli::default())
    };
    assert!(check(&certificate, &key).is_ok());
    for (certificate, key, expected) in [
        (&certificate, &foreign, "mqtt.client-key-file: it is not the key of the certificate in mqtt.client-cert-file"),
        (&certificate, &certificate, "mqtt.client-key-file: "),
        (&key, &key, "mqtt.client-cert-file: "),
        (&authority.file("none"), &key, "mqtt.client-cert-file: cannot read "),
    ] {
        let failure = check(certificate, key).unwrap_err();
        assert_eq!(failure.code(), ExitCode::Config);
        assert!(failure.to_string().contains(expected), "{failure}");
    }
}

/// A Home Assistant that takes one connection; the token that it was told.
async fn home_assistant(files: Option<(PathBuf, PathBuf)>) -> (u16, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, told) = oneshot::channel();
    let acceptor = files.map(|(certificate, key)| {
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()))
    });
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        match acceptor {
            Some(acceptor) => {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                greet(stream, sender).await;
            }
            None => greet(stream, sender).await,
        }
    });
    (port, told)
}

async fn greet(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, told: oneshot::Sender<String>) {
    let mut socket = accept_async(stream).await.unwrap();
    socket.send(Message::text(json!({ "type": "auth_required" }).to_string())).await.unwrap();
    let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let _ = told.send(answer["access_token"].as_str().unwrap_or_default().to_owned());
    socket.send(Message::text(json!({ "type": "auth_ok", "ha_version": "2026.11.0" }).to_string())).await.unwrap();
    let _ = socket.next().await;
}

/// Connects to a Home Assistant under this configuration.
async fn connect(authority: &Authority, keys: &str) -> Result<Client, Error> {
    let token = authority.file("token");
    fs::write(&token, "secret\n").unwrap();
    let text = format!("[homeassistant]\n{keys}\ntoken-file = \"{}\"\n", token.display());
    let settings = Settings::new(Config::parse(&text).unwrap(), &Cli::default()).unwrap();
    Client::connect(&settings.homeassistant.api.unwrap()).await
}

#[tokio::test]
async fn home_assistant_is_told_the_token_under_a_certificate_of_ones_own() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (port, told) = home_assistant(Some(authority.sign("ha", NOW))).await;
    let ca = |authority: &Authority| format!("ca-file = \"{}\"", authority.file("ca.pem").display());
    connect(&authority, &format!("url = \"https://localhost:{port}\"\n{}", ca(&authority))).await.unwrap();
    assert_eq!(told.await.unwrap(), "secret");
    for (signer, years, expected) in [
        (&other, NOW, "not signed by the authority in homeassistant.ca-file"),
        (&authority, OVER, "valid until 2025-01-01"),
        (&authority, LATER, "valid only from 2090-01-01"),
    ] {
        let (port, told) = home_assistant(Some(signer.sign("ha", years))).await;
        let error = connect(&authority, &format!("url = \"https://localhost:{port}\"\n{}", ca(&authority))).await.unwrap_err();
        assert!(error.words(Language::English).contains(expected), "{error}");
        assert!(told.await.is_err(), "whoever is not trusted is told nothing");
    }
}

#[tokio::test]
async fn the_token_is_not_sent_in_clear_to_another_machine() {
    let authority = Authority::new();
    let (port, told) = home_assistant(None).await;
    // A name of this machine that does not say so by itself, as that of another machine.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let error = connect(&authority, &format!("url = \"http://{}:{port}\"", host.trim())).await.unwrap_err();
    assert_eq!(error, Error::KeptBack);
    for language in [Language::English, Language::French] {
        assert!(error.words(language).contains("homeassistant.plain-token = true"), "{error}");
    }
    drop(told);
    let (port, told) = home_assistant(None).await;
    connect(&authority, &format!("url = \"http://127.0.0.1:{port}\"")).await.unwrap();
    assert_eq!(told.await.unwrap(), "secret");
}
