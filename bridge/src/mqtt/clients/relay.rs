//! Takes MQTT clients, and carries what they say to the plugin and back, each within bounds: connections, time, bytes of a message, bytes that
//! wait.
//!
//! The plugin listens on a port of this machine, where the relay connects for each client. What a client does not take waits here, where it is
//! counted, and never there: whatever the plugin sends is read at once.

use std::{
    fmt::Display,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        self, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Semaphore,
    time::{self, Instant},
};
use tracing::debug;

use crate::{
    hub::counters::Counter,
    mqtt::{
        Reporter,
        clients::{
            outbox::{Outbox, Shared, Unserved},
            packets::{Packets, Part},
        },
    },
    words::{
        inbound::{ClientTrouble, Inbound},
        journal,
        language::Words,
        limits::Limits,
    },
};

const TAKES_NOTHING: Words = Words::new(
    "the MQTT client at {} takes nothing, and {} bytes wait for it: its connection was ended",
    "le client MQTT à l'adresse {} ne prend rien, et {} octets l'attendent : sa connexion a été fermée",
);
const TAKES_SLOWLY: Words = Words::new(
    "the MQTT client at {} takes too slowly: {} messages for it were dropped so far",
    "le client MQTT à l'adresse {} prend trop lentement : {} messages pour lui ont été abandonnés jusqu'ici",
);
const SENDS_TOO_MUCH: Words = Words::new(
    "the MQTT client at {} sends a message of {} bytes, of at most {}: its connection was ended; a broker such as Mosquitto takes it",
    "le client MQTT à l'adresse {} envoie un message de {} octets, sur {} au plus : sa connexion a été fermée ; un broker comme Mosquitto le prend",
);
const TOO_MANY: Words = Words::new(
    "one more MQTT client, at {}, was refused: {} are connected, as many as there may be; a broker such as Mosquitto takes more",
    "un client MQTT de plus, à l'adresse {}, a été refusé : {} sont reliés, le maximum ; un broker comme Mosquitto en prend davantage",
);

/// How long something may last.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Until a client has said who it is, and was let in.
    introduction: Duration,
    /// How long a client may leave what waits for it. One that takes a byte meanwhile is slow, and stays.
    mute: Duration,
    /// What is left after a client's goodbye.
    goodbye: Duration,
}

const TIMES: Times = Times { introduction: Duration::from_secs(5), mute: Duration::from_secs(30), goodbye: Duration::from_secs(3) };
/// What the kernel holds of a connection, in each direction. It doubles the number.
const SOCKET_BYTES: usize = Limits::CLIENT_SOCKET_BYTES / 2;
/// Taken from a connection at once.
const PIECE: usize = 16 << 10;
/// Least time between two reports of one kind: what happens meanwhile is only counted.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);
/// Least time between two reports of one slow client.
const BETWEEN_DROPS: Duration = Duration::from_secs(10);
/// After an error of the listener, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// The port of the clients, and the one on which the plugin will listen.
#[derive(Debug)]
pub struct Doors {
    clients: TcpListener,
    /// It keeps the port of the plugin from being taken by chance; the plugin then listens beside it.
    _plugin: Socket,
    /// Where the plugin listens.
    pub plugin: SocketAddr,
}

impl Doors {
    /// Opens the port of the clients. They wait until `start`.
    ///
    /// # Errors
    /// In use, not allowed, or not an address of this machine.
    pub fn open(listen: SocketAddr) -> io::Result<Self> {
        let clients = TcpListener::bind(listen)?;
        clients.set_nonblocking(true)?;
        let plugin = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        plugin.set_reuse_address(true)?;
        plugin.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = plugin.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { clients, _plugin: plugin, plugin: address })
    }
}

/// Why a connection was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It did not say who it is, or was not let in.
    Unknown,
    /// It takes nothing, and so much waits.
    Mute(usize),
    /// It sends a message of so many bytes.
    TooLarge(usize),
    /// This is no MQTT.
    Malformed,
}

/// What all connections share.
#[derive(Debug)]
struct Relay {
    plugin: SocketAddr,
    times: Times,
    shared: Shared,
    reporter: Reporter,
    /// When something of each kind may be reported again.
    quiet_until: Mutex<[Instant; ClientTrouble::KINDS]>,
}

/// Lets clients in from now on.
///
/// # Errors
/// The port is none that can be waited for.
pub(in crate::mqtt) fn start(doors: Doors, reporter: Reporter) -> io::Result<()> {
    let listener = net::TcpListener::from_std(doors.clients)?;
    tokio::spawn(serve(listener, Arc::new(Relay::new(doors.plugin, TIMES, reporter))));
    Ok(())
}

async fn serve(listener: net::TcpListener, relay: Arc<Relay>) {
    let places = Arc::new(Semaphore::new(Limits::CLIENTS));
    loop {
        match listener.accept().await {
            Ok((client, address)) => {
                let (relay, address) = (relay.clone(), address.ip().to_canonical());
                match places.clone().try_acquire_owned() {
                    Ok(place) => {
                        tokio::spawn(async move {
                            relay.converse(client, address).await;
                            drop(place);
                        });
                    }
                    Err(_) => relay.refuse(address),
                }
            }
            Err(error) => {
                debug!("MQTT clients: {error}");
                time::sleep(PAUSE).await;
            }
        }
    }
}

impl Relay {
    fn new(plugin: SocketAddr, times: Times, reporter: Reporter) -> Self {
        Self {
            plugin,
            times,
            shared: Shared::new(Limits::CLIENTS_SHARED_BYTES),
            reporter,
            quiet_until: Mutex::new([Instant::now(); ClientTrouble::KINDS]),
        }
    }

    fn refuse(&self, address: IpAddr) {
        self.reporter.counters.count(Counter::ClientsRefused);
        self.report(ClientTrouble::TooMany, TOO_MANY, &[&address, &Limits::CLIENTS]);
    }

    async fn converse(&self, client: TcpStream, address: IpAddr) {
        let plugin = match TcpStream::connect(self.plugin).await {
            Ok(plugin) => plugin,
            Err(error) => return debug!("MQTT client {address}: {error}"),
        };
        bound(&client, true);
        bound(&plugin, false);
        let Err(fault) = self.carry(client, plugin, address).await else { return };
        debug!("MQTT client {address}: {fault:?}");
        self.reporter.counters.count(Counter::ClientsEnded);
        match fault {
            Fault::Mute(bytes) => self.report(ClientTrouble::Mute, TAKES_NOTHING, &[&address, &bytes]),
            Fault::TooLarge(bytes) => {
                self.report(ClientTrouble::TooLarge, SENDS_TOO_MUCH, &[&address, &bytes, &Limits::CLIENT_PACKET_BYTES])
            }
            // Whoever only looks which ports are open would fill the journal.
            Fault::Unknown | Fault::Malformed => {}
        }
    }

    /// One connection, to its end.
    async fn carry(&self, client: TcpStream, plugin: TcpStream, address: IpAddr) -> Result<(), Fault> {
        let ((from_client, to_client), (from_plugin, to_plugin)) = (client.into_split(), plugin.into_split());
        let outward = Outward {
            relay: self,
            address,
            outbox: Outbox::new(Limits::CLIENT_BYTES, self.shared.clone()),
            moved: Instant::now(),
            told: None,
            dropped: 0,
        };
        let outward = outward.carry(from_plugin, to_client);
        tokio::pin!(outward);
        tokio::select! {
            ended = &mut outward => ended,
            ended = inward(from_client, to_plugin) => {
                ended?;
                time::timeout(self.times.goodbye, outward).await.unwrap_or(Ok(()))
            }
        }
    }

    fn report(&self, trouble: ClientTrouble, words: Words, values: &[&dyn Display]) {
        let now = Instant::now();
        let mut quiet_until = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet_until = &mut quiet_until[trouble as usize];
        if now >= *quiet_until {
            *quiet_until = now + BETWEEN_REPORTS;
            self.reporter.report(Inbound::Client(trouble, journal::say(words, values).to_string()));
        }
    }
}

/// The kernel holds little of a connection: what waits is counted here. From the plugin much may come at once.
fn bound(stream: &TcpStream, is_client: bool) {
    let socket = SockRef::from(stream);
    let _ = stream.set_nodelay(true);
    let _ = socket.set_send_buffer_size(SOCKET_BYTES);
    if is_client {
        let _ = socket.set_recv_buffer_size(SOCKET_BYTES);
    }
}

/// What a client says, until it ends.
async fn inward(mut client: OwnedReadHalf, mut plugin: OwnedWriteHalf) -> Result<(), Fault> {
    let (mut packets, mut buffer) = (Packets::default(), vec![0; PIECE]);
    loop {
        let length = client.read(&mut buffer).await.unwrap_or(0);
        let bytes = &buffer[..length];
        check(&mut packets, bytes)?;
        if length == 0 || plugin.write_all(bytes).await.is_err() {
            // The plugin then ends its half too.
            let _ = plugin.shutdown().await;
            return Ok(());
        }
    }
}

/// The plugin would put a message together in its memory, however long it is.
fn check(packets: &mut Packets, mut bytes: &[u8]) -> Result<(), Fault> {
    while let Some(part) = packets.next_part(&mut bytes).map_err(|_| Fault::Malformed)? {
        if let Part::Head(head) = part
            && head.packet_bytes() > Limits::CLIENT_PACKET_BYTES
        {
            return Err(Fault::TooLarge(head.packet_bytes()));
        }
    }
    Ok(())
}

/// The way to a client.
struct Outward<'a> {
    relay: &'a Relay,
    address: IpAddr,
    outbox: Outbox,
    /// When the client last took something, or had nothing to take.
    moved: Instant,
    /// When it was last reported that messages for it were dropped, and how many were.
    told: Option<Instant>,
    dropped: u64,
}

impl Outward<'_> {
    /// Until the plugin has ended and all is taken, or the client is gone.
    async fn carry(mut self, mut plugin: OwnedReadHalf, mut client: OwnedWriteHalf) -> Result<(), Fault> {
        let times = self.relay.times;
        let (mut buffer, known_by, mut is_open) = (vec![0; PIECE], Instant::now() + times.introduction, true);
        loop {
            let waits = !self.outbox.next_bytes().is_empty();
            if !(waits || is_open) {
                return Ok(());
            }
            tokio::select! {
                length = plugin.read(&mut buffer), if is_open => match length {
                    Ok(0) | Err(_) => is_open = false,
                    Ok(length) => self.handle_bytes(&buffer[..length], waits)?,
                },
                length = client.write(self.outbox.next_bytes()), if waits => match length {
                    Ok(0) | Err(_) => return Ok(()),
                    Ok(length) => self.handle_sent(length),
                },
                () = time::sleep_until(self.moved + times.mute), if waits => return Err(Fault::Mute(self.outbox.held())),
                () = time::sleep_until(known_by), if !self.outbox.is_accepted() => return Err(Fault::Unknown),
            }
        }
    }

    fn handle_bytes(&mut self, bytes: &[u8], waits: bool) -> Result<(), Fault> {
        if !waits {
            self.moved = Instant::now();
        }
        let result = self.outbox.handle_bytes(bytes);
        let dropped = self.outbox.take_dropped();
        self.handle_dropped(dropped);
        result.map_err(|unserved| match unserved {
            Unserved::Malformed => Fault::Malformed,
            Unserved::Full => Fault::Mute(self.outbox.held()),
        })
    }

    fn handle_sent(&mut self, length: usize) {
        self.moved = Instant::now();
        self.outbox.handle_sent(length);
    }

    fn handle_dropped(&mut self, dropped: u64) {
        if dropped == 0 {
            return;
        }
        self.dropped += dropped;
        self.relay.reporter.counters.add(Counter::ClientMessagesDropped, dropped);
        let now = Instant::now();
        if self.told.is_none_or(|told| now >= told + BETWEEN_DROPS) {
            self.told = Some(now);
            self.relay.report(ClientTrouble::Slow, TAKES_SLOWLY, &[&self.address, &self.dropped]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hub::counters::Counters, mqtt::pair};

    const SHORT: Times = Times { introduction: Duration::from_millis(500), mute: Duration::from_secs(4), goodbye: Duration::from_secs(3) };
    const LET_IN: [u8; 4] = [0x20, 2, 0, 0];
    const CONNECT: [u8; 2] = [0x10, 0];
    /// More than the kernel holds of all sockets on the way.
    const MUCH: usize = 600;

    /// A message whose number stands behind its head.
    fn message(number: usize) -> Vec<u8> {
        let mut bytes = vec![0x30, 0x80 | (4_000 & 0x7f) as u8, (4_000 >> 7) as u8];
        bytes.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        bytes.resize(4_003, b'x');
        bytes
    }

    fn numbers(mut bytes: &[u8]) -> Vec<usize> {
        let mut numbers = Vec::new();
        while let Some((one, rest)) = bytes.split_at_checked(4_003) {
            assert_eq!(one[..3], message(0)[..3]);
            numbers.push(u32::from_be_bytes(one[3..7].try_into().unwrap()) as usize);
            bytes = rest;
        }
        numbers
    }

    /// A relay, the port that its connections come to, and what it counts and reports.
    struct Bench {
        relay: Arc<Relay>,
        clients: SocketAddr,
        plugin: net::TcpListener,
        counters: Counters,
        inbound: tokio::sync::mpsc::Receiver<Inbound>,
    }

    impl Bench {
        async fn new() -> Self {
            let plugin = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (clients, counters) = (listener.local_addr().unwrap(), Counters::default());
            let (_outlet, inlet, inbound) = pair(Limits::default(), counters.clone());
            let relay = Arc::new(Relay::new(plugin.local_addr().unwrap(), SHORT, inlet.reporter));
            tokio::spawn(serve(listener, relay.clone()));
            Self { relay, clients, plugin, counters, inbound }
        }

        /// A client, and where the plugin has it.
        async fn connected(&self) -> (TcpStream, TcpStream) {
            let client = TcpStream::connect(self.clients).await.unwrap();
            SockRef::from(&client).set_recv_buffer_size(32 << 10).unwrap();
            (client, self.plugin.accept().await.unwrap().0)
        }

        /// The same, once it has said who it is and was let in.
        async fn let_in(&self) -> (TcpStream, TcpStream) {
            let (mut client, mut plugin) = self.connected().await;
            client.write_all(&CONNECT).await.unwrap();
            plugin.read_exact(&mut [0; 2]).await.unwrap();
            plugin.write_all(&LET_IN).await.unwrap();
            client.read_exact(&mut [0; 4]).await.unwrap();
            (client, plugin)
        }

        async fn said(&mut self) -> String {
            match time::timeout(Duration::from_secs(20), self.inbound.recv()).await.unwrap() {
                Some(Inbound::Client(_, text)) => text,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn until_ended(stream: &mut TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.expect("it ends");
        bytes
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_ended_and_a_slow_one_beside_it_is_not() {
        let mut bench = Bench::new().await;
        let ((mute, mut to_mute), (mut slow, mut to_slow)) = (bench.let_in().await, bench.let_in().await);
        for number in 0..MUCH {
            to_mute.write_all(&message(number)).await.unwrap();
            to_slow.write_all(&message(number)).await.unwrap();
        }
        // Both have messages that wait: the relay has taken all of them.
        assert!(bench.relay.shared.taken() > 0);
        let (mut got, mut piece) = (Vec::new(), [0; 150_000]);
        while numbers(&got).last() != Some(&(MUCH - 1)) {
            let length = slow.read(&mut piece).await.unwrap();
            assert!(length > 0, "the slow one was ended");
            got.extend_from_slice(&piece[..length]);
            time::sleep(Duration::from_millis(20)).await;
        }
        assert!(numbers(&got).into_iter().eq(0..MUCH), "something is missing");
        let said = bench.said().await;
        assert!(said.contains("the MQTT client at 127.0.0.1 takes nothing"), "{said}");
        until_ended(&mut to_mute).await;
        assert_eq!((bench.counters.get(Counter::ClientsEnded), bench.counters.get(Counter::ClientMessagesDropped)), (1, 0));
        assert_eq!(bench.relay.shared.taken(), 0);
        drop(mute);
    }

    #[tokio::test]
    async fn whatever_comes_for_a_client_what_is_held_is_bounded() {
        let mut bench = Bench::new().await;
        let (_mute, mut to_mute) = bench.let_in().await;
        for number in 0..10_000 {
            to_mute.write_all(&message(number)).await.unwrap();
            assert!(bench.relay.shared.taken() <= Limits::CLIENTS_SHARED_BYTES);
        }
        let said = bench.said().await;
        assert!(said.contains("takes too slowly"), "{said}");
        assert!(bench.counters.get(Counter::ClientMessagesDropped) > 5_000);
    }

    #[tokio::test]
    async fn who_does_not_say_who_it_is_is_ended_and_leaves_its_place() {
        let mut bench = Bench::new().await;
        let mut silent = Vec::new();
        for _ in 0..Limits::CLIENTS {
            silent.push(bench.connected().await);
        }
        let mut refused = TcpStream::connect(bench.clients).await.unwrap();
        assert!(until_ended(&mut refused).await.is_empty());
        assert!(bench.said().await.contains("one more MQTT client, at 127.0.0.1, was refused: 64 are connected"));
        for (client, _) in &mut silent {
            until_ended(client).await;
        }
        assert_eq!((bench.counters.get(Counter::ClientsRefused), bench.counters.get(Counter::ClientsEnded)), (1, Limits::CLIENTS as u64));
        let (_client, _plugin) = bench.let_in().await;
        assert!(bench.inbound.try_recv().is_err(), "of silent ones nothing is said");
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_does_not_reach_the_plugin() {
        let mut bench = Bench::new().await;
        let (mut client, mut plugin) = bench.let_in().await;
        // 2 MB.
        client.write_all(&[0x30, 0x80, 0x80, 0x80, 0x01, 0, 0]).await.unwrap();
        assert!(bench.said().await.contains("sends a message of 2097157 bytes, of at most 131072"));
        assert!(until_ended(&mut plugin).await.is_empty());
        until_ended(&mut client).await;
    }

    #[tokio::test]
    async fn last_words_arrive_in_both_directions() {
        let bench = Bench::new().await;
        let (mut client, mut plugin) = bench.let_in().await;
        client.write_all(&[&message(1)[..], &[0xe0, 0]].concat()).await.unwrap();
        drop(client);
        let words = until_ended(&mut plugin).await;
        assert_eq!((numbers(&words), &words[4_003..]), (vec![1], &[0xe0, 0][..]));

        let (mut client, mut plugin) = bench.let_in().await;
        for number in 0..MUCH {
            plugin.write_all(&message(number)).await.unwrap();
        }
        drop(plugin);
        assert!(numbers(&until_ended(&mut client).await).into_iter().eq(0..MUCH));
        assert_eq!(bench.counters.get(Counter::ClientsEnded), 0);
    }
}
