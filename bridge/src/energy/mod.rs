//! The energy of one meter, as Home Assistant will count it: what is believed of its indexes, and one total that never lies.
//!
//! Pure: no clock, no I/O, no topic, no entity. [`register`] says which register of the meter a label shows; [`judge`] holds back what
//! cannot follow from what was published before; [`total`] adds up what was drawn, whatever registers show it,
//! and [`meaning`] tells when an index begins to mean something else. [`ledger`] is what must
//! outlive the process, and [`account`] joins them for one meter. Begin with [`account`].

pub mod account;
pub mod judge;
pub mod ledger;
pub mod limit;
pub mod meaning;
pub mod register;
pub mod time;
pub mod total;
