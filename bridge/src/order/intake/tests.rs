//! A reader with a history, a lossy way to the intake, and what must come out.

use proptest::prelude::*;

use super::*;

fn sample(boot: u64, sequence: u64) -> Received {
    Received {
        boot: BootId::new(boot),
        sequence,
        kind: SampleKind::Frame { complete: true },
        meter: "012345678912".parse().unwrap(),
        unix_ms: i64::try_from(boot * 1_000_000 + sequence * 1_000).unwrap(),
        uptime_ms: sequence * 1_000,
        bytes: Vec::new(),
    }
}

fn samples(boot: u64, sequences: impl IntoIterator<Item = u64>) -> Vec<Received> {
    sequences.into_iter().map(|sequence| sample(boot, sequence)).collect()
}

/// Everything the intake hands on now, as `(boot, sequence)`.
fn drain(intake: &mut Intake, now: Instant) -> Vec<(u64, u64)> {
    drain_tenses(intake, now).into_iter().map(|(name, _)| name).collect()
}

/// The same, with the tense of each.
fn drain_tenses(intake: &mut Intake, now: Instant) -> Vec<((u64, u64), Tense)> {
    std::iter::from_fn(|| intake.poll_sample(Room::Past, now))
        .map(|InOrder { received, tense }| ((received.boot.get(), received.sequence), tense))
        .collect()
}

/// The same without room for the past.
fn drain_pressed(intake: &mut Intake, now: Instant) -> Vec<((u64, u64), Tense)> {
    std::iter::from_fn(|| intake.poll_sample(Room::Newest, now))
        .map(|InOrder { received, tense }| ((received.boot.get(), received.sequence), tense))
        .collect()
}

fn arrive(intake: &mut Intake, boot: u64, sequences: impl IntoIterator<Item = u64>) {
    arrive_at(intake, boot, sequences, Instant::now());
}

fn arrive_at(intake: &mut Intake, boot: u64, sequences: impl IntoIterator<Item = u64>, now: Instant) {
    for sample in samples(boot, sequences) {
        intake.handle_arrival(sample, now);
    }
}

fn of(boot: u64, sequences: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    sequences.into_iter().map(|sequence| (boot, sequence)).collect()
}

#[test]
fn the_first_sample_that_arrives_is_the_beginning() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, 500..503);
    assert_eq!(drain(&mut intake, now), of(1, 500..503));
    assert_eq!(intake.poll_question(now), None);
    assert_eq!(intake.tally().lost, 0);
}

#[test]
fn duplicates_are_dropped() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 1, 2]);
    assert_eq!(drain(&mut intake, now), of(1, 1..3));
    arrive(&mut intake, 1, [2, 1, 3]);
    assert_eq!(drain(&mut intake, now), of(1, [3]));
    assert_eq!(intake.tally().duplicates, 3);
}

#[test]
fn a_gap_is_filled_before_what_follows() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 2, 6]);
    assert_eq!(drain(&mut intake, now), of(1, 1..3));
    let question = intake.poll_question(now).unwrap();
    assert_eq!((question.boot, question.sequence), (BootId::new(1), 2));
    assert_eq!(intake.poll_question(now), None, "asked once");
    arrive(&mut intake, 1, [7]);
    assert_eq!(drain(&mut intake, now), [], "nothing overtakes");
    intake.handle_answer(samples(1, 1..7), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(1, 3..8));
    let tally = intake.tally();
    assert_eq!((tally.recovered, tally.lost), (4, 0));
}

#[test]
fn after_a_gap_only_the_newest_is_the_present() {
    use Tense::{Past, Present};
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive_at(&mut intake, 1, [1, 4], now);
    assert_eq!(drain_tenses(&mut intake, now), [((1, 1), Present)]);
    intake.poll_question(now).unwrap();
    arrive_at(&mut intake, 1, [5], now);
    // The history has what arrived too.
    intake.handle_answer(samples(1, 1..6), Outcome::Complete);
    let tenses = drain_tenses(&mut intake, now);
    assert_eq!(tenses, [((1, 2), Past), ((1, 3), Past), ((1, 4), Past), ((1, 5), Present)]);
}

/// A live sample behind the frame with this number.
fn live(boot: u64, sequence: u64) -> Received {
    Received { kind: SampleKind::Live, ..sample(boot, sequence) }
}

#[test]
fn a_live_sample_is_the_present_until_its_frame_comes() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    intake.handle_arrival(live(1, 0), now);
    assert_eq!(drain(&mut intake, now), [], "of a meter that no frame was seen of nothing is told");
    arrive(&mut intake, 1, [1]);
    intake.handle_arrival(live(1, 1), now);
    intake.handle_arrival(live(1, 1), now);
    assert_eq!(drain(&mut intake, now), of(1, [1, 1, 1]), "a frame and two live samples behind it");
    intake.handle_arrival(live(1, 1), now);
    arrive(&mut intake, 1, [2]);
    assert_eq!(drain(&mut intake, now), of(1, [2]), "the frame repeats it");
    intake.handle_arrival(live(1, 1), now);
    intake.handle_arrival(live(2, 2), now);
    assert_eq!(drain(&mut intake, now), [], "what comes late, and what another run says");
    let tally = intake.tally();
    assert_eq!((tally.taken, tally.live, tally.lost, tally.duplicates), (2, 2, 0, 0));
    assert_eq!(intake.poll_question(now), None);
}

#[test]
fn a_live_sample_does_not_wait_for_what_is_missing_and_nothing_asks_for_it() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 4]);
    intake.handle_arrival(live(1, 4), now);
    assert_eq!(drain(&mut intake, now), of(1, [1, 4]), "the frame, and the live sample that is newer than any frame");
    assert_eq!(intake.tally().live, 1);
    assert!(intake.poll_question(now).is_some(), "frames are missing");
    intake.handle_answer(samples(1, 2..5), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(1, 2..5));
}

#[test]
fn live_samples_that_wait_grow_old_and_are_bounded() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1]);
    drain(&mut intake, now);
    (0..1_000).for_each(|_| intake.handle_arrival(live(1, 1), now));
    assert_eq!(drain(&mut intake, now).len(), 32);
    intake.handle_arrival(live(1, 1), now);
    assert_eq!(drain(&mut intake, now + Duration::from_secs(3)), []);
}

#[test]
fn what_waited_for_long_is_the_past_where_something_newer_came() {
    use Tense::{Past, Present};
    let start = Instant::now();
    let mut intake = Intake::new(Marks::default());
    let seconds = |seconds| start + Duration::from_secs(seconds);
    for second in 1..=5 {
        arrive_at(&mut intake, 1, [second], seconds(second));
    }
    let tenses: Vec<_> = drain_tenses(&mut intake, seconds(5)).into_iter().map(|(_, tense)| tense).collect();
    assert_eq!(tenses, [Past, Past, Present, Present, Present], "two seconds are no gap");
    arrive_at(&mut intake, 1, [6], seconds(6));
    assert_eq!(drain_tenses(&mut intake, seconds(600)), [((1, 6), Present)], "nothing newer is known");
}

#[test]
fn without_room_for_the_past_the_newest_goes_ahead_and_what_it_overtook_follows_once() {
    use Tense::{Overtaken, Past, Present};
    let start = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive_at(&mut intake, 1, 1..=1, start);
    assert_eq!(drain_pressed(&mut intake, start), [((1, 1), Present)], "nothing waits before it");
    arrive_at(&mut intake, 1, 2..=4, start);
    let start = start + PRESENT * 2;
    assert_eq!(intake.poll_sample(Room::Present, start), None, "it may be for a moment");
    assert_eq!(drain_pressed(&mut intake, start), [((1, 4), Present)]);
    let overtaken = |intake: &mut Intake| intake.poll_overtaken().iter().map(|sample| sample.sequence).collect::<Vec<_>>();
    assert_eq!((overtaken(&mut intake), overtaken(&mut intake)), (vec![2, 3], vec![]), "what they say is older than what was told");
    assert_eq!(intake.marks().latest().unwrap().sequence, 1, "a crash would ask for what was overtaken");
    arrive_at(&mut intake, 1, 5..=6, start);
    assert_eq!(drain_pressed(&mut intake, start), [((1, 6), Present)]);
    assert_eq!(overtaken(&mut intake), [5]);
    assert!(intake.is_past_waiting(start) && drain_pressed(&mut intake, start).is_empty());
    intake.handle_arrival(live(1, 6), start);
    assert_eq!(drain_pressed(&mut intake, start), of_present(1, [6]), "a live sample of now");
    arrive_at(&mut intake, 1, 7..=7, start);
    let tenses = drain_tenses(&mut intake, start);
    assert_eq!(tenses, [((1, 2), Overtaken), ((1, 3), Overtaken), ((1, 5), Overtaken), ((1, 7), Present)]);
    assert_eq!((intake.tally().taken, intake.tally().lost, intake.is_past_waiting(start)), (7, 0, false));
    // What did not arrive is told again, though it went ahead.
    arrive_at(&mut intake, 1, 8..=9, start);
    let start = start + PRESENT * 2;
    assert_eq!(drain_pressed(&mut intake, start), [((1, 9), Present)]);
    intake.handle_given_up(&[(BootId::new(1), 9)]);
    assert!(intake.poll_question(start).is_some());
    intake.handle_answer(samples(1, 8..=9), Outcome::Complete);
    arrive_at(&mut intake, 1, 10..=10, start);
    assert_eq!(drain_tenses(&mut intake, start), [((1, 8), Past), ((1, 9), Past), ((1, 10), Present)]);
}

fn of_present(boot: u64, sequences: impl IntoIterator<Item = u64>) -> Vec<((u64, u64), Tense)> {
    of(boot, sequences).into_iter().map(|name| (name, Tense::Present)).collect()
}

#[test]
fn without_room_a_gap_waits_for_what_the_history_brings_in_time() {
    let start = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive_at(&mut intake, 1, [1], start);
    drain(&mut intake, start);
    arrive_at(&mut intake, 1, [3], start);
    assert_eq!((drain_pressed(&mut intake, start), intake.is_past_waiting(start)), (vec![], true));
    let later = start + PRESENT * 2;
    assert_eq!(drain_pressed(&mut intake, later), of_present(1, [3]));
    assert!(intake.poll_question(later).is_some());
    intake.handle_answer(samples(1, 2..=3), Outcome::Complete);
    assert_eq!(drain_pressed(&mut intake, later), []);
    assert_eq!(drain_tenses(&mut intake, later), [((1, 2), Tense::Overtaken)]);
    assert_eq!(intake.tally().lost, 0);
}

#[test]
fn a_whole_frame_goes_ahead_of_a_damaged_one() {
    let start = Instant::now();
    let mut intake = Intake::new(Marks::default());
    let damaged = |sequence| Received { kind: SampleKind::Frame { complete: false }, ..sample(1, sequence) };
    arrive_at(&mut intake, 1, 1..=3, start);
    intake.handle_arrival(damaged(4), start);
    assert_eq!(drain_pressed(&mut intake, start + PRESENT * 2), of_present(1, [3]));
    (5..40).for_each(|sequence| intake.handle_arrival(damaged(sequence), start));
    assert_eq!(drain_pressed(&mut intake, start + PRESENT * 2), of_present(1, [39]), "where every frame is damaged, the newest");
    arrive_at(&mut intake, 1, [40], start);
    intake.handle_arrival(damaged(41), start);
    assert_eq!(drain_pressed(&mut intake, start + PRESENT * 2), of_present(1, [40]), "a whole one");
    assert_eq!(drain_pressed(&mut intake, start + PRESENT * 2), []);
}

#[test]
fn what_the_history_lacks_is_counted_as_lost() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 10]);
    drain(&mut intake, now);
    intake.poll_question(now).unwrap();
    intake.handle_answer(samples(1, 5..8), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(1, [5, 6, 7, 10]));
    assert_eq!(intake.tally().lost, 3 + 2);
}

#[test]
fn what_the_reader_thinned_out_is_not_lost() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 200]);
    drain(&mut intake, now);
    intake.poll_question(now).unwrap();
    let mut answer = samples(1, [40, 80, 199]);
    answer[0].kind = SampleKind::Snapshot;
    answer[1].kind = SampleKind::Snapshot;
    intake.handle_answer(answer, Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(1, [40, 80, 199, 200]));
    let tally = intake.tally();
    assert_eq!((tally.lost, tally.thinned), (0, 38 + 39 + 118));
}

#[test]
fn fruitless_questions_are_repeated_with_a_pause_then_given_up() {
    let start = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 3]);
    drain(&mut intake, start);
    let mut now = start;
    for seconds in [1, 2] {
        intake.poll_question(now).unwrap();
        intake.handle_answer(Vec::new(), Outcome::Complete);
        assert_eq!(drain(&mut intake, now), []);
        assert_eq!(intake.poll_question(now), None);
        now += Duration::from_secs(seconds);
        assert_eq!(intake.poll_timeout(), Some(now));
    }
    intake.poll_question(now).unwrap();
    intake.handle_answer(Vec::new(), Outcome::Failed);
    assert_eq!(drain(&mut intake, now), of(1, [3]));
    assert_eq!(intake.tally().lost, 1);
}

#[test]
fn a_reader_that_just_appeared_is_asked_again_without_stopping_what_arrives() {
    let start = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1]);
    drain(&mut intake, start);
    intake.handle_alive();
    intake.poll_question(start).unwrap();
    intake.handle_answer(Vec::new(), Outcome::Complete);
    assert_eq!(drain(&mut intake, start), []);
    assert!(!intake.is_catching_up());
    let later = start + Duration::from_secs(1);
    assert_eq!((intake.poll_question(start), intake.poll_timeout()), (None, Some(later)));
    assert_eq!(intake.poll_question(later).unwrap().sequence, 1);
    intake.handle_answer(samples(1, 2..4), Outcome::Complete);
    assert_eq!(drain(&mut intake, later), of(1, 2..4));

    // The next sample that arrives proves that nothing is missing.
    intake.handle_alive();
    intake.poll_question(later).unwrap();
    intake.handle_answer(Vec::new(), Outcome::Complete);
    arrive(&mut intake, 1, [4]);
    assert_eq!(drain(&mut intake, later), of(1, [4]));
    assert_eq!(intake.poll_timeout(), None);
}

#[test]
fn a_cut_answer_is_continued() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 100]);
    drain(&mut intake, now);
    intake.poll_question(now).unwrap();
    intake.handle_answer(samples(1, 2..50), Outcome::Cut);
    assert_eq!(drain(&mut intake, now), of(1, 2..50));
    assert_eq!(intake.poll_question(now).unwrap().sequence, 49);
    intake.handle_answer(samples(1, 50..101), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(1, 50..101));
}

#[test]
fn a_restarted_reader_delivers_the_rest_of_its_last_run_first() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1, 2]);
    drain(&mut intake, now);
    arrive(&mut intake, 2, [3]);
    assert_eq!(drain(&mut intake, now), []);
    assert_eq!(intake.poll_question(now).unwrap().boot, BootId::new(1));
    let mut answer = samples(1, 1..5);
    answer.extend(samples(2, 1..4));
    intake.handle_answer(answer, Outcome::Complete);
    let mut expected = of(1, [3, 4]);
    expected.extend(of(2, 1..4));
    assert_eq!(drain(&mut intake, now), expected);
    assert_eq!(intake.tally().lost, 0);
}

#[test]
fn runs_that_were_over_before_the_last_mark_are_not_wanted() {
    let now = Instant::now();
    let mark = Mark { boot: BootId::new(5), sequence: 10, unix_ms: 5_010_000 };
    let mut intake = Intake::new(Marks::new(vec![mark]));
    intake.handle_alive();
    assert_eq!(intake.poll_question(now).unwrap().sequence, 10);
    let mut answer = samples(4, 1..4);
    answer.extend(samples(5, 9..13));
    answer.extend(samples(6, 1..3));
    intake.handle_answer(answer, Outcome::Complete);
    let mut expected = of(5, [11, 12]);
    expected.extend(of(6, [1, 2]));
    assert_eq!(drain(&mut intake, now), expected);
}

#[test]
fn a_reader_without_a_clock_is_known_by_the_run_that_arrives() {
    // It came up in 1970: its samples seem older than the mark, but the run is the one that arrives.
    let now = Instant::now();
    let mark = Mark { boot: BootId::new(5), sequence: 10, unix_ms: 1_700_000_000_000 };
    let mut intake = Intake::new(Marks::new(vec![mark]));
    arrive(&mut intake, 6, [3]);
    drain(&mut intake, now);
    intake.poll_question(now).unwrap();
    intake.handle_answer(samples(6, 1..4), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(6, 1..4));
}

#[test]
fn a_broker_that_is_away_costs_a_question_not_memory() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, 1..=10_000);
    assert!(intake.waiting.len() <= WAITING_MAX);
    assert_eq!(intake.poll_question(now).unwrap().sequence, 0);
    arrive(&mut intake, 1, 10_001..=10_100);
    assert!(intake.waiting.len() <= WAITING_MAX);
    intake.handle_answer(samples(1, 1..=10_000), Outcome::Complete);
    assert_eq!(drain(&mut intake, now).len(), 10_000);
    assert_eq!(intake.poll_question(now).unwrap().sequence, 10_000);
    intake.handle_answer(samples(1, 10_001..=10_100), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(1, 10_001..=10_100));
    assert_eq!(intake.tally().lost, 0);
}

#[test]
fn what_a_reader_saw_before_it_was_accepted_is_not_lost_where_another_told_of_it() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, 1..11);
    drain(&mut intake, now);
    // Half a second behind the first.
    let second = |sequence| Received { boot: BootId::new(2), unix_ms: sample(1, sequence).unix_ms + 500, ..sample(1, sequence) };
    intake.handle_arrival(second(11), now);
    arrive(&mut intake, 1, [11]);
    assert_eq!(drain(&mut intake, now), []);
    assert!(intake.poll_question(now).is_some());
    intake.handle_answer((1..12).map(second).collect(), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), [(2, 10), (2, 11), (1, 11)]);
    assert_eq!(intake.tally().lost, 0);
}

#[test]
fn two_readers_of_one_meter_both_count() {
    let now = Instant::now();
    let mut intake = Intake::new(Marks::default());
    arrive(&mut intake, 1, [1]);
    arrive(&mut intake, 2, [1]);
    assert_eq!(drain(&mut intake, now), of(1, [1]));
    intake.poll_question(now).unwrap();
    intake.handle_answer(samples(2, [1]), Outcome::Complete);
    assert_eq!(drain(&mut intake, now), of(2, [1]));
    arrive(&mut intake, 1, [2]);
    arrive(&mut intake, 2, [2]);
    arrive(&mut intake, 1, [3]);
    assert_eq!(drain(&mut intake, now), [(1, 2), (2, 2), (1, 3)]);
}

/// What happens to the samples of a reader, one step after the other.
#[derive(Debug, Clone)]
enum Happening {
    /// The reader makes a sample; it arrives or not.
    Make { arrives: bool },
    /// The MQTT side has room for so many, of the present at least.
    Room(usize, Room),
    /// Time passes, and a question is asked if there is one.
    Ask,
    /// The question under way is answered with at most so many samples.
    Answer(usize),
    /// The reader's link comes back.
    Alive,
    /// The reader restarts and keeps its history.
    Restart,
}

fn step() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => any::<bool>().prop_map(|arrives| Happening::Make { arrives }),
        4 => (0usize..20, 0usize..3).prop_map(|(room, place)| Happening::Room(room, [Room::Past, Room::Present, Room::Newest][place])),
        3 => Just(Happening::Ask),
        3 => (0usize..40).prop_map(Happening::Answer),
        1 => Just(Happening::Alive),
        1 => Just(Happening::Restart),
    ]
}

proptest! {
    /// As long as the history keeps everything, everything is handed on, once and in order, whatever is lost on the way; and what is
    /// handed on as the present is the newest that came, or at most two seconds old. Where there is no room for the past, the present goes ahead,
    /// and so there are two orders, one of each.
    #[test]
    fn nothing_is_lost_or_repeated(steps in prop::collection::vec(step(), 1..400), is_pressed in any::<bool>()) {
        let mut now = Instant::now();
        let mut intake = Intake::new(Marks::default());
        let mut history: Vec<Received> = vec![sample(1, 1)];
        intake.handle_arrival(sample(1, 1), now);
        let mut arrived = vec![((1, 1), now)];
        let mut asked = None;
        let mut out = Vec::new();
        let mut restarts = 0;
        let finish = [Happening::Make { arrives: true }, Happening::Ask, Happening::Answer(9999), Happening::Room(9999, Room::Past)];
        for step in steps.into_iter().chain(finish.into_iter().cycle().take(4 * 12)) {
            now += Duration::from_secs(1);
            match step {
                Happening::Make { arrives } => {
                    let last = history.last().unwrap();
                    let made = if restarts > 0 {
                        sample(last.boot.get() + std::mem::take(&mut restarts), 1)
                    } else {
                        sample(last.boot.get(), last.sequence + 1)
                    };
                    history.push(made.clone());
                    if arrives {
                        arrived.push(((made.boot.get(), made.sequence), now));
                        intake.handle_arrival(made, now);
                    }
                }
                Happening::Room(room, room_for) => for InOrder { received, tense } in std::iter::from_fn(|| intake.poll_sample(if is_pressed { room_for } else { Room::Past }, now)).take(room) {
                    let name = (received.boot.get(), received.sequence);
                    if tense == Tense::Present {
                        let since = arrived.iter().find(|(other, _)| *other == name).map(|(_, since)| *since);
                        let is_newest = arrived.last().is_some_and(|(other, _)| *other == name);
                        prop_assert!(is_newest || since.is_some_and(|since| now - since <= PRESENT), "{name:?} is not the present");
                    }
                    out.push((name, tense == Tense::Present));
                },
                Happening::Ask => asked = asked.or(intake.poll_question(now)),
                Happening::Answer(most) => if let Some(question) = asked.take() {
                    let from = history.iter().position(|s| (s.boot, s.sequence) == (question.boot, question.sequence));
                    let rest = &history[from.map_or(0, |index| index + 1)..];
                    let answer: Vec<_> = rest.iter().take(most).cloned().collect();
                    let outcome = if answer.len() < rest.len() { Outcome::Cut } else { Outcome::Complete };
                    if most > 0 || rest.is_empty() {
                        intake.handle_answer(answer, outcome);
                    } else {
                        asked = Some(question);
                    }
                },
                Happening::Alive => intake.handle_alive(),
                Happening::Restart => restarts += 1,
            }
            prop_assert!(intake.waiting.len() <= WAITING_MAX);
        }
        let expected: Vec<_> = history.iter().map(|s| (s.boot.get(), s.sequence)).collect();
        // The last samples may still wait for a question; what is out must be the history from its beginning.
        prop_assert!(out.len() + 2 >= expected.len(), "{} of {}", out.len(), expected.len());
        let mut all: Vec<_> = out.iter().map(|(name, _)| *name).collect();
        for present in [true, false].into_iter().filter(|_| is_pressed) {
            let told: Vec<_> = out.iter().filter(|(_, is_present)| *is_present == present).collect();
            prop_assert!(told.is_sorted(), "{told:?}");
        }
        if is_pressed {
            all.sort_unstable();
        }
        prop_assert_eq!(&all[..], &expected[..out.len()]);
        prop_assert_eq!(intake.tally().lost, 0);
    }
}
