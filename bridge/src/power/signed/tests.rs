//! What each kind of meter makes of its datasets.

use super::{super::trip::LINKY, *};

fn meter(mode: Mode) -> SignedPower {
    SignedPower::new(mode, LINKY, &KeptPower::default())
}

fn dataset<'a>(mode: Mode, (label, data): (&'a str, &'a str)) -> Dataset<'a> {
    Dataset::new(mode, label, None, data).unwrap()
}

/// A frame a second: labels and data in their order.
struct Line {
    mode: Mode,
    power: SignedPower,
    at: Duration,
}

impl Line {
    fn new(mode: Mode) -> Self {
        Self { mode, power: meter(mode), at: Duration::from_secs(100) }
    }

    fn live(&mut self, label: &str, data: &str) -> Option<i64> {
        self.power.handle_dataset(&dataset(self.mode, (label, data)), self.at).map(|power| power.watts)
    }

    fn frame(&mut self, datasets: &[(&str, &str)]) -> Option<Power> {
        self.at += Duration::from_secs(1);
        let datasets: Vec<_> = datasets.iter().map(|pair| dataset(self.mode, *pair)).collect();
        let index = |role| datasets.iter().find(|dataset| dataset.role() == Some(role))?.value().number();
        let (drawn, injected) = (index(Role::EnergyWithdrawn), index(Role::EnergyInjected));
        self.power.handle_frame(&WholeFrame { datasets: &datasets, is_complete: true, drawn, injected, at: self.at })
    }
}

fn producer(drawn: &'static str, injected: &'static str) -> [(&'static str, &'static str); 4] {
    [("EAST", "000000100"), ("EAIT", "000000050"), ("SINSTS", drawn), ("SINSTI", injected)]
}

#[test]
fn a_producer_is_signed_and_never_says_a_zero_in_between() {
    let mut line = Line::new(Mode::Standard);
    assert!(line.frame(&producer("00500", "00000")).unwrap().watts > 300);
    assert!(line.frame(&producer("00000", "00700")).unwrap().watts < -500);
    let power = line.frame(&producer("00000", "00000")).unwrap();
    assert_eq!((power.watts, power.method), (0, Method::Zero));
    assert_eq!(line.live("SINSTS", "00000"), None);
    assert!(line.live("SINSTI", "00400").unwrap() < -200);
    assert!(line.live("SINSTS", "00400").unwrap() > 200);
    assert_eq!(line.live("SINSTI", "00000"), None, "after what was drawn it is not news");
}

#[test]
fn what_a_frame_repeats_is_not_news() {
    let mut line = Line::new(Mode::Standard);
    line.frame(&producer("00500", "00000"));
    assert!(line.live("SINSTS", "00600").is_some());
    assert!(line.live("SINSTI", "00000").is_none());
    assert_eq!(line.frame(&producer("00600", "00000")), None);
    assert!(line.frame(&producer("00600", "00000")).is_some(), "this one was not said ahead of its frame");
}

#[test]
fn a_consumer_that_injects_is_told_by_its_current() {
    let mut line = Line::new(Mode::Standard);
    let frame = |current, drawn| [("EAST", "000000100"), ("IRMS1", current), ("URMS1", "240"), ("SINSTS", drawn)];
    assert!(line.frame(&frame("002", "00500")).unwrap().watts > 0);
    let power = line.frame(&frame("004", "00000")).unwrap();
    assert_eq!((power.watts, power.method, power.apparent), (-960, Method::Current, -960));
    let power = line.frame(&frame("000", "00000")).unwrap();
    assert_eq!((power.watts, power.method, power.resolution), (0, Method::Zero, 120));
}

/// A house that draws 180 W and 110 VAr, with a battery that adds 0.3 of each power to what it gives. Near 0 W all that the meter shows is
/// the VAr, whether it shows what is injected or not: that must not make the battery swing.
#[test]
fn a_battery_that_brings_the_grid_to_zero_rests_there() {
    for mode in [Mode::Historic, Mode::Standard] {
        let mut line = Line::new(mode);
        let (mut output, mut command, mut drawn, mut injected) = (0.0, 0.0, 100_000.0, 50_000.0);
        let mut grid = Vec::new();
        for _ in 0..300 {
            let active: f64 = 180.0 - output;
            let apparent = active.hypot(110.0);
            drawn += active.max(0.0) / 3_600.0;
            injected += (-active).max(0.0) / 3_600.0;
            let shown = |flows: bool, digit: f64| format!("{:05}", if flows { (apparent / digit).round() * digit } else { 0.0 });
            let (east, eait) = (format!("{:09}", drawn as u64), format!("{:09}", injected as u64));
            let current = format!("{:03}", (apparent / 233.0).round());
            let (papp, sinsts, sinsti) = (shown(active >= 0.0, 10.0), shown(active >= 0.0, 1.0), shown(active < 0.0, 1.0));
            let historic = [("BASE", &*east), ("IINST", &*current), ("PAPP", &*papp)];
            let standard = [("EAST", &*east), ("EAIT", &*eait), ("SINSTS", &*sinsts), ("SINSTI", &*sinsti)];
            let power = line.frame(if mode == Mode::Historic { &historic } else { &standard }).unwrap();
            output += (command - output) * 0.6;
            command += 0.3 * power.watts as f64;
            grid.push(active);
        }
        let rest = &grid[200..];
        let swing = rest.iter().copied().fold(f64::MIN, f64::max) - rest.iter().copied().fold(f64::MAX, f64::min);
        assert!(swing < 30.0 && rest[0].abs() < 80.0, "{mode:?}: {rest:?}");
    }
}

#[test]
fn the_very_first_frame_waits_for_its_end() {
    let mut line = Line::new(Mode::Historic);
    assert_eq!(line.live("IINST", "005"), None);
    assert_eq!(line.live("PAPP", "00000"), None);
    let power = line.frame(&[("BASE", "000000100"), ("IINST", "005"), ("PAPP", "00000")]).unwrap();
    assert_eq!((power.watts, power.method), (-1_150, Method::Current));
    assert_eq!(line.live("IINST", "000"), None);
    assert_eq!(line.live("PAPP", "00000"), Some(0), "zero at once");
}

#[test]
fn three_phases_are_signed_one_by_one() {
    let mut line = Line::new(Mode::Standard);
    let frame = |total, [a, b, c]: [&'static str; 3]| {
        [
            ("EAST", "000000100"),
            ("IRMS1", "004"),
            ("IRMS2", "002"),
            ("IRMS3", "005"),
            ("SINSTS", total),
            ("SINSTS1", a),
            ("SINSTS2", b),
            ("SINSTS3", c),
        ]
    };
    let power = line.frame(&frame("01000", ["00400", "00100", "00500"])).unwrap();
    assert_eq!(power.phases.unwrap().iter().sum::<i64>() - power.watts, 0);
    // Phase 3 injects 500 VA: the meter shows 0 there, and less in all than phases 1 and 2 draw.
    let power = line.frame(&frame("00500", ["00800", "00200", "00000"])).unwrap();
    assert!(power.phases.unwrap()[2] < -300, "{power:?}");
    let power = line.frame(&frame("00000", ["00800", "00200", "00000"])).unwrap();
    assert_eq!(power.watts, -(5 * 230 - 1_000));
}

#[test]
fn an_older_three_phase_meter_takes_the_largest_current_for_what_is_injected() {
    let mut line = Line::new(Mode::Historic);
    let frame = |power| [("BASE", "000000100"), ("IINST1", "007"), ("IINST2", "001"), ("IINST3", "001"), ("PAPP", power)];
    line.frame(&frame("01000"));
    let power = line.frame(&frame("00000")).unwrap();
    assert_eq!((power.watts, power.resolution), (-1_150, 805));
    let others = [("BASE", "000000100"), ("IINST1", "004"), ("IINST2", "003"), ("IINST3", "005"), ("PAPP", "00000")];
    let power = line.frame(&others).unwrap();
    assert_eq!((power.watts, power.method), (-460, Method::Current), "something is injected");
}

#[test]
fn an_estimate_goes_on_after_a_restart() {
    let mut line = Line::new(Mode::Standard);
    for second in 0..1_200 {
        let east = format!("{:09}", 100 + second * 300 / 3_600);
        line.frame(&[("EAST", &east), ("SINSTS", "00500")]);
    }
    let kept = line.power.kept();
    assert_eq!(serde_json::from_str::<KeptPower>(&serde_json::to_string(&kept).unwrap()).unwrap(), kept);
    let mut after = SignedPower::new(Mode::Standard, LINKY, &kept);
    assert_eq!(SignedPower::new(Mode::Standard, LINKY, &kept).kept().drawn, after.kept().drawn);
    let power = after.handle_dataset(&dataset(Mode::Standard, ("SINSTS", "00500")), Duration::from_secs(5)).unwrap();
    assert!((power.watts - 300).abs() < 8 && power.method == Method::Levels, "{power:?}");
}

#[test]
fn another_mode_keeps_what_was_learnt() {
    let mut line = Line::new(Mode::Standard);
    for second in 0..1_200 {
        let east = format!("{:09}", 100 + second * 300 / 3_600);
        line.frame(&[("EAST", &east), ("SINSTS", "00500")]);
    }
    line.power.handle_break(Mode::Historic);
    line.mode = Mode::Historic;
    assert!((line.live("PAPP", "00500").unwrap() - 300).abs() < 8);
}

#[test]
fn the_cut_off_is_seen_coming() {
    let mut line = Line::new(Mode::Standard);
    let frame = |power| [("EAST", "000000100"), ("IRMS1", "012"), ("PCOUP", "06"), ("SINSTS", power)];
    line.frame(&frame("03000"));
    assert_eq!(line.power.forecast().head_room(), Some(4_800.0));
    line.frame(&frame("12000"));
    assert!(line.power.forecast().seconds_left().is_some());
}

#[test]
fn a_damaged_frame_says_nothing_that_it_does_not_show() {
    let mut line = Line::new(Mode::Standard);
    line.frame(&producer("00000", "00700"));
    assert_eq!(line.frame(&[("EAST", "000000100"), ("SINSTS", "00000")]), None);
    line.frame(&producer("00700", "00000"));
    assert_eq!(line.frame(&[("EAST", "000000100"), ("SINSTI", "00000")]), None, "what is drawn is not known, and it is not 0");
    assert!(line.frame(&[("EAST", "000000100"), ("SINSTI", "00400")]).unwrap().watts < 0);
    assert_eq!(line.live("SINSTI", "00000"), None);
}
