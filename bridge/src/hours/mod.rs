//! Off-peak hours and Tempo days, as the meter tells them: which hours today and tomorrow have, when they have moved, and how many days of
//! each colour are left. Pure; it knows no label and no topic: what a meter says comes as [`calendar::Said`].
//!
//! Off-peak is decided by the index that counts, never by the dry contact or by a name, which may say something else. Begin with [`day`] and
//! [`periods`], which are the words of this folder; then [`off_peak`], with [`learner`] where a meter says no hours; [`week`] tells that hours
//! have moved; [`season`] counts Tempo days; [`calendar`] joins them, and [`outlook`] is what is told;
//! [`switchings`] are the indexes of a day, for those who price it.

pub mod calendar;
pub mod day;
pub mod learner;
pub mod off_peak;
pub mod outlook;
pub mod periods;
pub mod season;
pub mod switchings;
pub mod week;
