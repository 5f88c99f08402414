//! The checksum of what is kept, on the disk and on the broker: CRC-32, that of gzip and PNG.

use crc::{CRC_32_ISO_HDLC, Crc};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// Hexadecimal digits of a checksum.
pub const DIGITS: usize = 8;

/// The checksum of these bytes, in hexadecimal.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", CRC.checksum(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_gzip() {
        assert_eq!(checksum(b"123456789"), "cbf43926");
        assert_eq!(checksum(b"").len(), DIGITS);
    }
}
