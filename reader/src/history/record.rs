//! How a frame lies in its ring: its ordinal, then the sample as it was sent.

use teleinfo_proto::wire::Sample;

/// Bytes in front of a frame's: its ordinal.
pub(super) const ORDINAL_BYTES: usize = 8;

/// Room for one frame of the history, which is what [`History::next`](super::History::next) needs.
pub(crate) const ANSWER_BYTES: usize = ORDINAL_BYTES + Sample::BYTES_MAX;

/// Takes a record apart: the ordinal, and the encoded sample.
pub(super) fn frame(record: &[u8]) -> Option<(u64, &[u8])> {
    let (ordinal, encoded) = record.split_first_chunk::<ORDINAL_BYTES>()?;
    Some((u64::from_le_bytes(*ordinal), encoded))
}
