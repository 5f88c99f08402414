//! Modbus TCP: requests to read holding registers are answered, all others refused, with bounds on connections and times.

use std::{
    future::{self, Ready},
    io,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time,
};
use tokio_io_timeout::TimeoutStream;
use tokio_modbus::{
    ExceptionCode, Request, Response,
    server::{Service, tcp::Server},
};
use tracing::debug;

use crate::grid_meter::{
    answer::fresh,
    sum::Total,
    sunspec::registers::{Layout, Refusal},
};

/// Connections at once: a house has a handful of clients.
const CONNECTIONS: usize = 32;
/// How long a connection may be silent: clients ask at least once a minute.
const SILENCE: Duration = Duration::from_secs(120);
/// How long a client may leave what it was sent.
const UNREAD: Duration = Duration::from_secs(10);
/// After an error of the listener, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// What is read.
#[derive(Debug)]
pub struct Meter {
    /// Its registers.
    pub layout: Layout,
    /// The newest values.
    pub newest: watch::Receiver<Option<Total>>,
}

/// One client of it.
struct Client {
    meter: Arc<Meter>,
    /// Until the connection ends.
    _place: OwnedSemaphorePermit,
}

/// Serves for ever.
pub async fn serve(listener: TcpListener, meter: Meter) {
    let (server, meter, places) = (Server::new(listener), Arc::new(meter), Arc::new(Semaphore::new(CONNECTIONS)));
    let connected = |stream, _| {
        let (meter, places) = (meter.clone(), places.clone());
        async move {
            // Beyond the limit a client waits until another one leaves.
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            Ok(Some((Client { meter, _place: place }, bounded(stream))))
        }
    };
    loop {
        let ended = server.serve(&connected, |error| debug!("modbus: {error}")).await;
        debug!("modbus: {ended:?}");
        time::sleep(PAUSE).await;
    }
}

/// A connection that ends when its client is silent, or no longer reads.
fn bounded(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNREAD));
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(Some(SILENCE));
    stream.set_write_timeout(Some(UNREAD));
    Box::pin(stream)
}

impl Service for Client {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Request<'static>) -> Self::Future {
        future::ready(self.meter.answer(&request, Instant::now()))
    }
}

impl Meter {
    fn answer(&self, request: &Request<'_>, now: Instant) -> Result<Response, ExceptionCode> {
        let Request::ReadHoldingRegisters(address, count) = request else { return Err(ExceptionCode::IllegalFunction) };
        let newest = self.newest.borrow();
        let read = self.layout.read(*address, *count, fresh(newest.as_ref(), now));
        read.map(Response::ReadHoldingRegisters).map_err(|refusal| match refusal {
            Refusal::Address => ExceptionCode::IllegalDataAddress,
            Refusal::Count => ExceptionCode::IllegalDataValue,
            Refusal::NoValue => ExceptionCode::GatewayTargetDevice,
        })
    }
}
