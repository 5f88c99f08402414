//! What Home Assistant is told: entities, discovery, the way over from other programs, corrected statistics.

pub mod backfill;
mod choices;
pub mod component;
pub mod discovery;
pub mod entities;
pub mod entity;
pub mod hours;
pub mod language;
pub mod migration;
pub mod statistics;
pub mod websocket;

pub use language::Language;
pub use migration::Migrate;
