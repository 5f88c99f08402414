//! The way back: frames as a meter sends them. For the simulator and for tests.
//!
//! Values come back through their `Display`: a [`Timestamp`](super::Timestamp), a [`StatusRegister`](super::StatusRegister), a
//! [`DayProfile`](super::DayProfile) print what stands on the line.

use core::fmt;

use super::{
    Mode, checksum, parity,
    spec::{CR, ETX, LF, STX},
};

/// Writes one frame into a buffer: [`FrameWriter::new`], a [`FrameWriter::dataset`] for each line, [`FrameWriter::finish`].
#[derive(Debug)]
pub struct FrameWriter<'b> {
    mode: Mode,
    buffer: &'b mut [u8],
    length: usize,
}

/// The buffer is too small for the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame does not fit its buffer")
    }
}

impl core::error::Error for Full {}

impl<'b> FrameWriter<'b> {
    /// Begins a frame with its STX.
    ///
    /// # Errors
    ///
    /// [`Full`] if the buffer is empty.
    pub fn new(buffer: &'b mut [u8], mode: Mode) -> Result<Self, Full> {
        let mut writer = Self { mode, buffer, length: 0 };
        writer.put(&[STX])?;
        Ok(writer)
    }

    /// Adds a dataset, with its separators and its checksum. What the fields hold is not checked: tests want wrong ones too.
    ///
    /// # Errors
    ///
    /// [`Full`] if it does not fit; the frame is then of no use.
    pub fn dataset(&mut self, label: &str, timestamp: Option<&str>, data: &str) -> Result<(), Full> {
        let separator = [self.mode.separator()];
        self.put(&[LF])?;
        let start = self.length;
        self.put(label.as_bytes())?;
        self.put(&separator)?;
        if let Some(timestamp) = timestamp {
            self.put(timestamp.as_bytes())?;
            self.put(&separator)?;
        }
        self.put(data.as_bytes())?;
        let data_end = self.length;
        self.put(&separator)?;
        let zone_end = if self.mode == Mode::Standard { self.length } else { data_end };
        let sum = checksum(&self.buffer[start..zone_end]);
        self.put(&[sum, CR])
    }

    /// Ends the frame with its ETX and gives its bytes.
    ///
    /// # Errors
    ///
    /// [`Full`] if the ETX does not fit.
    pub fn finish(mut self) -> Result<&'b [u8], Full> {
        self.put(&[ETX])?;
        let Self { buffer, length, .. } = self;
        Ok(&buffer[..length])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.length + bytes.len();
        self.buffer.get_mut(self.length..end).ok_or(Full)?.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }
}

/// Puts even parity into bit 7 of each byte, as a line opened with eight data bits shows it.
pub fn even_parity(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = parity::with_even_parity(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameWriter, Full};
    use crate::tic::Mode;

    #[test]
    fn both_modes() {
        let mut buffer = [0; 64];
        let mut frame = FrameWriter::new(&mut buffer, Mode::Historic).unwrap();
        frame.dataset("PAPP", None, "00540").unwrap();
        assert_eq!(frame.finish().unwrap(), b"\x02\nPAPP 00540 *\r\x03");
        let mut frame = FrameWriter::new(&mut buffer, Mode::Standard).unwrap();
        frame.dataset("DATE", Some("E170915101601"), "").unwrap();
        assert_eq!(frame.finish().unwrap(), b"\x02\nDATE\tE170915101601\t\t>\r\x03");
    }

    #[test]
    fn a_small_buffer_is_an_error() {
        let mut buffer = [0; 8];
        let mut frame = FrameWriter::new(&mut buffer, Mode::Historic).unwrap();
        assert_eq!(frame.dataset("PAPP", None, "00540"), Err(Full));
    }
}
