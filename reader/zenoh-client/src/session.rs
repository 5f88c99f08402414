//! One conversation with a router: bytes in, bytes out, events. No socket, no clock: `now` is an argument.
//!
//! Source: Zenoh protocol version 9 as zenoh 1.10 speaks it (zenoh-transport, `unicast/establishment`). A client sends InitSyn and gets
//! InitAck with a cookie (and a challenge, if the router wants a password). It sends OpenSyn with the cookie (and the answer), gets
//! OpenAck, and is *up*. From then on both sides send Frames with a sequence number. A side that has sent nothing for a quarter of its
//! lease sends a KeepAlive. A side that has heard nothing for the whole lease of the other side takes the session as lost.
//!
//! A message that cannot be read ends the session with an error: on a stream it is then unknown where the next message begins.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use zenoh_buffers::ZBuf;
use zenoh_buffers::buffer::{Buffer, SplitBuffer};
use zenoh_buffers::reader::DidntRead;
use zenoh_codec::{RCodec, WCodec, Zenoh080};
use zenoh_protocol::common::imsg;
use zenoh_protocol::core::{Bits, Field, Reliability, Resolution, WhatAmI, WireExpr, ZenohIdProto};
use zenoh_protocol::network::declare::{DeclareBody, DeclareFinal};
use zenoh_protocol::network::interest::{Interest, InterestMode};
use zenoh_protocol::network::{self, Mapping, NetworkBody, NetworkMessage, Push, Request};
use zenoh_protocol::transport::{self, Close, Fragment, InitAck, InitSyn, KeepAlive, Oam, OpenAck, OpenSyn, close, init, open};
use zenoh_protocol::zenoh::{PushBody, RequestBody};

use crate::aliases::Aliases;
use crate::auth::{self, Credentials};
use crate::entities::{Declaration, Entities};
use crate::error::{Error, SendError};
use crate::fragments::Fragments;
use crate::framing::{BATCH, CAPACITY, Inbox, Outbox, RESERVE, Written};
use crate::message;

/// How long the router waits for a sign of life before it counts this client as gone. It is less than Zenoh's ten seconds, because
/// until then whoever asks a queryable waits for the answer of a client that is no longer there.
const LEASE: Duration = Duration::from_secs(4);

/// A sign of life goes out four times per lease, as zenoh's own clients do it: three may be lost.
const KEEP_ALIVES_PER_LEASE: u32 = 4;

/// How long the handshake may take. A router answers within milliseconds, any other program behind that port never does.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The longest lease believed, so that arithmetic with it cannot overflow.
const LONGEST_LEASE: Duration = Duration::from_secs(3600);

/// The longest control message (handshake, keep-alive, goodbye), cookie and credentials not counted.
const CONTROL: usize = 256;

/// Queries that wait for the program at most; more get an empty answer at once.
const QUERIES_MAX: usize = 32;

/// Publications that wait for the program at most; more are dropped, as a publication may be anywhere on its way.
const PUBLICATIONS_MAX: usize = 32;

/// The longest body of a query, and the longest publication, that the program is given. With the limits above it bounds the memory.
const PAYLOAD_MAX: usize = 4096;

/// Who the client is to the router, new for every session. A router refuses a second session of the same id as long as it keeps the
/// first one, and after a silent cut it keeps that for the length of the lease.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// The session's id, random.
    pub id: [u8; 16],
    /// Where sequence numbers begin, random.
    pub first_sn: u32,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The handshake is done: messages are taken. `authenticated` if the router has asked for the password.
    Up {
        /// The router has checked our user and password.
        authenticated: bool,
    },
    /// Somebody asks one of the queryables.
    Query(Query),
    /// Somebody has published what a subscriber listens to.
    Publication(Publication),
    /// After `SendError::Full`: half of the transmit buffer is free again.
    Room,
}

/// A question: to be answered with any number of `reply`, then one `finish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// To be given back with the replies.
    pub id: QueryId,
    /// The key expression asked; it may be wider than the queryable's key.
    pub key: String,
    /// What follows the `?` of the selector: `from=...;until=...`.
    pub parameters: String,
    /// The bytes that came with the query. Most queries have none, and more than 4 kB are left out.
    pub body: Vec<u8>,
}

/// What somebody has published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Under this key.
    pub key: String,
    /// Its bytes, at most 4 kB; what is longer is left out.
    pub payload: Vec<u8>,
}

/// Which query, and of which session: a reply to a query of an earlier session must not go to anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryId {
    session: [u8; 16],
    request: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// InitSyn is sent, InitAck has not come.
    Init,
    /// OpenSyn is sent, OpenAck has not come.
    Open {
        authenticated: bool,
    },
    Up,
}

/// A client's session.
#[derive(Debug)]
pub struct Session {
    id: [u8; 16],
    phase: Phase,
    credentials: Option<Credentials>,
    inbox: Inbox,
    outbox: Outbox,
    fragments: Fragments,
    aliases: Aliases,
    entities: Entities,
    events: VecDeque<SessionEvent>,
    /// The next frame's sequence number, and where they wrap.
    sn: u32,
    mask: u32,
    /// The router's lease: how long it may be silent.
    lease: Duration,
    started: Instant,
    last_received: Instant,
    last_sent: Instant,
    /// The program has been told `Full` and waits for `Room`.
    room_wanted: bool,
}

impl Session {
    /// Begins a session: the first message is ready to be transmitted.
    pub fn new(identity: Identity, credentials: Option<Credentials>, now: Instant) -> Result<Self, Error> {
        let mut session = Self {
            id: identity.id,
            phase: Phase::Init,
            credentials,
            inbox: Inbox::default(),
            outbox: Outbox::new(),
            fragments: Fragments::default(),
            aliases: Aliases::default(),
            entities: Entities::default(),
            events: VecDeque::new(),
            sn: identity.first_sn,
            mask: sequence_mask(Bits::U32),
            lease: LEASE,
            started: now,
            last_received: now,
            last_sent: now,
            room_wanted: false,
        };
        session.send_init(identity)?;
        Ok(session)
    }

    /// Messages are taken.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Takes what the router has sent, in pieces of any size.
    pub fn handle_bytes(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Error> {
        self.last_received = now;
        let mut inbox = std::mem::take(&mut self.inbox);
        while let Some(batch) = inbox.next_batch(&mut bytes)? {
            self.handle_batch(batch)?;
        }
        self.inbox = inbox;
        Ok(())
    }

    /// Notices silence, sends signs of life. To be called at `poll_timeout`; earlier does no harm.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if !self.is_up() && now >= self.started + HANDSHAKE {
            return Err(Error::NoAnswer(HANDSHAKE));
        }
        if self.is_up() && now >= self.last_received + self.lease {
            return Err(Error::Silent(self.lease));
        }
        if self.keep_alive_due().is_some_and(|due| now >= due) {
            // There is room: it is due only when nothing else waits.
            let _ = self.send_control(CONTROL, &KeepAlive);
        }
        Ok(())
    }

    /// When `handle_timeout` has something to do.
    pub fn poll_timeout(&self) -> Instant {
        let silence = match self.phase {
            Phase::Up => self.last_received + self.lease,
            _ => self.started + HANDSHAKE,
        };
        self.keep_alive_due().map_or(silence, |due| due.min(silence))
    }

    /// What happened since the last call, one event at a time.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Bytes for the socket.
    pub fn transmit(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// The socket has taken that many of them.
    pub fn handle_sent(&mut self, count: usize, now: Instant) {
        self.outbox.consume(count);
        self.last_sent = now;
        self.announce();
        if self.room_wanted && self.outbox.room() >= CAPACITY / 2 {
            self.room_wanted = false;
            self.events.push_back(SessionEvent::Room);
        }
    }

    /// Publishes a payload under a key, all of it or nothing. It allocates nothing.
    pub fn publish(&mut self, key: &str, payload: &[u8]) -> Result<(), SendError> {
        let (sn, key) = (self.ready()?, self.entities.wire_key(key));
        self.outbox.append(message::bound(&key, payload), |out| message::publication(out, sn, &key, payload))?;
        self.advance();
        Ok(())
    }

    /// Says that nothing more comes under this key.
    pub fn delete(&mut self, key: &str) -> Result<(), SendError> {
        let (sn, key) = (self.ready()?, self.entities.wire_key(key));
        self.outbox.append(message::bound(&key, b""), |out| message::deletion(out, sn, &key))?;
        self.advance();
        Ok(())
    }

    /// Bytes of replies that are taken now. Part of the transmit buffer is kept for everything else.
    fn room(&self) -> usize {
        self.outbox.room().saturating_sub(RESERVE)
    }

    /// Sends one of the replies to a query. `Full`: go on after `SessionEvent::Room`. `Gone`: forget the query.
    pub fn reply(&mut self, query: QueryId, key: &str, payload: &[u8]) -> Result<(), SendError> {
        let rid = self.request(query)?;
        let (sn, key) = (self.ready()?, self.entities.wire_key(key));
        let bound = message::bound(&key, payload);
        if bound <= usize::from(BATCH) && bound > self.room() {
            self.room_wanted = true;
            return Err(SendError::Full);
        }
        self.outbox.append(bound, |out| message::reply(out, sn, rid, &key, payload))?;
        self.advance();
        Ok(())
    }

    /// Says that a query has had all its replies. `Full`: again after `SessionEvent::Room`.
    pub fn finish(&mut self, query: QueryId) -> Result<(), SendError> {
        let rid = self.request(query)?;
        let sn = self.ready()?;
        let sent = self.outbox.append(message::bound(&WireExpr::empty(), b""), |out| message::last_reply(out, sn, rid));
        self.room_wanted |= sent == Err(SendError::Full);
        sent?;
        self.advance();
        Ok(())
    }

    /// Declares something under a key, as soon as the session is up and there is room. What is declared already stays so.
    pub fn declare(&mut self, what: Declaration, key: &str) {
        self.entities.declare(what, key);
        self.announce();
    }

    /// Withdraws what was declared under a key, if it was.
    pub fn undeclare(&mut self, what: Declaration, key: &str) {
        self.entities.undeclare(what, key);
        self.announce();
    }

    /// Takes over what an earlier session had declared, to be declared to this router too.
    pub(crate) fn adopt(&mut self, entities: Entities) {
        self.entities = entities;
    }

    /// Gives back what is declared, for the next session.
    pub(crate) fn release(&mut self) -> Entities {
        let mut entities = std::mem::take(&mut self.entities);
        entities.forget_router();
        entities
    }

    /// Says goodbye. What `transmit` gives afterwards should still be sent, then the connection ended.
    pub fn close(&mut self) {
        // Without room the router does not read, and the end of the connection tells it the same.
        let _ = self.send_control(CONTROL, &Close { reason: close::reason::GENERIC, session: true });
    }

    fn handle_batch(&mut self, mut batch: &[u8]) -> Result<(), Error> {
        while let Some(header) = batch.first() {
            match imsg::mid(*header) {
                transport::id::FRAME => self.handle_frame(&mut batch)?,
                transport::id::FRAGMENT => self.handle_fragment(&mut batch)?,
                transport::id::KEEP_ALIVE => drop(read::<KeepAlive>(&mut batch, "an unreadable KeepAlive")?),
                transport::id::CLOSE => return Err(self.closed(read(&mut batch, "an unreadable Close")?)),
                transport::id::INIT => self.handle_init(&mut batch)?,
                transport::id::OPEN => self.handle_open(&mut batch)?,
                transport::id::OAM => drop(read::<Oam>(&mut batch, "an unreadable OAM message")?),
                _ => return Err(Error::Malformed("an unknown message")),
            }
        }
        Ok(())
    }

    fn handle_init(&mut self, batch: &mut &[u8]) -> Result<(), Error> {
        if self.phase != Phase::Init {
            return Err(Error::Malformed("an InitAck out of place"));
        }
        if let [_, version, ..] = **batch
            && version != zenoh_protocol::VERSION
        {
            return Err(Error::Version { theirs: Some(version) }); // before decoding: another version may have another layout
        }
        let ack: InitAck = read(batch, "an unreadable InitAck")?;
        self.mask = self.mask.min(sequence_mask(ack.resolution.get(Field::FrameSN)));
        self.sn &= self.mask;
        let nonce = ack.ext_auth.as_ref().and_then(|extension| auth::challenge(&extension.value));
        if self.credentials.is_some() && nonce.is_none() {
            // Whoever does not ask may be anybody.
            return Err(Error::PasswordNotAsked);
        }
        self.send_open(ack, nonce)
    }

    fn handle_open(&mut self, batch: &mut &[u8]) -> Result<(), Error> {
        let Phase::Open { authenticated } = self.phase else {
            return Err(Error::Malformed("an OpenAck out of place"));
        };
        let ack: OpenAck = read(batch, "an unreadable OpenAck")?;
        self.lease = ack.lease.min(LONGEST_LEASE);
        self.phase = Phase::Up;
        self.events.push_back(SessionEvent::Up { authenticated });
        self.announce();
        Ok(())
    }

    fn handle_frame(&mut self, batch: &mut &[u8]) -> Result<(), Error> {
        let _: transport::frame::FrameHeader = read(batch, "an unreadable Frame")?;
        self.expect_up()?;
        while batch.first().is_some_and(|header| imsg::mid(*header) >= network::id::INTEREST) {
            let message = read(batch, "an unreadable message in a Frame")?;
            self.handle_message(message)?;
        }
        Ok(())
    }

    fn handle_fragment(&mut self, batch: &mut &[u8]) -> Result<(), Error> {
        let fragment: Fragment = read(batch, "an unreadable Fragment")?;
        self.expect_up()?;
        // The best-effort channel carries publications only, and none that needs fragments is short enough to be taken.
        if fragment.reliability != Reliability::Reliable {
            return Ok(());
        }
        let Some(bytes) = self.fragments.push(&fragment, self.mask) else { return Ok(()) };
        let message = read(&mut &bytes[..], "an unreadable message in Fragments")?;
        self.handle_message(message)
    }

    fn expect_up(&self) -> Result<(), Error> {
        self.is_up().then_some(()).ok_or(Error::Malformed("a message before the end of the handshake"))
    }

    fn handle_message(&mut self, message: NetworkMessage) -> Result<(), Error> {
        match message.body {
            NetworkBody::Request(request) => self.handle_request(request),
            NetworkBody::Interest(interest) => self.handle_interest(&interest),
            NetworkBody::Declare(declare) => match declare.body {
                DeclareBody::DeclareKeyExpr(alias) => _ = self.aliases.declare(alias.id, &alias.wire_expr),
                DeclareBody::UndeclareKeyExpr(alias) => self.aliases.undeclare(alias.id),
                // The router's subscribers, queryables and tokens mean nothing to a client that does not ask for them.
                _ => {}
            },
            NetworkBody::Push(push) => self.handle_push(push),
            // A client that asks nothing expects no replies. OAM is between routers.
            NetworkBody::Response(_) | NetworkBody::ResponseFinal(_) | NetworkBody::OAM(_) => {}
        }
        Ok(())
    }

    fn handle_request(&mut self, request: Request) {
        let RequestBody::Query(query) = request.payload;
        let id = QueryId { session: self.id, request: request.id };
        let waiting = self.events.iter().filter(|event| matches!(event, SessionEvent::Query(_))).count();
        match self.whole_key(&request.wire_expr) {
            Some(key) if waiting < QUERIES_MAX => {
                let body = query.ext_body.and_then(|body| taken(&body.payload)).unwrap_or_default();
                self.events.push_back(SessionEvent::Query(Query { id, key, parameters: query.parameters, body }));
            }
            // An empty answer at once spares whoever asks the wait for a timeout. If even that does not fit, the timeout must do.
            _ => drop(self.finish(id)),
        }
    }

    /// A deletion says nothing to a subscriber of this client, and what nobody here listens to is dropped.
    fn handle_push(&mut self, push: Push) {
        let waiting = self.events.iter().filter(|event| matches!(event, SessionEvent::Publication(_))).count();
        let PushBody::Put(put) = push.payload else { return };
        let key = self.whole_key(&push.wire_expr).filter(|key| waiting < PUBLICATIONS_MAX && self.entities.is_subscribed(key));
        if let Some((key, payload)) = key.zip(taken(&put.payload)) {
            self.events.push_back(SessionEvent::Publication(Publication { key, payload }));
        }
    }

    /// The text of a key that the router has sent, which may begin with a number of the router's or of ours.
    fn whole_key(&self, key: &WireExpr<'_>) -> Option<String> {
        match key.mapping {
            Mapping::Receiver if key.scope != 0 => self.entities.declared_key(key.scope).map(|start| format!("{start}{}", key.suffix)),
            _ => self.aliases.resolve(key),
        }
    }

    /// Answers an Interest. Routers of today send none to a client, since they learn what it has from its declarations.
    fn handle_interest(&mut self, interest: &Interest) {
        if !matches!(interest.mode, InterestMode::Current | InterestMode::CurrentFuture) {
            return; // Future declarations are sent anyway.
        }
        let key = interest.wire_expr.as_ref().map(|key| self.whole_key(key).unwrap_or_default());
        for (key, body) in self.entities.matching(interest.options, key.as_deref()) {
            let _ = self.send_declare(&key, Some(interest.id), body);
        }
        let _ = self.send_declare("", Some(interest.id), DeclareBody::DeclareFinal(DeclareFinal));
    }

    /// What a Close means depends on when it comes: during the handshake it is the only way a router says no.
    fn closed(&self, message: Close) -> Error {
        match (self.phase, message.reason) {
            (Phase::Init, close::reason::INVALID) => Error::Version { theirs: None },
            (Phase::Init, close::reason::GENERIC) if self.credentials.is_none() => Error::PasswordMissing,
            (Phase::Open { authenticated: true }, close::reason::GENERIC) => Error::PasswordRefused,
            // By then the router has read every message of the handshake, and this is what Zenoh says for want of a place.
            (Phase::Open { .. }, close::reason::INVALID) | (_, close::reason::MAX_SESSIONS) => Error::Full,
            (_, reason) => Error::Closed(reason),
        }
    }

    fn send_init(&mut self, identity: Identity) -> Result<(), Error> {
        let zid = ZenohIdProto::try_from(identity.id).map_err(|_| Error::Malformed("an empty session id"))?;
        let offer = self.credentials.as_ref().and_then(|_| auth::offer().ok());
        let message = InitSyn {
            version: zenoh_protocol::VERSION,
            whatami: WhatAmI::Client,
            zid,
            resolution: Resolution::default(),
            batch_size: BATCH,
            ext_qos: None,
            ext_qos_link: None,
            ext_auth: offer.map(init::ext::Auth::new),
            ext_mlink: None,
            ext_lowlatency: None,
            ext_compression: None,
            ext_patch: init::ext::PatchType::CURRENT,
            ext_region_name: None,
        };
        self.send_control(CONTROL, &message).map_err(|_| Error::Malformed("an InitSyn too long"))
    }

    fn send_open(&mut self, ack: InitAck, nonce: Option<u64>) -> Result<(), Error> {
        let proof = self.credentials.as_ref().zip(nonce).and_then(|(credentials, nonce)| auth::answer(credentials, nonce).ok());
        self.phase = Phase::Open { authenticated: proof.is_some() };
        let bound = CONTROL + ack.cookie.len() + proof.as_ref().map_or(0, Buffer::len);
        let message = OpenSyn {
            lease: LEASE,
            initial_sn: self.sn,
            cookie: ack.cookie,
            ext_qos: None,
            ext_auth: proof.map(open::ext::Auth::new),
            ext_mlink: None,
            ext_lowlatency: None,
            ext_compression: None,
            ext_remote_bound: None,
        };
        self.send_control(bound, &message).map_err(|_| Error::Malformed("a cookie too long to send back"))
    }

    fn send_control<M>(&mut self, bound: usize, message: &M) -> Result<(), SendError>
    where
        Zenoh080: for<'m, 'o> WCodec<&'m M, &'o mut Vec<u8>, Output = Written>,
    {
        self.outbox.append(bound, |out| Zenoh080::new().write(out, message))
    }

    /// Sends the declarations and withdrawals that wait, as long as there is room.
    fn announce(&mut self) {
        while self.is_up()
            && let Some((key, body)) = self.entities.next()
            && self.send_declare(&key, None, body).is_ok()
        {
            self.entities.settle();
        }
    }

    fn send_declare(&mut self, key: &str, interest: Option<u32>, body: DeclareBody) -> Result<(), SendError> {
        let sn = self.ready()?;
        self.outbox.append(message::bound(&key.into(), b""), |out| message::declare(out, sn, interest, body))?;
        self.advance();
        Ok(())
    }

    /// The router's number of a query, if the query is of this session.
    fn request(&self, query: QueryId) -> Result<u32, SendError> {
        (query.session == self.id).then_some(query.request).ok_or(SendError::Gone)
    }

    /// The sequence number for the next frame, if frames may be sent.
    fn ready(&self) -> Result<u32, SendError> {
        self.is_up().then_some(self.sn).ok_or(SendError::Offline)
    }

    fn advance(&mut self) {
        self.sn = self.sn.wrapping_add(1) & self.mask;
    }

    /// When a sign of life is due. None is, while bytes wait for the socket: they are one, or will not get through either.
    fn keep_alive_due(&self) -> Option<Instant> {
        (self.is_up() && self.outbox.pending().is_empty()).then(|| self.last_sent + LEASE / KEEP_ALIVES_PER_LEASE)
    }
}

/// Reads one thing off the front of `bytes`. What cannot be read is an error and is never skipped.
fn read<'b, T>(bytes: &mut &'b [u8], what: &'static str) -> Result<T, Error>
where
    Zenoh080: for<'r> RCodec<T, &'r mut &'b [u8], Error = DidntRead>,
{
    Zenoh080::new().read(bytes).map_err(|_| Error::Malformed(what))
}

/// The bytes of a payload, unless it is longer than any that the program is given.
fn taken(payload: &ZBuf) -> Option<Vec<u8>> {
    (payload.len() <= PAYLOAD_MAX).then(|| payload.contiguous().into_owned())
}

/// Where sequence numbers wrap: so that their variable-length form has at most 1, 2 or 4 bytes (zenoh-transport, `common/seq_num.rs`).
/// A router ignores an OpenSyn whose first number lies beyond.
fn sequence_mask(bits: Bits) -> u32 {
    match bits {
        Bits::U8 => (1 << 7) - 1,
        Bits::U16 => (1 << 14) - 1,
        Bits::U32 | Bits::U64 => (1 << 28) - 1,
    }
}
