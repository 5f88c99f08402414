//! Opens the ports of the grid meters, and carries readings from the main loop to whoever asks.

use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use teleinfo_proto::tic::MeterId;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    grid_meter::{
        announce::{self, Announcer, Service},
        ecotracker, homewizard, identity,
        reading::Reading,
        setup::{Product, Setup},
        shelly,
        site::GridMeter,
        sum::{Sum, Total},
        sunspec::{self, registers::Layout},
    },
    http::{listen, server},
    words::{journal, language::Words},
};

const ANSWERS: Words = Words::new("the grid meter {} answers at {}", "le compteur de réseau {} répond à l'adresse {}");
const CANNOT: Words = Words::new(
    "grid-meter: {} cannot answer at {}, which is tried again: {}",
    "grid-meter : {} ne peut répondre à l'adresse {}, nouvel essai : {}",
);

/// The way of readings to all grid meters.
#[derive(Default)]
pub struct GridMeters {
    announcer: Option<Announcer>,
    feeds: Vec<(Sum, watch::Sender<Option<Total>>)>,
}

impl GridMeters {
    /// Opens a port for each of these.
    #[must_use]
    pub fn start(setups: &[Setup]) -> Self {
        let announcer = setups.iter().any(is_announced).then(Announcer::start).flatten();
        let feeds = setups.iter().map(|setup| {
            let (sender, newest) = watch::channel(None);
            tokio::spawn(serve(setup.clone(), newest, announcer.clone().filter(|_| is_announced(setup))));
            (Sum::new(&setup.meters), sender)
        });
        Self { feeds: feeds.collect(), announcer }
    }

    /// They answer no longer: whoever found them is told.
    pub async fn close(&mut self) {
        if let Some(announcer) = self.announcer.take() {
            announcer.close().await;
        }
    }

    /// A meter was read.
    pub fn handle_reading(&mut self, meter: MeterId, reading: &Reading) {
        for (sum, sender) in &mut self.feeds {
            if let Some(total) = sum.handle_reading(meter, reading) {
                sender.send_replace(Some(total));
            }
        }
    }
}

/// Serves as soon as the port can be opened: an address may come later than the bridge, and MQTT must not wait for it.
async fn serve(setup: Setup, newest: watch::Receiver<Option<Total>>, announcer: Option<Announcer>) {
    let cannot = |error: &io::Error| warn!("{}", journal::say(CANNOT, &[&setup.product.name(), &setup.listen, error]));
    let listener = listen::opened(setup.listen, cannot).await;
    info!("{}", journal::say(ANSWERS, &[&setup.product.name(), &setup.listen]));
    let serial = identity::serial(&setup);
    if let Some(announcer) = announcer {
        let services = services(&setup, &serial, announce::own_address(setup.listen));
        services.iter().for_each(|service| announcer.announce(setup.listen, service));
    }
    if setup.product == Product::Sunspec {
        let layout = Layout { model: setup.model, serial, scale_of_watts: if setup.meters.len() > 1 { 1 } else { 0 } };
        return sunspec::server::serve(listener, sunspec::server::Meter { layout, newest }).await;
    }
    let meter = Arc::new(GridMeter::new(setup.product, serial, newest));
    if setup.product == Product::Shelly {
        for port in shelly::udp::PORTS {
            let meter = meter.clone();
            let answer = move |request: &[u8]| meter.shelly().answer_datagram(request);
            tokio::spawn(shelly::udp::serve(SocketAddr::new(setup.listen.ip(), port), answer));
        }
    }
    server::serve(listener, meter).await;
}

fn is_announced(setup: &Setup) -> bool {
    setup.announce && announce::is_reachable(setup.listen)
}

/// By what it is found.
fn services(setup: &Setup, serial: &str, own: Option<Ipv4Addr>) -> Vec<Service> {
    match setup.product {
        Product::Ecotracker => ecotracker::services(serial, own),
        Product::Homewizard => homewizard::services(serial),
        Product::Shelly => shelly::services(serial),
        // Those who read it are given its address.
        Product::Sunspec => Vec::new(),
    }
}

/// The meters that any of these stands for.
#[must_use]
pub fn meters_of(setups: &[Setup]) -> BTreeSet<MeterId> {
    setups.iter().flat_map(|setup| setup.meters.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::{
        prelude::*,
        strategy::ValueTree,
        test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time,
    };

    use super::*;
    use crate::grid_meter::{shelly::values::tests::total, sunspec::registers::Model};

    const METER: &str = "021861000001";
    /// Strings of bytes that are thrown at each port.
    const THROWN: usize = 200;
    const SWITCH: &[u8] = b"GET /rpc HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const REGISTERS: &[u8] = &[0, 1, 0, 0, 0, 6, 1, 3, 0x9c, 0x40, 0, 4];

    /// A grid meter with a value.
    async fn started(product: Product) -> (SocketAddr, GridMeters) {
        let listen = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let meters = vec![METER.parse().unwrap()];
        let mut grid_meters = GridMeters::start(&[Setup { product, listen, meters, model: Model::ThreePhaseFloat, announce: false }]);
        grid_meters.handle_reading(METER.parse().unwrap(), &Reading { measured: Instant::now(), ..total().reading });
        (listen, grid_meters)
    }

    async fn connected(address: SocketAddr) -> TcpStream {
        loop {
            match TcpStream::connect(address).await {
                Ok(stream) => return stream,
                Err(_) => time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// The first bytes of what is said to these bytes, or fewer if the connection ends.
    async fn said(address: SocketAddr, bytes: &[u8], length: usize) -> Vec<u8> {
        let mut stream = connected(address).await;
        let mut answer = Vec::new();
        let _ = stream.write_all(bytes).await;
        let _ = time::timeout(Duration::from_secs(5), (&mut stream).take(length as u64).read_to_end(&mut answer)).await;
        answer
    }

    /// Throws bytes behind this beginning, and leaves at once.
    async fn throw(address: SocketAddr, beginning: &[u8]) {
        let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let strategy = proptest::collection::vec(any::<u8>(), 0..300);
        for _ in 0..THROWN {
            let bytes = [beginning, &strategy.new_tree(&mut runner).unwrap().current()].concat();
            let mut stream = connected(address).await;
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let _ = time::timeout(Duration::from_millis(100), stream.read(&mut [0])).await;
        }
    }

    #[tokio::test]
    async fn whatever_is_sent_others_are_still_answered() {
        let (shelly, _kept) = started(Product::Shelly).await;
        let get = b"GET /shelly HTTP/1.0\r\n\r\n";
        assert!(said(shelly, get, 15).await.starts_with(b"HTTP/1.0 200 OK"));
        for beginning in [b"GET /rpc/".as_slice(), b"POST /rpc HTTP/1.1\r\nContent-Length: 300\r\n\r\n", SWITCH] {
            throw(shelly, beginning).await;
            assert!(said(shelly, get, 15).await.starts_with(b"HTTP/1.0 200 OK"));
        }
        let (sunspec, _kept) = started(Product::Sunspec).await;
        for beginning in [b"".as_slice(), &REGISTERS[..7], &REGISTERS[..8]] {
            throw(sunspec, beginning).await;
            assert_eq!(said(sunspec, REGISTERS, 13).await, [0, 1, 0, 0, 0, 11, 1, 3, 8, 0x53, 0x75, 0x6e, 0x53]);
        }
    }

    #[tokio::test]
    async fn who_takes_all_places_keeps_nobody_out_for_ever() {
        for (product, asked, length) in
            [(Product::Homewizard, b"GET /api HTTP/1.0\r\n\r\n".as_slice(), 15), (Product::Sunspec, REGISTERS, 13)]
        {
            let (address, _kept) = started(product).await;
            assert_eq!(said(address, asked, length).await.len(), length);
            let mut places = Vec::new();
            for _ in 0..40 {
                places.push(TcpStream::connect(address).await.unwrap());
            }
            let waiting = tokio::spawn(async move { said(address, asked, length).await });
            time::sleep(Duration::from_millis(200)).await;
            assert!(!waiting.is_finished(), "{product:?}: more connections than places");
            places.clear();
            assert_eq!(waiting.await.unwrap().len(), length, "{product:?}");
        }
    }
}
