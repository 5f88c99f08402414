//! The decoder looks at eight bytes at a time. Here the same is done slowly, one character after the other, as the specification has it
//! (54E §5.3.6, §6.2.1.1); both must agree on every line, good or damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use teleinfo_proto::tic::{Dataset, Label, Mode, Season, Timestamp, checksum};

/// What a line is, read slowly: label, timestamp and data, if its checksum and its characters are right.
fn fields(line: &[u8]) -> Option<(Mode, &str, Option<&str>, &str)> {
    let [zone @ .., separator, found] = line else { return None };
    let mode = Mode::of_separator(*separator)?;
    let summed = if mode == Mode::Standard { &line[..line.len() - 1] } else { zone };
    let is_clean = line.iter().all(|byte| matches!(byte, b' '..=b'~') || mode == Mode::Standard && *byte == b'\t');
    if checksum(summed) != *found || !is_clean {
        return None;
    }
    let text = std::str::from_utf8(zone).ok()?;
    match mode {
        Mode::Historic => text.split_once(' ').map(|(label, data)| (mode, label, None, data)),
        Mode::Standard => match text.split('\t').collect::<Vec<_>>()[..] {
            [label, data] => Some((mode, label, None, data)),
            [label, timestamp, data] => Some((mode, label, Some(timestamp), data)),
            _ => None,
        },
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let season = match text.get(..1)? {
        "H" | "h" => Season::Winter,
        "E" | "e" => Season::Summer,
        " " => Season::Unstated,
        _ => return None,
    };
    let digits = text.get(1..).filter(|digits| digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let pair = |place: usize| digits[2 * place..2 * place + 2].parse::<u8>().unwrap();
    Timestamp::new(season, (2000 + u16::from(pair(0)), pair(1), pair(2)), (pair(3), pair(4), pair(5))).ok()
}

/// A line as a meter might send it, with a right checksum: some label, and characters that are often what it wants.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let label = prop::sample::select(
        Mode::ALL.into_iter().flat_map(|mode| Label::all(mode).iter().map(move |label| (mode, label))).collect::<Vec<_>>(),
    );
    let class = prop::sample::select(vec!["[0-9]", "[0-9]", "[0-9A-F]", "[0-9a-f]", "[ -~]"]);
    (label, class, prop::bool::weighted(0.1)).prop_flat_map(|((mode, label), class, is_short)| {
        let width = label.width.saturating_sub(u8::from(is_short));
        let data = proptest::string::string_regex(&format!("{class}{{{width}}}")).unwrap();
        let stamp = proptest::string::string_regex("[HEhe x][0-3][0-9][01][0-9][0-3][0-9][0-2][0-9][0-5][0-9][0-5][0-9]").unwrap();
        (Just(mode), Just(label), data, stamp).prop_map(|(mode, label, data, stamp)| {
            let separator = char::from(mode.separator());
            let stamp = if label.dated { format!("{stamp}{separator}") } else { String::new() };
            let zone = format!("{}{separator}{stamp}{data}{separator}", label.code).into_bytes();
            let summed = if mode == Mode::Standard { &zone[..] } else { &zone[..zone.len() - 1] };
            let sum = checksum(summed);
            [zone, vec![sum]].concat()
        })
    })
}

fn agree(line: &[u8]) -> Result<(), TestCaseError> {
    let fast = Dataset::try_from(line);
    let slow = fields(line);
    if let Ok(dataset) = &fast {
        let read = (dataset.mode(), dataset.label(), dataset.timestamp(), dataset.data());
        prop_assert_eq!(Some(read), slow);
    }
    let Some((mode, label, stamp, data)) = slow else { return Ok(()) };
    let info = Label::all(mode).iter().chain(Label::others().iter().filter(|_| mode == Mode::Historic)).find(|info| info.code == label);
    if let Some(info) = info.filter(|info| info.kind.unit().is_some() && info.family.is_none()) {
        let fits = (info.least..=info.width).contains(&(data.len() as u8)) && data.bytes().all(|byte| byte.is_ascii_digit());
        let time = stamp.map(timestamp);
        let is_good = fits && info.dated == stamp.is_some() && time != Some(None);
        let number = is_good.then(|| data.parse::<u64>().unwrap());
        prop_assert_eq!(fast.as_ref().ok().and_then(|dataset| dataset.value().number()), number, "{:?}", fast);
        let local = |time: Timestamp| (time.season(), time.unix_seconds());
        prop_assert_eq!(fast.ok().and_then(|dataset| dataset.time()).map(local), time.flatten().filter(|_| is_good).map(local));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn lines_are_read_as_slowly(line in line()) {
        agree(&line)?;
    }

    #[test]
    fn damaged_lines_are_read_as_slowly(line in line(), place: prop::sample::Index, byte: u8, sum: bool) {
        let mut line = line;
        let place = place.index(line.len());
        line[place] = byte;
        if sum {
            // Right again, so that what looks behind the checksum has something to see.
            let mode = Mode::of_separator(line[line.len() - 2]).unwrap_or(Mode::Historic);
            let end = line.len() - if mode == Mode::Standard { 1 } else { 2 };
            *line.last_mut().unwrap() = checksum(&line[..end]);
        }
        agree(&line)?;
    }

    #[test]
    fn any_bytes_are_read_as_slowly(bytes in prop::collection::vec(prop_oneof![4 => 0x20..0x7f_u8, 1 => Just(b'\t'), 1 => any::<u8>()], 0..40)) {
        agree(&bytes)?;
    }
}
