//! What stands behind what in the frames of this line, and so how many bytes must still come up to an end that is waited for.
//!
//! A meter sends its datasets in one order. What has stood behind a label may stand there again, so the shortest way of those that were seen
//! leads to the next end: that of a live dataset, or of the frame. An alarm that never came yet is expected where the specification has it,
//! which is the order of the table of labels. Only what is new in another place is noticed late, once.

use teleinfo_proto::tic::{Label, Mode};

/// Labels of a mode, and one place for the begin of a frame.
const PLACES: usize = 112;
/// Labels that are remembered behind one label: a three-phase meter has long and short frames, and messages come and go.
const SEEN: usize = 4;
const BEGIN: usize = 0;

/// What has stood behind one label.
#[derive(Clone, Copy)]
struct Behind {
    places: [u8; SEEN],
    count: u8,
    has_ended: bool,
}

/// All of it, and what follows.
pub(super) struct Layout {
    behind: [Behind; PLACES],
    /// Bytes from the end of each label's dataset up to and with the next end that is waited for.
    distances: [u16; PLACES],
    is_new: bool,
}

impl Layout {
    pub(super) const fn new() -> Self {
        let nothing = Behind { places: [0; SEEN], count: 0, has_ended: false };
        Self { behind: [nothing; PLACES], distances: [0; PLACES], is_new: false }
    }

    /// A dataset has come behind another one, or at the begin of a frame.
    pub(super) fn handle_dataset(&mut self, before: Option<&'static Label>, label: &'static Label, mode: Mode) {
        let (Some(before), Some(place)) = (place(before, mode), place(Some(label), mode)) else { return };
        let behind = &mut self.behind[before];
        let (place, count) = (place as u8, usize::from(behind.count));
        if behind.places[..count].contains(&place) {
            return;
        }
        self.is_new = true;
        // One more than is remembered takes the place of the oldest.
        behind.places.rotate_right(1);
        behind.places[0] = place;
        behind.count = (count + 1).min(SEEN) as u8;
    }

    /// A frame has ended behind this label.
    pub(super) fn handle_frame_end(&mut self, last: Option<&'static Label>, mode: Mode) {
        if let Some(place) = place(last, mode)
            && !std::mem::replace(&mut self.behind[place].has_ended, true)
        {
            self.is_new = true;
        }
        if std::mem::take(&mut self.is_new) {
            self.measure(mode);
        }
    }

    /// The least number of bytes from here up to and with the next end.
    pub(super) fn bytes_behind(&self, label: Option<&'static Label>, mode: Mode) -> usize {
        let known = place(label, mode).map(|place| usize::from(self.distances[place]));
        known.filter(|bytes| *bytes > 0).unwrap_or_else(|| shortest_live(mode))
    }

    /// The labels that may come next, if anything is known of it.
    pub(super) fn next<'a>(&'a self, label: Option<&'static Label>, mode: Mode) -> impl Iterator<Item = &'static Label> + 'a {
        let place = place(label, mode);
        place.into_iter().flat_map(move |place| self.followers(place, mode)).filter_map(move |place| label_at(place, mode))
    }

    /// The places of what was seen behind one, and of live labels that the specification has between it and these.
    fn followers(&self, place: usize, mode: Mode) -> impl Iterator<Item = usize> {
        let Behind { places, count, .. } = self.behind[place];
        let seen = places.into_iter().take(count.into()).map(usize::from);
        let first = seen.clone().min().unwrap_or_default();
        let between = (place + 1..first).filter(move |place| label_at(*place, mode).is_some_and(|label| label.live));
        seen.chain(between)
    }

    /// The shortest ways, each made of shorter ones until nothing becomes shorter.
    fn measure(&mut self, mode: Mode) {
        let unknown = shortest_live(mode) as u16;
        let mut ways = [u16::MAX; PLACES];
        loop {
            let before = ways;
            for place in 0..PLACES {
                ways[place] = self.shortest_way(place, &ways, unknown, mode);
            }
            if ways == before {
                break;
            }
        }
        self.distances = ways;
    }

    fn shortest_way(&self, place: usize, ways: &[u16; PLACES], unknown: u16, mode: Mode) -> u16 {
        let Behind { count, has_ended, .. } = self.behind[place];
        if count == 0 && !has_ended {
            return unknown;
        }
        let way = |next: usize| {
            let label = label_at(next, mode)?;
            let bytes = 1 + label.dataset_bytes_min() as u16;
            Some(if label.live { bytes } else { bytes.saturating_add(ways[next]) })
        };
        let ends = has_ended.then_some(1);
        self.followers(place, mode).filter_map(way).chain(ends).min().unwrap_or(unknown)
    }
}

/// Bytes of the shortest live dataset, with the LF before it.
pub(super) fn shortest_live(mode: Mode) -> usize {
    let live = Label::all(mode).iter().filter(|label| label.live);
    live.map(|label| 1 + label.dataset_bytes_min()).min().unwrap_or(1)
}

/// The place of a label; none is the begin of a frame.
fn place(label: Option<&'static Label>, mode: Mode) -> Option<usize> {
    let Some(label) = label else { return Some(BEGIN) };
    let at = Label::all(mode).iter().position(|other| std::ptr::eq(other, label));
    at.map(|at| at + 1).filter(|place| *place < PLACES)
}

fn label_at(place: usize, mode: Mode) -> Option<&'static Label> {
    Label::all(mode).get(place.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(code: &str) -> &'static Label {
        Label::find(Mode::Historic, code).unwrap()
    }

    fn learnt(frames: &[&[&str]]) -> Layout {
        let mut layout = Layout::new();
        for frame in frames {
            let mut before = None;
            for code in *frame {
                layout.handle_dataset(before, label(code), Mode::Historic);
                before = Some(label(code));
            }
            layout.handle_frame_end(before, Mode::Historic);
        }
        layout
    }

    fn behind(layout: &Layout, code: &str) -> usize {
        layout.bytes_behind(Some(label(code)), Mode::Historic)
    }

    fn bytes(codes: &[&str]) -> usize {
        codes.iter().map(|code| 1 + label(code).dataset_bytes_min()).sum()
    }

    #[test]
    fn the_way_leads_over_what_was_seen_to_the_next_end() {
        let layout = learnt(&[&["ADCO", "OPTARIF", "BASE", "IINST", "IMAX", "PAPP", "MOTDETAT"]]);
        assert_eq!(behind(&layout, "ADCO"), bytes(&["OPTARIF", "BASE", "IINST"]));
        assert_eq!(behind(&layout, "PAPP"), bytes(&["MOTDETAT"]) + 1, "the end of the frame");
        assert_eq!(behind(&layout, "MOTDETAT"), 1);
        assert_eq!(behind(&layout, "PEJP"), shortest_live(Mode::Historic), "it was never seen");
    }

    #[test]
    fn an_alarm_is_expected_where_the_specification_has_it() {
        let layout = learnt(&[&["ADCO", "BASE", "IINST", "IMAX", "PAPP"]]);
        assert_eq!(behind(&layout, "IINST"), bytes(&["ADPS"]), "not beyond IMAX to PAPP");
        assert_eq!(layout.bytes_behind(None, Mode::Historic), bytes(&["ADIR1"]), "short frames begin with it");
    }

    #[test]
    fn of_two_ways_the_shorter_counts() {
        let layout = learnt(&[&["ADCO", "BASE", "PTEC", "PAPP"], &["ADCO", "PTEC", "PAPP"], &["ADCO", "BASE"]]);
        assert_eq!(behind(&layout, "ADCO"), bytes(&["BASE"]) + 1);
        assert_eq!(behind(&layout, "PTEC"), bytes(&["ADPS"]), "never seen, and the shortest that is live");
    }

    #[test]
    fn every_label_has_a_place() {
        for mode in [Mode::Historic, Mode::Standard] {
            assert!(Label::all(mode).len() < PLACES, "{mode}");
        }
    }
}
