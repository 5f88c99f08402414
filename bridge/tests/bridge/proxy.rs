//! A wire that can be cut: a TCP port that leads to another one, or nowhere.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Whole,
    /// Connections break and new ones too.
    Cut,
    /// Connections stand, but nothing passes.
    Stalled,
}

pub struct Proxy {
    pub port: u16,
    wire: Arc<watch::Sender<Wire>>,
}

impl Proxy {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(watch::Sender::new(Wire::Whole));
        let state = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, target, state.subscribe()));
            }
        });
        Self { port, wire }
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub fn cut(&self) {
        self.wire.send_replace(Wire::Cut);
    }

    pub fn stall(&self) {
        self.wire.send_replace(Wire::Stalled);
    }

    pub fn heal(&self) {
        self.wire.send_replace(Wire::Whole);
    }
}

async fn connect(client: TcpStream, target: u16, wire: watch::Receiver<Wire>) {
    if *wire.borrow() == Wire::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    let (client, server) = (client.into_split(), server.into_split());
    tokio::select! {
        () = carry(client.0, server.1, wire.clone()) => {}
        () = carry(server.0, client.1, wire.clone()) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wire: watch::Receiver<Wire>) {
    let mut buffer = [0; 4096];
    loop {
        if wire.wait_for(|wire| *wire != Wire::Stalled).await.is_err() {
            return;
        }
        let length = tokio::select! {
            biased;
            _ = wire.wait_for(|wire| *wire == Wire::Cut) => return,
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        // Stalled meanwhile: it waits with us.
        if wire.wait_for(|wire| *wire != Wire::Stalled).await.is_err() {
            return;
        }
        if length == 0 || *wire.borrow() == Wire::Cut || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
