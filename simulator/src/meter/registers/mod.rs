//! What a meter counts and remembers: energy, the highest power of the day, means over periods, the cut-off device, and when it warns.
//!
//! Each register is fed once a second by `meter`, and knows nothing of labels and frames. Read `energy` first.

pub(crate) mod breaker;
pub(crate) mod energy;
pub(crate) mod first;
pub(crate) mod maximum;
pub(crate) mod mean;
pub(crate) mod short_frames;
