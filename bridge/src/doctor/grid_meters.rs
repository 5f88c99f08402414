//! What is said of each grid meter: does it answer where the configuration puts it, and has it a power.

use std::{io, net::SocketAddr, time::Duration};

use teleinfo_people::report::{Advice, Report};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use crate::{
    daemon::exit::ExitCode,
    grid_meter::setup::{Product, Setup},
    words::language::Words,
};

const GRID_METER: Words = Words::new("grid meter", "compteur de réseau");
const HAS_POWER: Words = Words::new("{} answers at {}, with a power", "{} répond à {}, avec une puissance");
const NO_POWER: Words = Words::new(
    "{} answers at {}, but has no power of the last 5 seconds: clients get an error",
    "{} répond à {}, mais n'a pas de puissance des 5 dernières secondes : les clients reçoivent une erreur",
);
const SILENT: Words = Words::new("{} does not answer at {}: {}", "{} ne répond pas à {} : {}");
const RIGHT: Words = Words::new(
    "a port below 1024 needs a right that docs/grid-meter.md tells; if the bridge has just started, wait some seconds",
    "un port sous 1024 demande un droit que dit docs/fr/grid-meter.md ; si la passerelle vient de démarrer, attendez quelques secondes",
);
const METERS_READ: Words = Words::new("is its meter read? see above", "son compteur est-il lu ? voir plus haut");

/// How long a grid meter may take: a client waits for a fresher value for up to a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks each of them. `look`: where a fault of the bridge itself is to be seen.
pub(super) async fn check(report: &mut Report<'_>, setups: &[Setup], look: &[Advice]) {
    for setup in setups {
        let answered = time::timeout(PATIENCE, has_power(setup)).await;
        say(report, setup, answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())), look);
    }
}

fn say(report: &mut Report<'_>, setup: &Setup, answered: io::Result<bool>, look: &[Advice]) {
    let (name, listen) = (setup.product.name(), setup.listen);
    match answered {
        Ok(true) => report.good(GRID_METER, &report.say(HAS_POWER, &[&name, &listen])),
        Ok(false) => report.doubt(GRID_METER, &report.say(NO_POWER, &[&name, &listen]), &[report.advise(METERS_READ, &[])]),
        Err(error) => {
            let advice = [&[report.advise(RIGHT, &[])], look].concat();
            report.wrong(GRID_METER, ExitCode::Unavailable, &report.say(SILENT, &[&name, &listen, &error]), &advice);
        }
    }
}

/// Asks for the power as a client does.
async fn has_power(setup: &Setup) -> io::Result<bool> {
    let ip = if setup.listen.ip().is_unspecified() { [127, 0, 0, 1].into() } else { setup.listen.ip() };
    let mut stream = TcpStream::connect(SocketAddr::new(ip, setup.listen.port())).await?;
    let path = match setup.product {
        Product::Ecotracker => "/v1/json",
        Product::Homewizard => "/api/v1/data",
        Product::Shelly => "/rpc/EM.GetStatus",
        Product::Sunspec => return has_registers(stream).await,
    };
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64).read_to_end(&mut answer).await?;
    match answer.get(9..12) {
        Some(b"200") => Ok(true),
        Some(b"500" | b"503") => Ok(false),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reads a register of the measurement (MODBUS Application Protocol V1.1b3 §6.3).
async fn has_registers(mut stream: TcpStream) -> io::Result<bool> {
    stream.write_all(&[0, 1, 0, 0, 0, 6, 1, 3, 0x9c, 0x87, 0, 1]).await?;
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).await?;
    match answer.get(7..9) {
        Some([3, _]) => Ok(true),
        Some([0x83, _]) => Ok(false),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_people::report::said;
    use tokio::{net::TcpListener, sync::watch};

    use super::*;
    use crate::{
        grid_meter::{setup::Setup, site::GridMeter, sunspec::registers::Model},
        http::server,
    };

    #[tokio::test]
    async fn each_is_asked_where_it_should_answer() {
        for product in [Product::Ecotracker, Product::Homewizard, Product::Shelly] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let listen = listener.local_addr().unwrap();
            let setup =
                Setup { product, listen, meters: vec!["021861000001".parse().unwrap()], model: Model::ThreePhaseFloat, announce: false };
            let (_sender, newest) = watch::channel(None);
            let meter = GridMeter::new(product, "021861000001".into(), newest);
            let server = tokio::spawn(server::serve(listener, meter.into()));
            let answered = has_power(&setup).await;
            let (text, code) = said(|report| say(report, &setup, answered, &[]));
            assert!(text.contains("??") && text.contains(product.name()) && code.is_none(), "{text}");
            server.abort();
            let _ = server.await;
            let gone = has_power(&setup).await;
            let (text, code) = said(|report| say(report, &setup, gone, &[]));
            assert!(text.contains("!!") && code == Some(ExitCode::Unavailable), "{text}");
        }
    }
}
