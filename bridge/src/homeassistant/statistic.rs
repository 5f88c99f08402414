//! The energy that Home Assistant keeps statistics of.

/// A statistic that Home Assistant keeps: an entity, and the indexes it follows the sum of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistic {
    /// The entity's unique id.
    pub unique_id: String,
    /// Labels of the indexes.
    pub labels: Vec<String>,
    /// What is added to their sum, in Wh: what was drawn before they were counted, less where they began.
    pub offset: i64,
}
