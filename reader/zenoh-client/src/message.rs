//! What a session sends, in Zenoh's encoding.
//!
//! Publications and replies are written piece by piece (header, key, payload), each piece by the codec: the codec's own `Push` and
//! `Response` own their key and payload, so building one would allocate for every publication. The tests hold the bytes against the
//! codec's whole messages.

use zenoh_codec::{WCodec, Zenoh080, Zenoh080Bounded};
use zenoh_protocol::core::{Reliability, WireExpr};
use zenoh_protocol::network::declare::{self, Declare, DeclareBody};
use zenoh_protocol::network::{RequestId, ResponseFinal, id, push, response};
use zenoh_protocol::transport::TransportSn;
use zenoh_protocol::transport::frame::{FrameHeader, ext};
use zenoh_protocol::zenoh;

use crate::framing::Written;

/// More than everything around key and payload: frame header, message headers, ids, lengths, extensions, and the slack the codec
/// wants in front of it when it writes a number.
const OVERHEAD: usize = 64;

/// The most bytes a message with this key and payload needs.
pub(crate) fn bound(key: &WireExpr<'_>, payload: &[u8]) -> usize {
    OVERHEAD + key.suffix.len() + payload.len()
}

/// A publication: Frame, Push, Put.
///
/// Its congestion control is Zenoh's default for publications, "drop": a stalled subscriber elsewhere must not stall the router.
pub(crate) fn publication(out: &mut Vec<u8>, sn: TransportSn, key: &WireExpr<'_>, payload: &[u8]) -> Written {
    push(out, sn, key)?;
    put(out, payload)
}

/// The word that nothing more comes under a key: Frame, Push, Del.
pub(crate) fn deletion(out: &mut Vec<u8>, sn: TransportSn, key: &WireExpr<'_>) -> Written {
    push(out, sn, key)?;
    Zenoh080::new().write(&mut *out, zenoh::id::DEL)
}

fn push(out: &mut Vec<u8>, sn: TransportSn, key: &WireExpr<'_>) -> Written {
    let codec = Zenoh080::new();
    frame(out, sn)?;
    codec.write(&mut *out, id::PUSH | push::flag::M | if key.has_suffix() { push::flag::N } else { 0 })?;
    codec.write(&mut *out, key)
}

/// One reply to a query: Frame, Response, Reply, Put. The router may not drop it on the way: whoever asks needs the answer.
pub(crate) fn reply(out: &mut Vec<u8>, sn: TransportSn, rid: RequestId, key: &WireExpr<'_>, payload: &[u8]) -> Written {
    let codec = Zenoh080::new();
    frame(out, sn)?;
    let named = if key.has_suffix() { response::flag::N } else { 0 };
    codec.write(&mut *out, id::RESPONSE | named | response::flag::M | response::flag::Z)?;
    codec.write(&mut *out, rid)?;
    codec.write(&mut *out, key)?;
    codec.write(&mut *out, (response::ext::QoSType::REQUEST, false))?;
    codec.write(&mut *out, zenoh::id::REPLY)?;
    put(out, payload)
}

fn put(out: &mut Vec<u8>, payload: &[u8]) -> Written {
    Zenoh080::new().write(&mut *out, zenoh::id::PUT)?;
    Zenoh080Bounded::<u32>::new().write(&mut *out, payload)
}

/// The end of the replies to a query.
pub(crate) fn last_reply(out: &mut Vec<u8>, sn: TransportSn, rid: RequestId) -> Written {
    frame(out, sn)?;
    Zenoh080::new().write(&mut *out, &ResponseFinal { rid, ext_qos: response::ext::QoSType::REQUEST, ext_tstamp: None })
}

/// A declaration, or its withdrawal; `interest` when it answers an Interest.
pub(crate) fn declare(out: &mut Vec<u8>, sn: TransportSn, interest: Option<u32>, body: DeclareBody) -> Written {
    frame(out, sn)?;
    let message = Declare {
        interest_id: interest,
        ext_qos: declare::ext::QoSType::DECLARE,
        ext_tstamp: None,
        ext_nodeid: declare::ext::NodeIdType::DEFAULT,
        body,
    };
    Zenoh080::new().write(&mut *out, &message)
}

fn frame(out: &mut Vec<u8>, sn: TransportSn) -> Written {
    Zenoh080::new().write(&mut *out, &FrameHeader { reliability: Reliability::Reliable, sn, ext_qos: ext::QoSType::DEFAULT })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zenoh_protocol::core::Encoding;
    use zenoh_protocol::network::{Mapping, NetworkBody, NetworkMessage, Push, Response};
    use zenoh_protocol::transport::Frame;
    use zenoh_protocol::zenoh::{ConsolidationMode, Del, PushBody, Put, Reply, ResponseBody};

    const KEY: &str = "sensors/012345678912/sample";

    /// The key as text, and as the number it was declared with.
    fn keys() -> [WireExpr<'static>; 2] {
        [WireExpr::from(KEY), WireExpr { scope: 300, suffix: "".into(), mapping: Mapping::Sender }]
    }

    fn put_body(payload: &[u8]) -> PushBody {
        PushBody::Put(Put { encoding: Encoding::empty(), payload: payload.to_vec().into(), ..Put::default() })
    }

    fn whole(sn: u32, body: NetworkBody) -> Vec<u8> {
        let payload = vec![NetworkMessage { body, reliability: Reliability::Reliable }];
        let frame = Frame { reliability: Reliability::Reliable, sn, ext_qos: ext::QoSType::DEFAULT, payload };
        let mut bytes = Vec::new();
        Zenoh080::new().write(&mut bytes, &frame).unwrap();
        bytes
    }

    #[test]
    fn a_publication_has_the_bytes_of_the_codecs_push() {
        for payload in [&b""[..], b"x", &[9; 127], &[9; 128], &[9; 5000]] {
            for (sn, key) in [0, 127, 128, (1 << 28) - 1].into_iter().flat_map(|sn| keys().map(|key| (sn, key))) {
                let mut bytes = Vec::new();
                publication(&mut bytes, sn, &key, payload).unwrap();
                assert!(bytes.len() + 9 <= bound(&key, payload));
                let expected = Push { wire_expr: key, ..Push::from(put_body(payload)) };
                assert_eq!(bytes, whole(sn, NetworkBody::Push(expected)));
            }
        }
    }

    #[test]
    fn a_deletion_has_the_bytes_of_the_codecs_push() {
        for key in keys() {
            let mut bytes = Vec::new();
            deletion(&mut bytes, 5, &key).unwrap();
            let body = PushBody::Del(Del { timestamp: None, ext_sinfo: None, ext_attachment: None, ext_unknown: vec![] });
            assert_eq!(bytes, whole(5, NetworkBody::Push(Push { wire_expr: key, ..Push::from(body) })));
        }
    }

    #[test]
    fn a_reply_has_the_bytes_of_the_codecs_response() {
        for (payload, key) in [&b""[..], &[9; 5000]].into_iter().flat_map(|payload| keys().map(|key| (payload, key))) {
            let mut bytes = Vec::new();
            reply(&mut bytes, 5, u32::MAX, &key, payload).unwrap();
            assert!(bytes.len() + 9 <= bound(&key, payload));
            let expected = Response {
                rid: u32::MAX,
                wire_expr: key,
                payload: ResponseBody::Reply(Reply {
                    consolidation: ConsolidationMode::DEFAULT,
                    ext_unknown: vec![],
                    payload: put_body(payload),
                }),
                ext_qos: response::ext::QoSType::REQUEST,
                ext_tstamp: None,
                ext_respid: None,
                ext_ts_stack: None,
            };
            assert_eq!(bytes, whole(5, NetworkBody::Response(expected)));
        }
    }
}
