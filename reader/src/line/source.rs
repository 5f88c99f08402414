//! Where the line is, as it is configured: a device of this machine, or an address on the network.

use std::path::{Path, PathBuf};

use super::remote::{Protocol, Remote};

/// Tried in turn for `auto`: the name our udev rule gives to USB adapters, then the two of a Raspberry Pi.
const DEVICES: [&str; 3] = ["/dev/teleinfo", "/dev/serial0", "/dev/ttyAMA0"];

/// Where the line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Devices of this machine; the first that exists counts.
    Devices(Vec<PathBuf>),
    /// A serial port at the far end of a network.
    Remote(Remote),
}

impl Source {
    /// Whatever serial line this machine has for a meter.
    pub(crate) fn auto() -> Self {
        Self::Devices(DEVICES.map(PathBuf::from).to_vec())
    }

    /// Whether its speed can be set from here.
    pub(crate) fn is_settable(&self) -> bool {
        match self {
            Self::Devices(_) => true,
            Self::Remote(remote) => remote.protocol == Protocol::Rfc2217,
        }
    }

    /// From `auto`, a path, `tcp://host:port` or `rfc2217://host:port`.
    ///
    /// # Errors
    /// What was expected instead.
    pub(crate) fn parse(written: &Path) -> Result<Self, String> {
        match written.to_str() {
            Some("auto") => Ok(Self::auto()),
            Some("") => Err("expected the path of a device, tcp://host:port or rfc2217://host:port".into()),
            Some(text) if text.contains("://") => text.parse().map(Self::Remote),
            _ => Ok(Self::Devices(vec![written.into()])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_addresses_are_told_apart() {
        let parsed = |text: &str| Source::parse(Path::new(text));
        assert_eq!(parsed("auto"), Ok(Source::auto()));
        assert_eq!(parsed("/dev/ttyUSB0"), Ok(Source::Devices(vec!["/dev/ttyUSB0".into()])));
        assert!(matches!(parsed("tcp://esp.lan:23"), Ok(Source::Remote(_))));
        assert!(parsed("http://esp.lan").unwrap_err().contains("rfc2217://host:port") && parsed("").is_err());
    }
}
