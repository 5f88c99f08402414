//! Where the packets of MQTT begin and end (MQTT 3.1.1, section 2.2; the same in version 5): the kind in the upper half of the first byte, then
//! the length of what follows, in one to four bytes. What is in a packet is not looked at.

/// The first byte and four bytes of length.
const HEAD_MAX: usize = 5;

/// The kinds of packet that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// The answer to a client's first packet.
    ConnectAcknowledged,
    /// A message.
    Publish,
    /// Any other.
    Other,
}

/// The beginning of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub kind: PacketKind,
    bytes: [u8; HEAD_MAX],
    length: usize,
    /// Bytes that follow.
    pub body: usize,
}

impl Head {
    /// Its own bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The bytes of the whole packet.
    #[must_use]
    pub const fn packet_bytes(&self) -> usize {
        self.length + self.body
    }
}

/// A piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A packet begins.
    Head(Head),
    /// Bytes of the packet that began last.
    Body(&'a [u8]),
}

/// A length of more than four bytes: this is no MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Takes a stream apart, however it is cut.
#[derive(Debug, Clone, Copy, Default)]
pub struct Packets {
    head: [u8; HEAD_MAX],
    known: usize,
    /// Bytes that the packet still has.
    left: usize,
}

impl Packets {
    /// The next piece of what is in `input`, which is taken off it; `None` once more bytes are needed.
    ///
    /// # Errors
    /// This is no MQTT.
    pub fn next_part<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Part<'a>>, Malformed> {
        if self.left > 0 {
            let (body, rest) = input.split_at(self.left.min(input.len()));
            *input = rest;
            self.left -= body.len();
            return Ok((!body.is_empty()).then_some(Part::Body(body)));
        }
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            *self.head.get_mut(self.known).ok_or(Malformed)? = *byte;
            self.known += 1;
            // The upper bit of a byte of length says that one more follows.
            if self.known > 1 && byte & 0x80 == 0 {
                return Ok(Some(Part::Head(self.begin())));
            }
        }
        if self.known == HEAD_MAX { Err(Malformed) } else { Ok(None) }
    }

    fn begin(&mut self) -> Head {
        let length = std::mem::take(&mut self.known);
        let body = self.head[1..length].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        self.left = body;
        let kind = match self.head[0] >> 4 {
            2 => PacketKind::ConnectAcknowledged,
            3 => PacketKind::Publish,
            _ => PacketKind::Other,
        };
        Head { kind, bytes: self.head, length, body }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each head as its kind and the length of its body.
    type Heads = Vec<(PacketKind, usize)>;

    /// The heads, and all bytes again.
    fn parts(chunks: &[&[u8]]) -> Result<(Heads, Vec<u8>), Malformed> {
        let (mut packets, mut heads, mut bytes) = (Packets::default(), Vec::new(), Vec::new());
        for mut chunk in chunks.iter().copied() {
            while let Some(part) = packets.next_part(&mut chunk)? {
                match part {
                    Part::Head(head) => {
                        heads.push((head.kind, head.body));
                        bytes.extend_from_slice(head.bytes());
                    }
                    Part::Body(body) => bytes.extend_from_slice(body),
                }
            }
        }
        Ok((heads, bytes))
    }

    #[test]
    fn lengths_of_one_to_four_bytes() {
        // The table of the specification, section 2.2.3.
        for (length, body) in [
            (&[0x00][..], 0),
            (&[0x7f], 127),
            (&[0x80, 0x01], 128),
            (&[0xff, 0x7f], 16_383),
            (&[0x80, 0x80, 0x01], 16_384),
            (&[0xff, 0xff, 0xff, 0x7f], 268_435_455),
        ] {
            let head = [&[0x30], length].concat();
            assert_eq!(parts(&[&head]), Ok((vec![(PacketKind::Publish, body)], head.clone())));
        }
        assert_eq!(parts(&[&[0x30, 0xff, 0xff, 0xff, 0xff]]), Err(Malformed));
        assert_eq!(parts(&[&[0x30, 0xff, 0xff], &[0xff, 0xff, 0x01]]), Err(Malformed));
    }

    #[test]
    fn one_packet_after_the_other() {
        let stream = [0x20, 2, 0, 0, 0xd0, 0, 0x31, 3, b'a', b'b', b'c'];
        let (heads, bytes) = parts(&[&stream]).unwrap();
        assert_eq!(heads, [(PacketKind::ConnectAcknowledged, 2), (PacketKind::Other, 0), (PacketKind::Publish, 3)]);
        assert_eq!(bytes, stream);
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_it_has_the_same_packets(stream in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..9) {
            let whole = parts(&[&stream]);
            prop_assert_eq!(parts(&stream.chunks(size).collect::<Vec<_>>()), whole.clone());
            if let Ok((_, bytes)) = whole {
                prop_assert!(stream.starts_with(&bytes));
            }
        }
    }
}
