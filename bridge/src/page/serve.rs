//! Opens the port, and answers what is asked there: `/metrics`.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time,
};
use tracing::{info, warn};

use crate::{
    http::{
        listen,
        message::{Answer, Request, Verb},
        server::{self, Site},
    },
    metrics::exposition::{Family, Format},
    page::{hosts::Hosts, setup::Setup},
    words::{journal, language::Words},
};

const ANSWERS: Words = Words::new("metrics are at http://{}/metrics", "les mesures sont à l'adresse http://{}/metrics");
const CANNOT: Words = Words::new(
    "page.listen: cannot answer at {}, which is tried again: {}",
    "page.listen : impossible de répondre à {}, nouvel essai : {}",
);
const METRICS: &str = "/metrics";
const TEXT: &str = "text/plain; charset=utf-8";
const STRANGE_HOST: &str = "This bridge is not known by that name. Use its address, or add the name to page.hosts in bridge.toml.\n\
                            Cette passerelle n'est pas connue sous ce nom. Utilisez son adresse, ou ajoutez le nom à page.hosts dans bridge.toml.\n";
const NOTHING_HERE: &str = "There is nothing here but /metrics.\nIl n'y a rien ici que /metrics.\n";

/// Whoever asks within this time is told the same: the main loop has other things to do.
const FRESH: Duration = Duration::from_secs(1);
/// How long the main loop may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The main loop is asked for all families of metrics.
pub type Question = oneshot::Sender<Vec<Family>>;

/// Opens the port, if one is wanted. Questions come by the channel.
#[must_use]
pub fn start(setup: Option<Setup>) -> mpsc::Receiver<Question> {
    let (questions, asked) = mpsc::channel(1);
    if let Some(Setup { listen, hosts }) = setup {
        tokio::spawn(serve(listen, Page { hosts: Hosts::new(&hosts), questions, newest: Mutex::default() }));
    }
    asked
}

async fn serve(address: SocketAddr, page: Page) {
    let listener = listen::opened(address, |error| warn!("{}", journal::say(CANNOT, &[&address, error]))).await;
    info!("{}", journal::say(ANSWERS, &[&address]));
    server::serve(listener, Arc::new(page)).await;
}

/// Answers requests.
struct Page {
    hosts: Hosts,
    questions: mpsc::Sender<Question>,
    /// What was last told, and when.
    newest: Mutex<Option<(Instant, Arc<[Family]>)>>,
}

impl Site for Page {
    async fn answer(&self, request: Request) -> Answer {
        if !self.hosts.accepts(&request.host) {
            return Answer::text(421, TEXT, STRANGE_HOST.to_owned());
        }
        match (request.verb, request.path.as_str()) {
            (Verb::Get, METRICS) => self.metrics(Format::accepted(&request.accept)).await,
            (Verb::Get, _) => Answer::text(404, TEXT, NOTHING_HERE.to_owned()),
            _ => Answer::empty(405),
        }
    }
}

impl Page {
    async fn metrics(&self, format: Format) -> Answer {
        match time::timeout(PATIENCE, self.families()).await {
            Ok(Some(families)) => Answer::text(200, format.content_type(), format.text(&families)),
            _ => Answer::empty(503),
        }
    }

    /// Those who ask at the same time wait for one answer.
    async fn families(&self) -> Option<Arc<[Family]>> {
        let mut newest = self.newest.lock().await;
        if let Some((_, families)) = newest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Some(families.clone());
        }
        let (question, answer) = oneshot::channel();
        self.questions.send(question).await.ok()?;
        let families: Arc<[Family]> = answer.await.ok()?.into();
        *newest = Some((Instant::now(), families.clone()));
        Some(families)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::metrics::exposition::{Kind, Metric};

    fn asks(host: &str, verb: Verb, path: &str) -> Request {
        let accept = "application/openmetrics-text; version=1.0.0".to_owned();
        Request { client: Ipv4Addr::LOCALHOST.into(), verb, path: path.into(), host: host.into(), accept, body: Vec::new() }
    }

    fn page() -> (Page, mpsc::Receiver<Question>) {
        let (questions, asked) = mpsc::channel(1);
        (Page { hosts: Hosts::new(&[]), questions, newest: Mutex::default() }, asked)
    }

    #[tokio::test]
    async fn who_asks_often_asks_the_main_loop_once() {
        let (page, mut asked) = page();
        let loop_ = tokio::spawn(async move {
            let mut times = 0;
            while let Some(question) = asked.recv().await {
                times += 1;
                let metrics = vec![Metric::new(Vec::new(), times)];
                let _ = question.send(vec![Family { name: "x".into(), kind: Kind::Gauge, unit: "", help: "X.", metrics }]);
            }
            times
        });
        let first = page.answer(asks("127.0.0.1:8080", Verb::Get, "/metrics")).await;
        assert_eq!((first.status, first.body.as_str()), (200, "# TYPE x gauge\n# HELP x X.\nx 1\n# EOF\n"));
        for _ in 0..100 {
            assert_eq!(page.answer(asks("127.0.0.1:8080", Verb::Get, "/metrics")).await, first);
        }
        drop(page);
        assert_eq!(loop_.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_is_not_for_this_bridge_is_refused_and_asks_nothing() {
        let (page, asked) = page();
        for (host, verb, path, status) in [
            ("evil.example", Verb::Get, "/metrics", 421),
            ("", Verb::Get, "/metrics", 421),
            ("localhost", Verb::Post, "/metrics", 405),
            ("localhost", Verb::Get, "/", 404),
        ] {
            assert_eq!(page.answer(asks(host, verb, path)).await.status, status, "{host} {path}");
        }
        assert!(asked.is_empty());
    }

    #[tokio::test]
    async fn a_bridge_that_stops_says_so() {
        let (page, asked) = page();
        drop(asked);
        assert_eq!(page.answer(asks("localhost", Verb::Get, "/metrics")).await.status, 503);
    }
}
