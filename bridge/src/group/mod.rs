//! Several bridges are one: who the members are, which meters each publishes, and what they tell each other. Pure: no clock, no network.
//!
//! [`share`] divides the meters, [`setup`] what the owner wants, [`common`] what must be the same at all members, [`part`] is what of them is ours and since when, [`membership`] says who works, [`message`] is the seal around what they tell, and [`talk`] joins them:
//! tokens and messages in, orders out. [`inquiries`] and [`listening`] are what makes the page of each member that of all. The Zenoh side is in `zenoh/`, what a member
//! does with a meter that it gets or gives in `hub/`.
//! Begin with [`membership`].

pub mod common;
pub mod inquiries;
pub mod listening;
pub mod member;
pub mod membership;
pub mod message;
pub mod part;
pub mod setup;
pub mod share;
pub mod talk;
