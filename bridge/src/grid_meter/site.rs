//! A grid meter that is asked by HTTP: which path is answered by what.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tokio::{sync::watch, time};

use crate::{
    grid_meter::{
        answer::{Clients, Step},
        ecotracker, homewizard,
        setup::Product,
        shelly::{
            self,
            socket::{self, Meter},
        },
        sum::Total,
    },
    http::{
        message::{Answer, Request, Verb},
        server::Site,
        upgrade::Socket,
    },
};

/// One of them.
#[derive(Debug)]
pub struct GridMeter {
    product: Product,
    serial: String,
    newest: watch::Receiver<Option<Total>>,
    shelly: Meter,
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
            (Product::Shelly, _) if request.verb != Verb::Other => self.shelly.answer(&request),
            _ if is_get => Answer::empty(404),
            _ => Answer::empty(405),
        }
    }

    fn has_socket(&self, path: &str) -> bool {
        self.product == Product::Shelly && path == shelly::PATH
    }

    async fn talk(&self, socket: Socket) {
        socket::converse(socket, self.shelly.clone()).await;
    }
}

impl GridMeter {
    /// A meter with this serial number.
    #[must_use]
    pub fn new(product: Product, serial: String, newest: watch::Receiver<Option<Total>>) -> Self {
        let shelly = Meter { serial: serial.clone(), started: Instant::now(), newest: newest.clone() };
        Self { product, serial, newest, shelly, clients: Mutex::default() }
    }

    /// What answers as a Shelly does.
    #[must_use]
    pub const fn shelly(&self) -> &Meter {
        &self.shelly
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
