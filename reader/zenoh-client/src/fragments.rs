//! Messages larger than a batch arrive in fragments. A query has a hundred bytes and needs none, but anyone may ask a query with a long
//! attachment, and that must neither end the session nor fill the memory.

use zenoh_protocol::transport::Fragment;

/// The longest message put together, in bytes; a longer one is left out.
const MESSAGE_LENGTH_MAX: usize = 64 * 1024;

/// The message in progress.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    bytes: Vec<u8>,
    /// Part of the message was too much or is missing: the rest of it is of no use.
    spoiled: bool,
    /// The sequence number of the next fragment.
    next: Option<u32>,
}

impl Fragments {
    /// Adds a fragment; `Some` when it was the last one of a message that is complete. `mask` is where sequence numbers wrap.
    pub(crate) fn push(&mut self, fragment: &Fragment, mask: u32) -> Option<Vec<u8>> {
        if fragment.ext_first.is_some() || self.next.is_none() {
            *self = Self::default();
        }
        self.spoiled |= fragment.ext_drop.is_some()
            || self.next.is_some_and(|next| next != fragment.sn)
            || self.bytes.len() + fragment.payload.len() > MESSAGE_LENGTH_MAX;
        self.next = Some(fragment.sn.wrapping_add(1) & mask);
        match self.spoiled {
            true => self.bytes = Vec::new(),
            false => self.bytes.extend_from_slice(&fragment.payload),
        }
        if fragment.more {
            return None;
        }
        let message = std::mem::take(self);
        (!message.spoiled).then_some(message.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zenoh_protocol::core::Reliability;
    use zenoh_protocol::transport::fragment::ext;

    const MASK: u32 = (1 << 28) - 1;

    fn fragment(sn: u32, more: bool, payload: &[u8]) -> Fragment {
        Fragment {
            reliability: Reliability::Reliable,
            more,
            sn,
            payload: payload.to_vec().into(),
            ext_qos: ext::QoSType::DEFAULT,
            ext_first: None,
            ext_drop: None,
        }
    }

    #[test]
    fn fragments_become_one_message_and_the_next_begins_anew() {
        let mut fragments = Fragments::default();
        for start in [MASK, 7] {
            assert_eq!(fragments.push(&fragment(start, true, b"ab"), MASK), None);
            assert_eq!(fragments.push(&fragment((start + 1) & MASK, false, b"c"), MASK).unwrap(), b"abc");
        }
    }

    #[test]
    fn a_message_with_a_hole_or_without_an_end_is_left_out() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.push(&fragment(1, true, b"a"), MASK), None);
        assert_eq!(fragments.push(&fragment(3, false, b"c"), MASK), None);
        assert_eq!(fragments.push(&fragment(4, true, b"a"), MASK), None);
        let first = Fragment { ext_first: Some(ext::First::new()), ..fragment(9, true, b"x") };
        assert_eq!(fragments.push(&first, MASK), None);
        assert_eq!(fragments.push(&fragment(10, false, b"y"), MASK).unwrap(), b"xy");
    }

    #[test]
    fn memory_is_bounded() {
        let mut fragments = Fragments::default();
        for sn in 0..100 {
            assert_eq!(fragments.push(&fragment(sn, true, &[0; 8000]), MASK), None);
            assert!(fragments.bytes.len() <= MESSAGE_LENGTH_MAX);
        }
        assert_eq!(fragments.push(&fragment(100, false, b""), MASK), None);
    }
}
