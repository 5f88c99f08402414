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

/// What the statistics of a meter follow from, besides what was learnt of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// What its indexes mean now, each by its id.
    pub meanings: Vec<String>,
    /// Labels of the indexes that its total is the sum of.
    pub indexes: Vec<&'static str>,
    /// What its total has besides, in Wh.
    pub offset: i64,
}
