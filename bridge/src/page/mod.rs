//! What the bridge shows by HTTP, unless its owner says `[page] listen = "off"`: a page for people, its data, and metrics. Nothing can be changed by asking.
//!
//! [`setup`] is what the owner wants, [`hosts`] says under which names the bridge may be asked, [`password`] who may ask and [`guesses`] how often one may be tried, [`serve`] answers. [`files`] is the page itself, in `static/`;
//! [`told`], [`energy`] and [`labels`] are its data, [`wanted`] is what is asked of it, [`feed`] what happens. The main loop is asked by a channel, and once a second at most: whoever asks often delays nobody.

pub mod energy;
pub mod feed;
pub mod files;
pub mod guesses;
pub mod hosts;
pub mod labels;
pub mod password;
pub mod query;
pub mod serve;
pub mod setup;
pub mod told;
pub mod wanted;
