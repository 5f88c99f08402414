//! A serial port at the far end of a network: Telnet (RFC 854, 855) with the COM port control option (RFC 2217), without I/O.
//!
//! What arrives is handed in, and the bytes of the serial line are what is left of it. What is to be sent comes out. The option lets us ask for
//! a speed and a framing, and the far side answers with what it has set. Everything is bounded: nobody knows who answers at an address.

use teleinfo_proto::tic::Mode;

use crate::reading::Framing;

/// Commands of Telnet (RFC 854, "Telnet command structure").
const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

/// Options: bytes of eight bits (RFC 856), no "go ahead" (RFC 858), the serial port (RFC 2217).
const BINARY: u8 = 0;
const NO_GO_AHEAD: u8 = 3;
const COM_PORT: u8 = 44;

/// Commands of the option, as the client sends them (RFC 2217, section 3). The far side answers with the same number plus [`ANSWER`].
const SET_BAUDRATE: u8 = 1;
const SET_DATASIZE: u8 = 2;
const SET_PARITY: u8 = 3;
const SET_STOPSIZE: u8 = 4;
const SET_CONTROL: u8 = 5;
const ANSWER: u8 = 100;
/// Values of these commands.
const PARITY_NONE: u8 = 1;
const PARITY_EVEN: u8 = 3;
const ONE_STOP_BIT: u8 = 1;
const NO_FLOW_CONTROL: u8 = 1;

/// What is waiting to be sent, at most. A far side that asks for more without reading ours is no serial port.
const SEND_MAX: usize = 512;
/// Bytes of a subnegotiation that are looked at: an option, a command and a number of four bytes.
const LOOKED_AT: usize = 6;
/// A subnegotiation is no longer than this; a signature, the longest, is a line of text.
const SUBNEGOTIATION_MAX: usize = 1024;
/// CR, with or without the parity bit taken off. Outside of binary mode a NUL follows it, which the meter did not send (RFC 854).
const CR: u8 = b'\r';

/// The far side is no serial port of RFC 2217.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSpoken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Data,
    AfterCr,
    Command,
    Option(u8),
    Subnegotiation,
    SubnegotiationCommand,
}

/// What the far side has answered to the settings that were asked for last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Answers {
    baud: Option<u32>,
    data_size: Option<u8>,
    parity: Option<u8>,
}

/// One side of a Telnet connection to a serial port.
#[derive(Debug)]
pub struct Telnet {
    state: State,
    /// The beginning of the subnegotiation in progress, and its length so far.
    begun: [u8; LOOKED_AT],
    length: usize,
    is_agreed: bool,
    wanted: Option<(Mode, Framing)>,
    answers: Answers,
    /// Whether the settings were taken as they were asked for, once that is known and not told yet.
    verdict: Option<bool>,
    to_send: Vec<u8>,
    is_broken: bool,
}

impl Default for Telnet {
    fn default() -> Self {
        Self::new()
    }
}

impl Telnet {
    /// A connection that has just been made: it offers what we want.
    #[must_use]
    pub fn new() -> Self {
        let mut telnet = Self {
            state: State::Data,
            begun: [0; LOOKED_AT],
            length: 0,
            is_agreed: false,
            wanted: None,
            answers: Answers::default(),
            verdict: None,
            to_send: Vec::with_capacity(SEND_MAX),
            is_broken: false,
        };
        for (command, option) in [(WILL, COM_PORT), (DO, COM_PORT), (WILL, BINARY), (DO, BINARY), (DO, NO_GO_AHEAD)] {
            telnet.send(&[IAC, command, option]);
        }
        telnet
    }

    /// Takes what has arrived, and leaves the bytes of the serial line at its beginning; returns how many.
    ///
    /// # Errors
    /// The far side says that it is no serial port, or sends what no serial port does.
    pub fn handle_bytes(&mut self, bytes: &mut [u8]) -> Result<usize, NotSpoken> {
        let mut kept = 0;
        for index in 0..bytes.len() {
            if let Some(byte) = self.next(bytes[index]) {
                bytes[kept] = byte;
                kept += 1;
            }
        }
        if self.is_broken { Err(NotSpoken) } else { Ok(kept) }
    }

    /// Whether the far side has agreed to be a serial port.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        self.is_agreed
    }

    /// Asks for a speed and a framing, now or as soon as the far side has agreed.
    pub fn set(&mut self, speed: Mode, framing: Framing) {
        (self.wanted, self.answers, self.verdict) = (Some((speed, framing)), Answers::default(), None);
        self.ask();
    }

    /// Whether the settings asked for were taken as they are, once the far side has answered.
    pub fn poll_set(&mut self) -> Option<bool> {
        self.verdict.take()
    }

    /// What is to be sent.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        &self.to_send
    }

    /// So many bytes of it were sent.
    pub fn handle_sent(&mut self, count: usize) {
        self.to_send.drain(..count.min(self.to_send.len()));
    }

    /// One byte; a byte of the serial line, if it is one.
    fn next(&mut self, byte: u8) -> Option<u8> {
        let (state, data) = match (self.state, byte) {
            (State::Data | State::AfterCr, IAC) => (State::Command, None),
            (State::AfterCr, 0) => (State::Data, None),
            (State::Data | State::AfterCr, CR) => (State::AfterCr, Some(byte)),
            (State::Data | State::AfterCr, _) => (State::Data, Some(byte)),
            (State::Command, IAC) => (State::Data, Some(IAC)),
            (State::Command, WILL | WONT | DO | DONT) => (State::Option(byte), None),
            (State::Command, SB) => (self.begin(), None),
            (State::Command, _) => (State::Data, None),
            (State::Option(command), option) => (self.answer(command, option), None),
            (State::Subnegotiation, IAC) => (State::SubnegotiationCommand, None),
            (State::Subnegotiation, _) => (self.collect(byte), None),
            (State::SubnegotiationCommand, IAC) => (self.collect(IAC), None),
            (State::SubnegotiationCommand, _) => (self.end(byte == SE), None),
        };
        self.state = state;
        data
    }

    /// Answers an offer or a request (RFC 854): what we have asked for ourselves is settled by it, all else is refused.
    fn answer(&mut self, command: u8, option: u8) -> State {
        match (command, option) {
            (WILL | DO, COM_PORT) if !self.is_agreed => {
                self.is_agreed = true;
                self.ask();
            }
            // One of the two directions is enough: servers differ in which of them they offer.
            (WONT, COM_PORT) => {}
            (DONT, COM_PORT) => self.is_broken = true,
            (WILL | DO, BINARY | COM_PORT) | (WILL, NO_GO_AHEAD) => {}
            (DO, NO_GO_AHEAD) => self.send(&[IAC, WILL, NO_GO_AHEAD]),
            (WILL, _) => self.send(&[IAC, DONT, option]),
            (DO, _) => self.send(&[IAC, WONT, option]),
            _ => {}
        }
        State::Data
    }

    fn begin(&mut self) -> State {
        (self.begun, self.length) = ([0; LOOKED_AT], 0);
        State::Subnegotiation
    }

    fn collect(&mut self, byte: u8) -> State {
        if let Some(kept) = self.begun.get_mut(self.length) {
            *kept = byte;
        }
        self.length += 1;
        self.is_broken |= self.length > SUBNEGOTIATION_MAX;
        State::Subnegotiation
    }

    fn end(&mut self, is_whole: bool) -> State {
        let [option, command, a, b, c, d] = self.begun;
        if !is_whole || option != COM_PORT {
            return State::Data;
        }
        match (self.length, command.wrapping_sub(ANSWER)) {
            (LOOKED_AT, SET_BAUDRATE) => self.answers.baud = Some(u32::from_be_bytes([a, b, c, d])),
            (3, SET_DATASIZE) => self.answers.data_size = Some(a),
            (3, SET_PARITY) => self.answers.parity = Some(a),
            _ => return State::Data,
        }
        self.judge();
        State::Data
    }

    /// Compares what was answered with what was asked for, once all is answered.
    fn judge(&mut self) {
        let Answers { baud: Some(baud), data_size: Some(data_size), parity: Some(parity) } = self.answers else { return };
        if let Some((speed, framing)) = self.wanted {
            self.verdict = Some((baud, (data_size, parity)) == (speed.baud(), bits(framing)));
        }
    }

    fn ask(&mut self) {
        let Some((speed, framing)) = self.wanted.filter(|_| self.is_agreed) else { return };
        let (data_size, parity) = bits(framing);
        // None of these bytes is 255, which would have to be sent twice.
        let [a, b, c, d] = speed.baud().to_be_bytes();
        self.send(&[IAC, SB, COM_PORT, SET_BAUDRATE, a, b, c, d, IAC, SE]);
        for (command, value) in
            [(SET_DATASIZE, data_size), (SET_PARITY, parity), (SET_STOPSIZE, ONE_STOP_BIT), (SET_CONTROL, NO_FLOW_CONTROL)]
        {
            self.send(&[IAC, SB, COM_PORT, command, value, IAC, SE]);
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.to_send.len() + bytes.len() > SEND_MAX {
            self.is_broken = true;
        } else {
            self.to_send.extend_from_slice(bytes);
        }
    }
}

/// Bits of a character, and its parity.
fn bits(framing: Framing) -> (u8, u8) {
    match framing {
        Framing::SevenEven => (7, PARITY_EVEN),
        Framing::EightNone => (8, PARITY_NONE),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(telnet: &mut Telnet, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let kept = telnet.handle_bytes(&mut bytes).unwrap();
        bytes.truncate(kept);
        bytes
    }

    fn sent(telnet: &mut Telnet) -> Vec<u8> {
        let all = telnet.transmit().to_vec();
        telnet.handle_sent(all.len());
        all
    }

    fn agreed() -> Telnet {
        let mut telnet = Telnet::new();
        assert_eq!(taken(&mut telnet, &[IAC, DO, COM_PORT]), b"");
        assert!(telnet.is_agreed());
        sent(&mut telnet);
        telnet
    }

    fn answer(command: u8, value: &[u8]) -> Vec<u8> {
        [&[IAC, SB, COM_PORT, command + ANSWER], value, &[IAC, SE]].concat()
    }

    #[test]
    fn settings_are_asked_for_once_the_far_side_has_agreed() {
        let mut telnet = Telnet::new();
        assert!(sent(&mut telnet).starts_with(&[IAC, WILL, COM_PORT]));
        telnet.set(Mode::Standard, Framing::EightNone);
        assert_eq!(telnet.transmit(), b"", "nobody has said that there is a serial port");
        taken(&mut telnet, &[IAC, WILL, COM_PORT]);
        let asked = sent(&mut telnet);
        assert!(asked.starts_with(&[IAC, SB, COM_PORT, 1, 0, 0, 0x25, 0x80, IAC, SE, IAC, SB, COM_PORT, 2, 8, IAC, SE]), "{asked:?}");
        telnet.set(Mode::Historic, Framing::SevenEven);
        assert!(sent(&mut telnet).starts_with(&[IAC, SB, COM_PORT, 1, 0, 0, 0x04, 0xb0, IAC, SE, IAC, SB, COM_PORT, 2, 7, IAC, SE]));
    }

    #[test]
    fn the_answers_say_whether_the_settings_were_taken() {
        for (baud, size, parity, whole) in [(1200_u32, 7, 3, true), (1200, 8, 1, false), (9600, 7, 3, false)] {
            let mut telnet = agreed();
            telnet.set(Mode::Historic, Framing::SevenEven);
            taken(&mut telnet, &answer(SET_BAUDRATE, &baud.to_be_bytes()));
            taken(&mut telnet, &answer(SET_DATASIZE, &[size]));
            assert_eq!(telnet.poll_set(), None, "not all is answered");
            taken(&mut telnet, &answer(SET_PARITY, &[parity]));
            assert_eq!((telnet.poll_set(), telnet.poll_set()), (Some(whole), None));
        }
    }

    #[test]
    fn bytes_of_the_line_come_through_and_nothing_else() {
        let mut telnet = agreed();
        let notification = answer(6, &[0x60]);
        let bytes = [b"\x02\nADSC".as_slice(), &[IAC, IAC], &notification, b"\r\0\nEAST\r\n\r\0\x03", &[IAC, 241]].concat();
        assert_eq!(taken(&mut telnet, &bytes), b"\x02\nADSC\xff\r\nEAST\r\n\r\x03");
        assert_eq!(sent(&mut telnet), b"");
    }

    #[test]
    fn offers_of_other_things_are_refused_and_refusals_are_not_answered() {
        let mut telnet = agreed();
        taken(&mut telnet, &[IAC, WILL, 1, IAC, DO, 24, IAC, WONT, 1, IAC, DONT, 24, IAC, WILL, BINARY, IAC, DO, BINARY]);
        assert_eq!(sent(&mut telnet), [IAC, DONT, 1, IAC, WONT, 24]);
    }

    #[test]
    fn whoever_is_no_serial_port_is_found_out() {
        assert_eq!(Telnet::new().handle_bytes(&mut [IAC, DONT, COM_PORT]), Err(NotSpoken));
        let endless = [&[IAC, SB, COM_PORT][..], &[7; 2000]].concat();
        assert_eq!(agreed().handle_bytes(&mut endless.clone()), Err(NotSpoken));
        assert_eq!(agreed().handle_bytes(&mut [IAC, DO, 24].repeat(1000)), Err(NotSpoken), "it never reads what we answer");
    }

    proptest! {
        /// However the network cuts it, the same arrives, and the same is answered.
        #[test]
        fn cuts_change_nothing(parts in proptest::collection::vec(prop_oneof![
            Just(vec![IAC]), Just(vec![IAC, IAC]), Just(vec![IAC, SB, COM_PORT]), Just(vec![IAC, SE]), Just(vec![IAC, DO, 24]), Just(vec![13]),
            Just(vec![0]), Just(answer(SET_PARITY, &[3])), Just(answer(SET_DATASIZE, &[7])), Just(answer(SET_BAUDRATE, &[0, 0, 4, 176])),
            proptest::collection::vec(any::<u8>(), 1..4),
        ], 0..30), cut in 0_usize..200) {
            let bytes = parts.concat();
            let mut whole = agreed();
            whole.set(Mode::Historic, Framing::SevenEven);
            let mut halves = agreed();
            halves.set(Mode::Historic, Framing::SevenEven);
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let run = |telnet: &mut Telnet, bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                telnet.handle_bytes(&mut bytes).map(|kept| bytes[..kept].to_vec())
            };
            let at_once = run(&mut whole, &bytes);
            let one_by_one = run(&mut halves, first).and_then(|a| run(&mut halves, second).map(|b| [a, b].concat()));
            prop_assert_eq!(at_once.is_ok(), one_by_one.is_ok());
            if at_once.is_ok() {
                prop_assert_eq!(at_once, one_by_one);
                prop_assert_eq!(whole.transmit(), halves.transmit());
                prop_assert_eq!(whole.poll_set(), halves.poll_set());
            }
        }
    }

    /// What may happen, as the fuzz target takes it: in front of each step and of each byte stands that there is one, and a number says which
    /// step it is.
    enum Step {
        Arrives(Vec<u8>),
        Set(bool, bool),
        Sent(u16),
    }

    fn steps(steps: &[Step]) -> Vec<u8> {
        let one = |step: &Step| match step {
            Step::Arrives(bytes) => {
                let bytes: Vec<u8> = bytes.iter().flat_map(|byte| [1, *byte]).collect();
                [&[1, 0, 0, 0, 0][..], &bytes, &[0]].concat()
            }
            // The second third of all numbers.
            Step::Set(fast, even) => vec![1, 0x56, 0x55, 0x55, 0x55, u8::from(*fast), u8::from(*even)],
            Step::Sent(count) => [&[1, 0xab, 0xaa, 0xaa, 0xaa][..], &count.to_le_bytes()].concat(),
        };
        steps.iter().flat_map(one).collect()
    }

    /// What fuzzing begins with; `TELEINFO_WRITE_SEEDS=1` writes it anew.
    #[test]
    fn seeds_are_what_a_far_side_says() {
        let offer = [[IAC, DO, COM_PORT], [IAC, WILL, COM_PORT], [IAC, WILL, BINARY], [IAC, DO, BINARY]].concat();
        let taken =
            [answer(SET_BAUDRATE, &9_600_u32.to_be_bytes()), answer(SET_DATASIZE, &[7]), answer(SET_PARITY, &[PARITY_EVEN])].concat();
        let mut telnet = agreed();
        telnet.set(Mode::Standard, Framing::SevenEven);
        taken.chunks(5).for_each(|piece| assert_eq!(self::taken(&mut telnet, piece), b""));
        assert_eq!(telnet.poll_set(), Some(true), "the far side has set what was asked for");
        let data = [b"\x02\nEAST\t0", &[IAC, IAC][..], b"1"].concat();
        let seeds = [
            ("agreed", vec![Step::Set(true, true), Step::Arrives(offer), Step::Sent(40), Step::Arrives(taken), Step::Arrives(data)]),
            ("plain", vec![Step::Arrives(b"\x02\nADCO 012345678912 B\r\x03".to_vec())]),
            ("refused", vec![Step::Set(false, true), Step::Arrives(vec![IAC, DONT, COM_PORT]), Step::Arrives(b"text".to_vec())]),
        ];
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/telnet");
        for (name, seed) in seeds {
            let (path, bytes) = (directory.join(name), steps(&seed));
            if std::env::var_os("TELEINFO_WRITE_SEEDS").is_some() {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(&path, &bytes).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap_or_default(), bytes, "{}: TELEINFO_WRITE_SEEDS=1 writes it", path.display());
        }
    }
}
