//! Shelly Pro 3EM: JSON-RPC by HTTP (`GET` and `POST`), WebSocket and UDP. Powers are W, energies Wh.
//!
//! Source: Shelly's API documentation (Gen2, RPC channels; EM, `EMData`), `aioshelly`, and the emulations that batteries are known to accept.
//! Only methods that read exist here. A meter of one phase is phase a; b and c are 0.
//! Begin with [`values`], what is measured; [`methods`] is the table of all that can be asked, [`rpc`] how it is asked and answered.
//! [`socket`] and [`udp`] carry it; HTTP does by [`crate::http`].

use crate::{
    grid_meter::{
        announce::Service,
        shelly::{
            methods::{FIRMWARE, MODEL, VERSION, device_id},
            rpc::Asked,
            socket::Meter,
        },
    },
    http::message::{Answer, Request},
};

pub mod methods;
pub mod rpc;
pub mod socket;
pub mod udp;
pub mod values;

/// Where frames go, and where the WebSocket opens.
pub const PATH: &str = "/rpc";
/// Who this is.
const DEVICE: &str = "/shelly";

/// What is announced. Real ones say generation 2; a Solakon takes 3 alone, and nobody minds.
#[must_use]
pub fn services(serial: &str) -> Vec<Service> {
    let (name, mac) = (device_id(serial), serial.to_ascii_uppercase());
    let pairs = [
        ("gen", "3"),
        ("app", MODEL),
        ("ver", VERSION),
        ("id", &name),
        ("mac", &mac),
        ("model", "SPEM-003CEBEU"),
        ("fw_id", FIRMWARE),
        ("arch", "esp32"),
    ];
    let properties: Vec<_> = pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    ["_shelly._tcp", "_http._tcp"].map(|kind| Service { kind, name: name.clone(), properties: properties.clone() }).to_vec()
}

impl Meter {
    /// What is answered by HTTP.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let (status, body) = match request.path.as_str() {
            DEVICE => self.now(rpc::device_info),
            PATH => match Asked::new(&request.body) {
                Some(asked) => (200, self.now(|moment| asked.answer(moment).0)),
                None => return Answer::empty(400),
            },
            path => match path.strip_prefix("/rpc/") {
                Some(method) => self.now(|moment| rpc::call(method, moment)),
                None => return Answer::empty(404),
            },
        };
        Answer::json_text(status, body)
    }

    /// What is answered by UDP: a result, or nothing.
    #[must_use]
    pub fn answer_datagram(&self, request: &[u8]) -> Option<String> {
        let (answer, is_result) = self.now(|moment| Asked::new(request).map(|asked| asked.answer(moment)))?;
        is_result.then_some(answer)
    }
}
