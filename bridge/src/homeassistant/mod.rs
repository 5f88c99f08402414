//! What Home Assistant is told: entities, discovery, the way over from other programs, corrected statistics.

mod choices;
pub mod component;
pub mod discovery;
pub mod entities;
pub mod entity;
pub mod language;
pub mod migration;

pub use language::Language;
pub use migration::Migrate;
