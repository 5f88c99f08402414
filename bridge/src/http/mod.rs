//! A small HTTP server: requests that read, with bounds on connections, sizes and times.
//!
//! [`message`] is what is asked and answered, [`listen`] opens a port, [`server`] carries requests, [`upgrade`] makes a WebSocket of a request; [`client`] asks a server elsewhere, if its [`address`] is one. What is answered stands with whoever serves. Headers are as
//! sparse as those of small devices: no date, no chunks.

pub mod address;
pub mod client;
pub mod listen;
pub mod message;
pub mod server;
pub mod upgrade;
