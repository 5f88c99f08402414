//! A Home Assistant that answers anything, one line for each command: no panic, an end, and nothing is sent to it that is no number.
#![no_main]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use teleinfo_bridge_fuzz::{
    adopt::join::{Reach, join},
    statistics::{
        answer,
        corrections::{corrections, forgotten, moved},
        costs::{Gap, right_sums, shared_sums},
        hours::{HOUR, Known},
        prices::{Told, means},
        recorder::{Commands, Error, Kept, Recorder},
        registry,
    },
    words::language::Language,
};

const REGISTRY: &str = "config/entity_registry/list";
/// Hours that a correction may touch: more than a reader holds, and far less than a liar can name.
const CORRECTED_MAX: usize = 24 * 32;

/// The lines that are still to be answered.
struct Liar<'a>(std::str::Lines<'a>);

impl Commands for Liar<'_> {
    async fn command(&mut self, command: Value) -> Result<Value, Error> {
        assert_are_numbers(&command["stats"]);
        assert_are_numbers(&command["adjustment"]);
        let line = self.0.next().ok_or_else(|| Error::Connection("no more lines".into()))?;
        let mut said = if command["type"] == REGISTRY { registry::read(line)? } else { answer::read(line)? };
        // Most lines answer the command that is asked.
        if let Some(said) = said.as_object_mut().filter(|said| !said.contains_key("event")) {
            said.insert("id".into(), json!(1));
            said.insert("type".into(), json!("result"));
        }
        answer::to(1, said).unwrap_or_else(|| Err(Error::Connection("an answer to something else".into())))
    }

    fn version(&self) -> &str {
        "2026.11.0"
    }
}

/// JSON has no infinity: it would be written as nothing.
fn assert_are_numbers(sent: &Value) {
    match sent {
        Value::Array(rows) => rows.iter().for_each(assert_are_numbers),
        Value::Object(row) => assert!(row.values().all(|value| !value.is_null()), "{row:?}"),
        _ => {}
    }
}

/// None of these futures waits for anything.
fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// What an index was, as a reader's history tells it.
fn known(start: i64) -> Option<Known> {
    (start % (3 * HOUR) == 0).then_some(Known { wh: start.rem_euclid(1_000_000) as f64, speed: 0.1, parts: 1 })
}

async fn correct(recorder: &mut Recorder<Liar<'_>>, kept: &Kept) -> Result<(), Error> {
    let rows = recorder.hours(kept, 1_700_000_000).await?;
    let newest = recorder.five_minutes(kept, 1_700_000_000).await?.pop();
    let fixed = corrections(&rows, newest, 30.0, known);
    assert!(fixed.len() <= CORRECTED_MAX && fixed.windows(2).all(|pair| pair[0].start < pair[1].start));
    assert!(moved(&rows, &fixed).is_finite());
    if let [first, .., last] = &rows[..] {
        let _ = forgotten(*first, *last);
    }
    recorder.import(kept, &fixed).await
}

async fn follow(recorder: &mut Recorder<Liar<'_>>, kept: &Kept) -> Result<(), Error> {
    let (energy, cost) = (recorder.sums(kept, 0).await?, recorder.sums(kept, 0).await?);
    let (states, rows) = recorder.prices(&kept.entity, 0, HOUR).await?;
    let (told, means) = (Told::of(&states), means(&rows));
    let Some((first, _)) = energy.first_key_value() else { return Ok(()) };
    let gap = Gap { first: *first, back: first.saturating_add(5 * HOUR) };
    let price = |hour| told.of_hour(hour).or_else(|| means.get(&hour).copied());
    for sums in [right_sums(gap, &energy, &cost, price), shared_sums(gap, &energy, &cost)].into_iter().flatten() {
        recorder.import_sums(kept, &sums).await?;
    }
    recorder.adjust(kept, *first, 1.0).await
}

async fn carry(recorder: &mut Recorder<Liar<'_>>, kept: &Kept) -> Result<(), Error> {
    let (old, ours) = (recorder.series(kept).await?, recorder.series(kept).await?);
    for reach in [Reach::Near, Reach::Any] {
        if let Ok(join) = join(&old, &ours, reach) {
            assert!(join.lift.is_finite() && join.hours <= old.len());
        }
    }
    recorder.import_series(kept, &ours).await
}

async fn talk(text: &str) -> Result<(), Error> {
    let mut recorder = Recorder::open(Liar(text.lines())).await?;
    let energies = recorder.energies();
    let _ = (recorder.costed().await, recorder.is_in_dashboard("sensor.a").await);
    for kept in energies.iter().take(4) {
        let _ = recorder.is_ours(kept);
        correct(&mut recorder, kept).await?;
        follow(&mut recorder, kept).await?;
        carry(&mut recorder, kept).await?;
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = done(talk(text));
    for line in text.lines() {
        if let Ok(said) = answer::read(line) {
            let locale = said["language"].as_str().unwrap_or_default().to_owned();
            assert!(answer::language(&said).is_none_or(|language| locale.starts_with("fr") || language == Language::English));
            let _ = answer::to(1, said);
        }
        if let Ok(list) = registry::read(line) {
            assert!(list["result"].as_array().is_none_or(|all| all.iter().all(|entry| entry["platform"] == "mqtt")));
        }
    }
});
