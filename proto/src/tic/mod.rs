//! TIC, télé-information client: what a meter sends, byte by byte, to what it means.
//!
//! Bytes go into a [`Decoder`], which gives [`Event`]s; a verified [`Dataset`] knows its [`Label`] and its typed [`Value`]. The way back
//! is [`encode`].
//!
//! ```
//! use teleinfo_proto::tic::{Decoder, Event, Parity, Value};
//!
//! let mut decoder = Decoder::new(Parity::Stripped);
//! let mut input: &[u8] = b"\x02\nPAPP 00540 *\r\x03";
//! let mut power = None;
//! while let Some(event) = decoder.next_event(&mut input) {
//!     if let Event::Dataset(dataset) = event
//!         && let Value::ApparentPower(value) = dataset.value()
//!     {
//!         power = Some(value.get());
//!     }
//! }
//! assert_eq!(power, Some(540));
//! ```

mod checksum;
mod dataset;
mod day_profile;
mod decoder;
mod digits;
pub mod encode;
mod error;
mod label;
mod labels;
mod meter_id;
mod mode;
mod parity;
mod reason;
mod relays;
mod role;
#[cfg(feature = "serde")]
mod serialize;
pub mod spec;
mod status;
mod tariff;
mod text;
mod timestamp;
mod units;
mod value;
mod walk;

pub use checksum::checksum;
pub use dataset::Dataset;
pub use day_profile::{DayProfile, DryContact, HourBase, ProfileAction, ProfileBlock};
pub use decoder::{Beginning, Decoder, Ending, Event, FrameEnd};
pub use error::ParseError;
pub use label::{Label, LabelKind, Phases};
pub use meter_id::{MeterFamily, MeterId, MeterKind};
pub use mode::Mode;
pub use parity::Parity;
pub use reason::{Reason, Refusal, RefusalKind};
pub use relays::Relays;
pub use role::Role;
pub use status::{CutOff, EuridisOutput, PlcStatus, StatusRegister};
pub use tariff::{Colour, MissingPhases, TariffOption, TariffPeriod, TempoHours, Tomorrow};
pub use timestamp::{Season, Timestamp};
pub use units::{Amperes, KiloVoltAmperes, Minutes, RangeError, Unit, VarHours, VoltAmperes, Volts, WattHours, Watts};
pub use value::Value;
