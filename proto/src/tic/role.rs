//! What a label is for: a column of its row, so that nobody else spells lists of labels.
//!
//! Labels of both modes share a role where they answer the same question: "how much is drawn now" is PAPP, SINSTS or, on the pilot
//! meters, SINST1.

use super::TariffOption;

/// The question that a label answers. Most labels have none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Apparent power withdrawn from the grid now, all phases together.
    PowerWithdrawn,
    /// Apparent power injected into the grid now, all phases together.
    PowerInjected,
    /// Apparent power withdrawn now on this phase, 1 to 3.
    PhasePowerWithdrawn(u8),
    /// Current of this phase, 1 to 3; a single-phase meter has phase 1.
    Current(u8),
    /// Voltage of this phase, 1 to 3.
    Voltage(u8),
    /// The index of all energy withdrawn.
    EnergyWithdrawn,
    /// The index of all energy injected.
    EnergyInjected,
    /// One of the indexes of this contract, which together hold all energy withdrawn (02E §2.3).
    IndexOf(TariffOption),
    /// This supplier index, 1 to 10: which tariff it counts is the supplier's choice (54E §6.1.1).
    SupplierIndex(u8),
    /// The current subscribed for each phase; see [`super::spec::VA_PER_SUBSCRIBED_AMPERE`].
    SubscribedCurrent,
    /// The power subscribed.
    SubscribedPower,
    /// The power above which the meter opens its cut-off device.
    CutOffPower,
    /// Sent only while more is withdrawn than subscribed: on this phase, 1 to 3, or on the only one.
    Overload(Option<u8>),
    /// The contract, or the supplier's name for its calendar.
    Contract,
    /// The tariff that runs now, which changes during the day.
    Tariff,
}
