//! One signed power in W of each meter, and how far it is from its cut-off. Pure: datasets and times in, powers out.
//!
//! [`signed`] joins the parts and is where to begin: [`sign`] says which way energy flows, [`levels`] how many of the VA are W, on the
//! [`nodes`] of load, with [`payback`] of what the sum owes to the index; [`current`] does it where only a current tells. [`layout`] says when
//! a dataset was read, [`facts`] what the phases showed. [`forecast`] and [`trip`] say when the meter would open.
//!
//! No topic and no entity is known here. An estimate from the index alone, which this is held against, stands in `meter/power.rs`.

pub mod current;
pub mod facts;
pub mod forecast;
pub mod layout;
pub mod levels;
pub mod nodes;
pub mod payback;
pub mod reading;
pub mod sign;
pub mod signed;
pub mod trip;
