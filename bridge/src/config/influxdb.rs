//! Where figures are written, checked: `[influxdb]`.

use std::{path::PathBuf, time::Duration};

use hyper::Uri;

use crate::{
    config::file::InfluxdbKeys,
    daemon::{
        credentials::{self, Secret},
        exit::Failure,
    },
    http::address,
    influxdb::setup::{Setup, Target},
    words::printable::printable,
};

/// The credential that is the token.
const CREDENTIAL: &str = "influxdb-token";
/// More would be a hole in every curve.
const EVERY_MAX: u32 = 3_600;
/// The interface for writing, version 2; that of 1.8, of version 3 and of `VictoriaMetrics` is the same.
const WRITE: &str = "/api/v2/write";
const EXPECTED: &str =
    "expected something like http://192.168.1.5:8086, unix:///run/telegraf/teleinfo.sock or file:///var/lib/teleinfo-bridge/lines";

/// What is wanted; nothing without an address.
///
/// # Errors
/// An address that is none, a server without a bucket, a token that cannot be read.
pub fn checked(keys: InfluxdbKeys) -> Result<Option<Setup>, Failure> {
    let Some(url) = &keys.url else { return Ok(None) };
    if keys.every > EVERY_MAX {
        return Err(Failure::config(format!("influxdb.every: {EVERY_MAX} s at most")));
    }
    let path = |rest: &str| Some(PathBuf::from(rest)).filter(|path| path.is_absolute()).ok_or_else(|| wrong(url));
    let target = match url.split_once("://") {
        Some(("unix", rest)) => Target::Socket(path(rest)?),
        Some(("file", rest)) => Target::File(path(rest)?),
        _ => server(url, &keys)?,
    };
    Ok(Some(Setup { target, every: Duration::from_secs(keys.every.into()) }))
}

fn server(url: &str, keys: &InfluxdbKeys) -> Result<Target, Failure> {
    let token = credentials::password(keys.token_file.as_deref(), CREDENTIAL).and_then(is_of_a_header);
    let token = token.map_err(|failure| failure.of("influxdb.token-file"))?;
    let Some(bucket) = keys.bucket.as_deref().filter(|bucket| !bucket.is_empty()) else {
        return Err(Failure::config("influxdb.bucket: a server needs the name of a bucket"));
    };
    let org = keys.org.iter().map(|org| format!("org={}&", encoded(org))).collect::<String>();
    let base: Uri = url.parse().ok().filter(address::is_usable).ok_or_else(|| wrong(url))?;
    let path = base.path().trim_end_matches('/');
    let (scheme, authority) = (base.scheme_str().unwrap_or_default(), base.authority().map_or("", |authority| authority.as_str()));
    let address = format!("{scheme}://{authority}{path}{WRITE}?{org}bucket={}&precision=ns", encoded(bucket));
    Ok(Target::Server(address.parse().map_err(|_| wrong(url))?, token))
}

fn wrong(url: &str) -> Failure {
    Failure::config(format!("influxdb.url: \"{}\" cannot be used; {EXPECTED}", printable(url)))
}

fn is_of_a_header(token: Option<Secret>) -> Result<Option<Secret>, Failure> {
    let is_wrong = |token: &Secret| !token.reveal().bytes().all(|byte| byte.is_ascii_graphic());
    if token.as_ref().is_some_and(is_wrong) { Err(Failure::config("a token has neither spaces nor accents")) } else { Ok(token) }
}

/// A name as it stands behind a question mark.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, bucket: Option<&str>) -> Result<Target, Failure> {
        let keys = InfluxdbKeys {
            url: Some(url.into()),
            org: Some("chez moi".into()),
            bucket: bucket.map(str::to_owned),
            ..InfluxdbKeys::default()
        };
        checked(keys).map(|setup| setup.unwrap().target)
    }

    #[test]
    fn a_target_is_known_by_its_address() {
        assert_eq!(checked(InfluxdbKeys::default()), Ok(None));
        let target = Target::Server("http://influx:8086/x/api/v2/write?org=chez%20moi&bucket=a%2Fb&precision=ns".parse().unwrap(), None);
        assert_eq!(check("http://influx:8086/x/", Some("a/b")), Ok(target));
        assert_eq!(check("unix:///run/t.sock", None), Ok(Target::Socket("/run/t.sock".into())));
        assert_eq!(check("file:///var/lines", None), Ok(Target::File("/var/lines".into())));
    }

    #[test]
    fn what_is_wrong_names_its_key() {
        for (url, bucket, expected) in [
            ("influx:8086", Some("a"), "influxdb.url: \"influx:8086\" cannot be used; expected"),
            ("http://me:secret@influx", Some("a"), "influxdb.url: "),
            ("unix://run/t.sock", None, "influxdb.url: "),
            ("http://influx:8086", None, "influxdb.bucket: a server needs"),
            ("http://influx:8086", Some(""), "influxdb.bucket: a server needs"),
        ] {
            let failure = check(url, bucket).unwrap_err().to_string();
            assert!(failure.starts_with(expected), "{failure}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a b\n").unwrap();
        let keys = InfluxdbKeys { url: Some("http://a".into()), token_file: Some(file.path().into()), ..InfluxdbKeys::default() };
        assert_eq!(checked(keys).unwrap_err().to_string(), "influxdb.token-file: a token has neither spaces nor accents");
        let keys = InfluxdbKeys { url: Some("file:///a".into()), every: 3_601, ..InfluxdbKeys::default() };
        assert_eq!(checked(keys).unwrap_err().to_string(), "influxdb.every: 3600 s at most");
    }
}
