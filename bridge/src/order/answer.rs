//! What a reader's history answered.

use teleinfo_proto::tic::MeterId;

use crate::order::{intake::Outcome, received::Received};

/// What came of one question.
#[derive(Debug)]
pub struct Answer {
    /// The meter it was about.
    pub meter: MeterId,
    /// The samples, oldest first.
    pub samples: Vec<Received>,
    /// Whether these are all.
    pub outcome: Outcome,
}
