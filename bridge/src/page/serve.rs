//! Opens the port, and answers what is asked there: the page and its data, `/metrics`.
//!
//! | path | what |
//! |---|---|
//! | `/` and its files | the page |
//! | `/events` | what happens, as it happens (server-sent events) |
//! | `/api/now` | what is known now |
//! | `/api/labels` | what each label means |
//! | `/api/energy`, `/api/energy.csv` | what a meter has counted |
//! | `/metrics` | for Prometheus |

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;
use tokio::{
    sync::{Mutex, Semaphore, mpsc, oneshot},
    task, time,
};
use tracing::{info, warn};

use crate::{
    archive::{keeper::Archive, prices::Names},
    group::inquiries::{Gathered, Inquiry},
    http::{
        listen,
        message::{Answer, Headers, Request, Verb},
        server::{self, Events, Site},
    },
    metrics::{
        exposition::{Family, Format},
        members,
    },
    page::{
        energy,
        feed::Door,
        files,
        hosts::Hosts,
        labels,
        password::{Lock, Verdict},
        query,
        setup::Setup,
        told::Told,
        wanted::Wanted,
    },
    prices::book::Book,
    words::{
        journal,
        language::{Language, Words},
    },
};

const ANSWERS: Words = Words::new("the page is at http://{}", "la page est à l'adresse http://{}");
const CANNOT: Words = Words::new(
    "page.listen: cannot answer at {}, which is tried again: {}",
    "page.listen : impossible de répondre à {}, nouvel essai : {}",
);
const METRICS: &str = "/metrics";
const EVENTS: &str = "/events";
const TEXT: &str = "text/plain; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";
const STRANGE_HOST: &str = "This bridge is not known by that name. Use its address, or add the name to page.hosts in bridge.toml.\n\
                            Cette passerelle n'est pas connue sous ce nom. Utilisez son adresse, ou ajoutez le nom à page.hosts dans bridge.toml.\n";
const PASSWORD: &str = "The password of this page is wanted.\nLe mot de passe de cette page est demandé.\n";
const LATER: &str = "Too many wrong passwords: try again in a while.\nTrop de mots de passe faux : réessayez dans un moment.\n";
const NOTHING_HERE: &str = "There is nothing here.\nIl n'y a rien ici.\n";
/// A request of another site's page, as its browser says.
const CROSS_SITE: &str = "cross-site";

/// What a browser may do with what it is given: nothing comes from elsewhere, nothing is sent elsewhere, no text becomes a script.
const SAFE: Headers = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'self'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-cache"),
    // Proxies must not hold events back.
    ("x-accel-buffering", "no"),
];

/// By this a browser asks for a password. One of any user is taken, so it is not said whose.
const CHALLENGE: Headers = &[("www-authenticate", "Basic realm=\"teleinfo\", charset=\"UTF-8\"")];
/// [`crate::page::guesses::EVERY`], in seconds.
const RETRY: Headers = &[("retry-after", "10")];

/// Whoever asks within this time is told the same: the main loop has other things to do.
const FRESH: Duration = Duration::from_secs(1);
/// How long the main loop may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many read the memory at a time.
const READERS: usize = 2;
/// So many ask the other members of a group what they remember at a time.
const ASKING: usize = 4;

/// What the main loop is asked for.
pub enum Question {
    /// All families of metrics.
    Metrics(oneshot::Sender<Vec<Family>>),
    /// What is known now, in this language.
    Now(Language, oneshot::Sender<Told>),
    /// What registers of a meter are called, and what they cost.
    Tariffs(MeterId, oneshot::Sender<(Names, Book)>),
    /// What the other members of the group say to this.
    Others(Inquiry, oneshot::Sender<Gathered>),
}

/// What the page shows, beside what the main loop knows.
pub struct Shown {
    /// The memory, if there is one.
    pub archive: Option<Archive>,
    /// What happens.
    pub door: Door,
    /// Whether there are others to ask.
    pub is_member: bool,
}

/// Opens the port, if one is wanted. Questions come by the channel.
#[must_use]
pub fn start(setup: Option<Setup>, shown: Shown) -> mpsc::Receiver<Question> {
    let (questions, asked) = mpsc::channel(1);
    if let Some(setup) = setup {
        let rules = Rules::new(&setup);
        tokio::spawn(serve(
            setup,
            Page {
                rules,
                shown,
                questions,
                metrics: Mutex::default(),
                now: Mutex::default(),
                reading: Semaphore::new(READERS),
                asking: Semaphore::new(ASKING),
            },
        ));
    }
    asked
}

async fn serve(Setup { listen, is_wanted, .. }: Setup, page: Page) {
    let cannot = |error: &std::io::Error| {
        let text = journal::say(CANNOT, &[&listen, error]);
        // Who has not asked for a page may need its port for something else.
        if is_wanted { warn!("{text}") } else { info!("{text}") }
    };
    let listener = listen::opened(listen, cannot).await;
    info!("{}", journal::say(ANSWERS, &[&listen]));
    server::serve(listener, Arc::new(page)).await;
}

/// Who may ask.
struct Rules {
    hosts: Hosts,
    proxies: Vec<IpAddr>,
    lock: Option<Lock>,
}

/// An answer of the main loop, and when it came.
type Known<T> = Mutex<Option<(Instant, T)>>;

/// Answers requests.
struct Page {
    rules: Rules,
    shown: Shown,
    questions: mpsc::Sender<Question>,
    /// What was last told.
    metrics: Known<Arc<[Family]>>,
    now: Mutex<HashMap<&'static str, (Instant, String)>>,
    /// Who reads the memory, ...
    reading: Semaphore,
    /// ... and who asks others for theirs.
    asking: Semaphore,
}

impl Site for Page {
    /// A browser keeps several, and may read slowly.
    const CONNECTIONS: usize = 160;

    async fn answer(&self, request: Request) -> Answer {
        let answer = match self.rules.refusal(&request) {
            Some(refusal) => refusal,
            None => self.find(&request).await,
        };
        answer.with(SAFE)
    }

    fn events(&self, request: &Request) -> Option<Events> {
        let is_asked = request.verb == Verb::Get && request.path == EVENTS && self.rules.refusal(request).is_none();
        is_asked.then(|| Events { headers: SAFE, events: Box::pin(self.shown.door.events()) })
    }
}

impl Rules {
    fn new(setup: &Setup) -> Self {
        Self { hosts: Hosts::new(&setup.hosts), proxies: setup.proxies.clone(), lock: setup.password.as_ref().map(Lock::new) }
    }

    /// Why nothing is told: a page from elsewhere may have made a name of its own lead here, or ask from within somebody's browser, or whoever asks has not the password.
    fn refusal(&self, request: &Request) -> Option<Answer> {
        if self.proxies.contains(&request.client) {
            return Self::of_elsewhere(request);
        }
        if !self.hosts.accepts(&request.host) {
            return Some(Answer::text(421, TEXT, STRANGE_HOST.to_owned()));
        }
        Self::of_elsewhere(request).or_else(|| self.locked(request))
    }

    fn locked(&self, request: &Request) -> Option<Answer> {
        match self.lock.as_ref()?.judge(request.client, &request.authorization, Instant::now()) {
            Verdict::Answer => None,
            Verdict::Ask => Some(Answer::text(401, TEXT, PASSWORD.to_owned()).with(CHALLENGE)),
            Verdict::Later => Some(Answer::text(429, TEXT, LATER.to_owned()).with(RETRY)),
        }
    }

    fn of_elsewhere(request: &Request) -> Option<Answer> {
        let is_page = request.path == "/";
        match request.verb {
            Verb::Get if request.site == CROSS_SITE && !is_page => Some(Answer::empty(403)),
            Verb::Get => None,
            _ => Some(Answer::empty(405)),
        }
    }
}

impl Page {
    async fn find(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            METRICS => self.metrics(Format::accepted(&request.accept)).await,
            "/api/now" => self.now(language(&request.query)).await,
            "/api/labels" => Answer::json_text(200, labels::json()),
            "/api/energy" => self.energy(&request.query, |told| Answer::json(200, told)).await,
            "/api/energy.csv" => self.energy(&request.query, |told| Answer::text(200, CSV, told.csv())).await,
            path => match files::find(path) {
                Some(file) => Answer::text(200, file.content_type, file.text.to_owned()),
                None => Answer::text(404, TEXT, NOTHING_HERE.to_owned()),
            },
        }
    }

    async fn metrics(&self, format: Format) -> Answer {
        // Those who ask at the same time wait for one answer.
        let mut known = self.metrics.lock().await;
        if let Some((_, families)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Answer::text(200, format.content_type(), format.text(families));
        }
        let gathered = self.gather(Inquiry::Metrics).await;
        let Some(families) = self.ask(Question::Metrics).await else { return Answer::empty(503) };
        let (_, families) = known.insert((Instant::now(), members::joined(families, gathered).into()));
        Answer::text(200, format.content_type(), format.text(families))
    }

    async fn now(&self, language: Language) -> Answer {
        let mut known = self.now.lock().await;
        let name = language.choose("en", "fr");
        if let Some((_, text)) = known.get(name).filter(|(at, _)| at.elapsed() < FRESH) {
            return Answer::json_text(200, text.clone());
        }
        // What this bridge knows itself is asked for last, so that it is the newest.
        let gathered = self.gather(Inquiry::Now(language)).await;
        let told = self.ask(|sender| Question::Now(language, sender)).await;
        let Some(text) = told.and_then(|told| serde_json::to_string(&told.joined(gathered)).ok()) else { return Answer::empty(503) };
        known.insert(name, (Instant::now(), text.clone()));
        Answer::json_text(200, text)
    }

    async fn energy(&self, query: &str, form: fn(&energy::Told) -> Answer) -> Answer {
        let wanted = match Wanted::of(query) {
            Ok(wanted) => wanted,
            Err(why) => return Answer::text(400, TEXT, format!("{why}\n")),
        };
        let Some(archive) = self.shown.archive.clone() else { return Answer::empty(404) };
        let Some((names, prices)) = self.ask(|sender| Question::Tariffs(wanted.meter, sender)).await else { return Answer::empty(503) };
        let gathered = {
            let Ok(_place) = self.asking.acquire().await else { return Answer::empty(503) };
            self.gather(energy::inquiry(wanted)).await
        };
        let Ok(_place) = self.reading.acquire().await else { return Answer::empty(503) };
        let read = task::spawn_blocking(move || energy::Told::read(wanted, &archive, gathered, &names, &prices).map(|told| form(&told)));
        match read.await {
            Ok(Ok(answer)) => answer,
            _ => Answer::empty(500),
        }
    }

    /// What other members say, if there are any. One that hangs is waited for no longer than [`crate::group::inquiries`] says.
    async fn gather(&self, inquiry: Inquiry) -> Gathered {
        if !self.shown.is_member {
            return Gathered::default();
        }
        self.ask(|sender| Question::Others(inquiry, sender)).await.unwrap_or_default()
    }

    /// Nothing if the bridge stops, or takes too long.
    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        let asked = async {
            self.questions.send(question(sender)).await.ok()?;
            answer.await.ok()
        };
        time::timeout(PATIENCE, asked).await.ok().flatten()
    }
}

fn language(text: &str) -> Language {
    if query::value(text, "lang") == Some("fr") { Language::French } else { Language::English }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::{
        archive::readings::Readings,
        daemon::credentials::Secret,
        metrics::exposition::{Kind, Metric},
        page::{feed::Feed, guesses},
        words::topics::Topics,
    };

    fn asks(host: &str, verb: Verb, path: &str) -> Request {
        let accept = "application/openmetrics-text; version=1.0.0".to_owned();
        let (client, site) = (Ipv4Addr::LOCALHOST.into(), String::new());
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            client,
            verb,
            path: path.into(),
            query: query.into(),
            host: host.into(),
            site,
            accept,
            body: Vec::new(),
            authorization: String::new(),
        }
    }

    fn page() -> (Page, mpsc::Receiver<Question>) {
        let (questions, asked) = mpsc::channel(1);
        let shown = Shown { archive: Archive::start(None, Box::new(|_| ())), door: Feed::new(Topics::default()).door(), is_member: false };
        let (reading, asking) = (Semaphore::new(READERS), Semaphore::new(ASKING));
        let rules = Rules { hosts: Hosts::new(&[]), proxies: Vec::new(), lock: None };
        (Page { rules, shown, questions, metrics: Mutex::default(), now: Mutex::default(), reading, asking }, asked)
    }

    #[tokio::test]
    async fn who_asks_often_asks_the_main_loop_once() {
        let (page, mut asked) = page();
        let loop_ = tokio::spawn(async move {
            let mut times = 0;
            while let Some(Question::Metrics(answer)) = asked.recv().await {
                times += 1;
                let metrics = vec![Metric::new(Vec::new(), times)];
                let _ = answer.send(vec![Family { name: "x".into(), kind: Kind::Gauge, unit: "".into(), help: "X.".into(), metrics }]);
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
            ("localhost", Verb::Get, "/nothing", 404),
            ("localhost", Verb::Get, "/api/energy?meter=x", 400),
        ] {
            assert_eq!(page.answer(asks(host, verb, path)).await.status, status, "{host} {path}");
        }
        let elsewhere = |path| Request { site: CROSS_SITE.into(), ..asks("localhost", Verb::Get, path) };
        let told = [page.answer(elsewhere("/api/now")).await.status, page.answer(elsewhere("/")).await.status];
        assert_eq!(told, [403, 200], "a link to the page is no harm");
        assert!(page.events(&elsewhere(EVENTS)).is_none() && page.events(&asks("evil.example", Verb::Get, EVENTS)).is_none());
        assert!(page.events(&asks("localhost", Verb::Get, EVENTS)).is_some());
        assert!(asked.is_empty());
    }

    #[tokio::test]
    async fn a_proxy_that_checks_who_asks_may_use_any_name_and_nobody_else_may() {
        let (page, _asked) = page();
        let proxy: IpAddr = "172.30.32.2".parse().unwrap();
        let lock = Some(Lock::new(&Secret::new("a long word")));
        let page = Page { rules: Rules { hosts: Hosts::new(&[]), proxies: vec![proxy], lock }, ..page };
        let asks = |client, host| Request { client, ..asks(host, Verb::Get, "/") };
        assert_eq!(page.answer(asks(proxy, "homeassistant.local:8123")).await.status, 200);
        let elsewhere = Request { site: CROSS_SITE.into(), path: "/api/now".into(), ..asks(proxy, "homeassistant.local:8123") };
        assert_eq!(page.answer(elsewhere).await.status, 403);
        let other = "172.30.32.3".parse().unwrap();
        assert_eq!(page.answer(asks(other, "homeassistant.local:8123")).await.status, 421);
        assert_eq!(page.answer(asks(other, "localhost")).await.status, 401);
    }

    #[tokio::test]
    async fn nothing_is_told_without_the_password() {
        let (page, asked) = page();
        let lock = Some(Lock::new(&Secret::new("a long word")));
        let page = Page { rules: Rules { lock, ..page.rules }, ..page };
        let with = |words: &str, path| Request { authorization: format!("Basic {words}"), ..asks("localhost", Verb::Get, path) };
        for path in ["/", "/page.js", "/api/now", "/metrics", "/nothing"] {
            let answer = page.answer(asks("localhost", Verb::Get, path)).await;
            assert_eq!((answer.status, answer.headers[0]), (401, CHALLENGE[0]), "{path}");
        }
        assert!(page.events(&asks("localhost", Verb::Get, EVENTS)).is_none() && asked.is_empty());
        // "me:a long word"
        assert_eq!(page.answer(with("bWU6YSBsb25nIHdvcmQ=", "/")).await.status, 200);
        assert!(page.events(&with("bWU6YSBsb25nIHdvcmQ=", EVENTS)).is_some());
        assert_eq!(page.answer(asks("evil.example", Verb::Get, "/")).await.status, 421, "a strange page is not asked for a password");
        for _ in 0..20 {
            page.answer(with("bWU6eA==", "/")).await;
        }
        let answer = page.answer(with("bWU6YSBsb25nIHdvcmQ=", "/")).await;
        assert_eq!((answer.status, answer.headers[0]), (429, RETRY[0]));
        assert_eq!(RETRY[0].1, guesses::EVERY.as_secs().to_string());
    }

    #[tokio::test]
    async fn a_browser_is_told_what_it_may_do() {
        let (page, _asked) = page();
        for path in ["/", "/page.js", "/nothing"] {
            let answer = page.answer(asks("localhost", Verb::Get, path)).await;
            assert!(
                answer.headers.iter().any(|(name, value)| *name == "content-security-policy" && value.starts_with("default-src 'none'"))
            );
        }
    }

    /// What a page tells of a meter that showed these indexes so many minutes after midnight.
    async fn table(step: &str, shown: &[(i64, u32)]) -> Vec<String> {
        let (page, mut asked) = page();
        let meter: MeterId = "041876097767".parse().unwrap();
        let midnight_ms = crate::hours::day::Day::from("2026-11-28").at(0) * 1_000;
        let archive = page.shown.archive.clone().unwrap();
        for (minute, wh) in shown {
            let readings = Readings { unix_ms: midnight_ms + minute * 60_000, indexes: vec![("BASE".into(), *wh)] };
            assert!(archive.handle_readings(meter, readings));
        }
        archive.finish().await;
        tokio::spawn(async move {
            while let Some(Question::Tariffs(_, answer)) = asked.recv().await {
                let _ = answer.send((Names::default(), Book::default()));
            }
        });
        let path = format!("/api/energy.csv?meter=041876097767&step={step}&from=2026-11-28&to=2026-11-29");
        let answer = page.answer(asks("localhost", Verb::Get, &path)).await;
        assert_eq!(answer.status, 200);
        answer.body.lines().skip(1).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn the_memory_is_told_as_a_table() {
        let lines = table("hour", &[(0, 1_000), (60, 1_250)]).await;
        assert_eq!((lines.len(), &*lines[0]), (24, "2026-11-27T23:00:00Z,2026-11-28T00:00:00Z,250,,,true,250"));
    }

    #[tokio::test]
    async fn a_day_that_has_just_begun_has_what_was_counted_so_far() {
        let shown = [(0, 1_000), (1, 1_004), (2, 1_009)];
        assert_eq!(table("day", &shown).await, ["2026-11-27T23:00:00Z,2026-11-28T23:00:00Z,9,,,false,9"]);
        assert_eq!(table("day", &shown[1..]).await, ["2026-11-27T23:00:00Z,2026-11-28T23:00:00Z,5,,,false,5"], "no full hour is known");
        let later = [(0, 1_000), (1, 1_004), (60, 1_250), (61, 1_255)];
        assert_eq!(table("day", &later).await, ["2026-11-27T23:00:00Z,2026-11-28T23:00:00Z,255,,,false,255"]);
    }

    #[tokio::test]
    async fn a_member_of_a_group_tells_what_the_others_remember() {
        let (page, mut asked) = page();
        let page = Page { shown: Shown { is_member: true, ..page.shown }, ..page };
        let midnight = crate::hours::day::Day::from("2026-11-28").at(0) / 60;
        tokio::spawn(async move {
            while let Some(question) = asked.recv().await {
                match question {
                    Question::Tariffs(_, answer) => drop(answer.send((Names::default(), Book::default()))),
                    Question::Others(inquiry, answer) => {
                        assert!(matches!(inquiry, Inquiry::Curves(_, _, first, _) if first == midnight));
                        let curve = format!("{{\"BASE\":[{midnight},1000,60,250]}}");
                        let answers = vec![("cellar".into(), curve), ("shed".into(), "nonsense".into())];
                        drop(answer.send(Gathered { own: Some("attic".into()), answers, silent: vec!["roof".into()] }));
                    }
                    _ => return,
                }
            }
        });
        let path = "/api/energy?meter=041876097767&step=day&from=2026-11-28&to=2026-11-29";
        let answer = page.answer(asks("localhost", Verb::Get, path)).await;
        let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((told["sum"]["withdrawn"].as_u64(), &told["silent"]), (Some(250), &serde_json::json!(["roof", "shed"])));
    }

    #[tokio::test]
    async fn a_bridge_that_stops_says_so() {
        let (page, asked) = page();
        drop(asked);
        assert_eq!(page.answer(asks("localhost", Verb::Get, "/metrics")).await.status, 503);
    }
}
