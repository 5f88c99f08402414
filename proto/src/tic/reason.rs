//! Why a dataset was not taken, in words that say where, which, and what was expected.
//!
//! A reason is one row of the table: its meaning, what it knows, its number on the wire, its name for counters and its words. The
//! reader's counter of it comes with the row.

use core::{error::Error, fmt};

use super::Mode;

/// Makes [`Reason`] and [`RefusalKind`] from the rows of one table.
macro_rules! reasons {
    ($(
        $(#[$meaning:meta])*
        $reason:ident $({ $($(#[$about:meta])* $field:ident: $type:ty),+ $(,)? })? = $number:literal, $name:literal, $words:literal;
    )+) => {
        /// What is wrong with a dataset.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$meaning])* $reason $({ $($(#[$about])* $field: $type),+ })?,)+
        }

        /// [`Reason`] without its details: what is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RefusalKind {
            $($(#[$meaning])* $reason = $number,)+
        }

        impl RefusalKind {
            /// All of them, in the order of their numbers, which begin with 1.
            pub const ALL: &'static [Self] = &[$(Self::$reason),+];

            /// One word, for counters and tables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => $name,)+
                }
            }
        }

        impl Reason {
            /// What is counted.
            #[must_use]
            pub const fn kind(self) -> RefusalKind {
                match self {
                    $(Self::$reason $({ $($field: _),+ })? => RefusalKind::$reason,)+
                }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$reason $({ $($field),+ })? => write!(f, $words),)+
                }
            }
        }
    };
}

reasons! {
    /// A byte does not have even parity, or has bit 7 set where it cannot be.
    Parity = 1, "parity", "a byte was damaged on the line (parity)";
    /// The sum of the bytes is another than the one sent along.
    Checksum {
        /// What the bytes add up to.
        expected: u8,
        /// What stood on the line.
        found: u8,
    } = 2, "checksum", "expected checksum {expected:#04x}, but found {found:#04x}";
    /// No label, no separators, or more fields than a dataset has.
    Malformed = 3, "malformed", "expected label, data and checksum, but a separator or more is lost";
    /// Longer than any dataset.
    TooLong = 4, "too-long", "longer than any dataset";
    /// A character that a label or this label's data never holds.
    Characters = 5, "characters", "holds a character that cannot stand there";
    /// A known label whose data has another length.
    Width {
        /// Characters the label always has.
        expected: usize,
        /// Characters that came.
        found: usize,
    } = 6, "width", "expected {expected} characters of data, but found {found}";
    /// A known label whose value cannot be.
    Range = 7, "range", "a value that cannot be";
    /// A timestamp that is missing, not expected, or no date.
    Timestamp = 8, "timestamp", "a timestamp that is missing, misplaced or no date";
    /// A dataset of the other mode than its frame.
    Mode {
        /// The mode of the dataset.
        found: Mode,
    } = 9, "mode", "a dataset of the {found} mode in a frame of the other";
    /// The LF before it was damaged or lost, and only a label that is known says where such a dataset begins.
    LineFeed = 10, "line-feed", "the LF before it is damaged, and its label is not known";
}

impl RefusalKind {
    /// Its number on the wire, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Error for Reason {}

/// A dataset that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// Bytes read by the decoder before the dataset began.
    pub offset: u64,
    /// The label, where one can still be read.
    pub label: Option<&'a str>,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dataset {} at byte {}: {}", self.label.unwrap_or("?"), self.offset, self.reason)
    }
}

impl Error for Refusal<'_> {}

#[cfg(test)]
mod tests {
    use super::RefusalKind;

    #[test]
    fn numbers_count_from_one_and_names_are_one_word() {
        for (place, kind) in RefusalKind::ALL.iter().enumerate() {
            assert_eq!(usize::from(kind.number()), place + 1, "{}", kind.name());
            assert!(kind.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", kind.name());
            assert_eq!(RefusalKind::ALL.iter().filter(|other| other.name() == kind.name()).count(), 1, "{}", kind.name());
        }
    }
}
