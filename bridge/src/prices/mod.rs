//! What a kWh costs now and next, and what was paid for: from what the owner says of prices, and from what the meter counts. Pure; it knows
//! no label, no frame and no topic.
//!
//! Where tariffs come from and when they change stands in [`crate::hours`]; what a register has counted stands in [`crate::energy`]. Begin
//! with [`tariffs`] and [`money`], which are the words of this folder; then [`book`], which holds the prices; [`ahead`] tells them as far as
//! they are known, and [`costs`] adds up what was drawn under them.

pub mod ahead;
pub mod book;
pub mod costs;
pub mod money;
pub mod tariffs;
