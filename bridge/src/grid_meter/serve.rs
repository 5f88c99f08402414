//! Opens the ports of the grid meters, and carries readings from the main loop to whoever asks.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;
use tokio::{net::TcpListener, sync::watch, time};
use tracing::{info, warn};

use crate::{
    grid_meter::{
        announce::{self, Announcer, Service},
        answer::{Clients, Step},
        ecotracker, homewizard, identity,
        reading::Reading,
        setup::{Product, Setup},
        sum::{Sum, Total},
    },
    http::{
        message::{Answer, Request, Verb},
        server::{self, Site},
    },
};

/// A port that does not open is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);

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
            let meter = GridMeter { product: setup.product, serial: identity::serial(setup), newest, clients: Mutex::default() };
            tokio::spawn(serve(setup.clone(), meter, announcer.clone().filter(|_| is_announced(setup))));
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
async fn serve(setup: Setup, meter: GridMeter, announcer: Option<Announcer>) {
    let name = setup.product.name();
    let mut is_said = false;
    let listener = loop {
        match TcpListener::bind(setup.listen).await {
            Ok(listener) => break listener,
            Err(error) if !is_said => warn!("grid-meter: {name} cannot answer at {}, which is tried again: {error}", setup.listen),
            Err(_) => {}
        }
        is_said = true;
        time::sleep(AGAIN).await;
    };
    info!("the grid meter {name} answers at {}", setup.listen);
    if let Some(announcer) = announcer {
        let own = announce::own_address(setup.listen);
        meter.services(own).iter().for_each(|service| announcer.announce(setup.listen, service));
    }
    server::serve(listener, Arc::new(meter)).await;
}

fn is_announced(setup: &Setup) -> bool {
    setup.announce && announce::is_reachable(setup.listen)
}

/// The meters that any of these stands for.
#[must_use]
pub fn meters_of(setups: &[Setup]) -> BTreeSet<MeterId> {
    setups.iter().flat_map(|setup| setup.meters.iter().copied()).collect()
}

/// One grid meter that is asked.
struct GridMeter {
    product: Product,
    serial: String,
    newest: watch::Receiver<Option<Total>>,
    clients: Mutex<Clients>,
}

impl Site for GridMeter {
    async fn answer(&self, request: Request) -> Answer {
        let is_get = request.verb == Verb::Get;
        match (self.product, request.path.as_str()) {
            (Product::Ecotracker, ecotracker::PATH) if is_get => {
                let total = self.total(request.client).await;
                ecotracker::answer(total.as_ref(), &self.serial, Instant::now())
            }
            (Product::Homewizard, homewizard::DEVICE) if is_get => homewizard::device(&self.serial),
            (Product::Homewizard, homewizard::DATA) if is_get => homewizard::data(self.total(request.client).await.as_ref(), &self.serial),
            _ if is_get => Answer::empty(404),
            _ => Answer::empty(405),
        }
    }
}

impl GridMeter {
    /// By what it is found.
    fn services(&self, own: Option<Ipv4Addr>) -> Vec<Service> {
        match self.product {
            Product::Ecotracker => ecotracker::services(&self.serial, own),
            Product::Homewizard => homewizard::services(&self.serial),
        }
    }

    /// What this client is told now, after a short wait if that brings it a fresher value.
    async fn total(&self, client: IpAddr) -> Option<Total> {
        let asked = Instant::now();
        let mut newest = self.newest.clone();
        loop {
            let total = newest.borrow_and_update().clone();
            match self.step(client, total.as_ref(), asked) {
                Step::Tell => return total,
                Step::Refuse => return None,
                // A newer one, or none in time: either way the step is asked for again.
                Step::Wait(until) => {
                    if let Ok(Err(_)) = time::timeout_at(until.into(), newest.changed()).await {
                        return None;
                    }
                }
            }
        }
    }

    fn step(&self, client: IpAddr, total: Option<&Total>, asked: Instant) -> Step {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.poll_answer(client, total.map(|total| &total.reading), asked, Instant::now())
    }
}
