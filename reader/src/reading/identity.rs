//! Whose frame it is: the meter that is known, another one, or nobody's.
//!
//! * A frame without an identity belongs to the meter of the frames before, as long as the line was watched without a break.
//! * A frame that names another meter while its indexes continue those of the meter before has a damaged name; a real other meter has
//!   other indexes, or says its name again and again.

use teleinfo_proto::tic::MeterId;

/// Frames in a row that must give the same new identity while their indexes say otherwise.
const IDENTITY_AGREEING: u8 = 3;

/// To whom a frame belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody can say.
    Unknown,
    /// The meter that is known, or the first one that is.
    Same,
    /// Another meter than before, from now on.
    Replaced,
}

/// The meter whose frames these are, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Identity {
    meter: Option<MeterId>,
    /// Whether the line was watched without a break since the meter last gave its name.
    is_watched: bool,
    /// Another name that was read, and in how many frames in a row.
    other: Option<(MeterId, u8)>,
}

impl Identity {
    /// The meter that is known.
    pub(super) const fn meter(&self) -> Option<MeterId> {
        self.meter
    }

    /// The line was lost, or silent for long: whoever speaks next must give a name first.
    pub(super) const fn handle_line_lost(&mut self) {
        self.is_watched = false;
    }

    /// Whether a frame in progress, with this name or none yet, is the known meter's.
    pub(super) fn is_known(&self, named: Option<MeterId>) -> bool {
        named.map_or(self.is_watched, |identity| self.meter == Some(identity))
    }

    /// A frame has ended. `has_other_indexes` says whether it is clean, and its indexes are not where the known meter's are.
    pub(super) fn handle_frame(&mut self, named: Option<MeterId>, has_other_indexes: impl FnOnce() -> bool) -> Owner {
        match (named, self.meter) {
            (None, Some(_)) if self.is_watched => Owner::Same,
            (None, _) => Owner::Unknown,
            (Some(identity), None) => self.adopt(identity, Owner::Same),
            (Some(identity), Some(known)) if identity == known => self.adopt(identity, Owner::Same),
            (Some(identity), Some(_)) if has_other_indexes() || self.is_repeated(identity) => self.adopt(identity, Owner::Replaced),
            (Some(_), Some(_)) => Owner::Unknown,
        }
    }

    fn is_repeated(&mut self, identity: MeterId) -> bool {
        let agreeing = match self.other {
            Some((other, agreeing)) if other == identity => agreeing + 1,
            _ => 1,
        };
        self.other = Some((identity, agreeing));
        agreeing >= IDENTITY_AGREEING
    }

    fn adopt(&mut self, identity: MeterId, owner: Owner) -> Owner {
        *self = Self { meter: Some(identity), is_watched: true, other: None };
        owner
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Owner};

    /// The owners of frames; each is a name and whether the frame has indexes of another meter.
    fn owners<const N: usize>(frames: [(Option<&str>, bool); N]) -> [Owner; N] {
        let mut identity = Identity::default();
        frames.map(|(name, other)| identity.handle_frame(name.map(|name| name.parse().unwrap()), || other))
    }

    const METER: Option<&str> = Some("900061000001");
    const OTHER: Option<&str> = Some("900061000002");
    use Owner::{Replaced, Same, Unknown};

    #[test]
    fn a_name_is_needed_once() {
        assert_eq!(owners([(None, false), (METER, false), (None, false)]), [Unknown, Same, Same]);
    }

    #[test]
    fn another_name_is_believed_with_other_indexes_or_the_third_time() {
        assert_eq!(owners([(METER, false), (OTHER, true), (None, false)]), [Same, Replaced, Same]);
        assert_eq!(owners([(METER, false), (OTHER, false), (OTHER, false), (OTHER, false)]), [Same, Unknown, Unknown, Replaced]);
        assert_eq!(owners([(METER, false), (OTHER, false), (METER, false), (OTHER, false)]), [Same, Unknown, Same, Unknown]);
    }

    #[test]
    fn a_lost_line_needs_a_name_again() {
        let mut identity = Identity::default();
        identity.handle_frame(METER.map(|name| name.parse().unwrap()), || false);
        assert!(identity.is_known(None));
        identity.handle_line_lost();
        assert!(!identity.is_known(None) && identity.is_known(identity.meter()));
        assert_eq!(identity.handle_frame(None, || false), Unknown);
    }
}
