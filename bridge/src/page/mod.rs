//! What the bridge shows by HTTP at `[page] listen`: so far its metrics. Nothing is opened without that key, and nothing can be changed by asking.
//!
//! [`setup`] is what the owner wants, [`hosts`] says under which names the bridge may be asked, [`serve`] answers. The main loop is asked by a channel, and once a second at most: whoever asks often delays nobody.

pub mod hosts;
pub mod serve;
pub mod setup;
