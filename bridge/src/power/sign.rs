//! Which way energy flows: one table, for every meter.
//!
//! A meter shows its apparent power without a sign. A producer's standard mode has a label for each direction, of which one is 0; any
//! other meter shows 0 while it injects, and only the current says that something flows. A producer's 0 drawn is never said by itself:
//! what is injected follows in the same frame, and a battery must not read a balanced grid in between.
//!
//! Some older meters are said to show what they inject as if it were drawn. Nothing in their frames tells, and it is not guessed here.

/// What a meter sends about its power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// No whole frame has come yet.
    #[default]
    Unknown,
    /// What is drawn and what is injected (SINSTS and SINSTI).
    BothWays,
    /// Only what is drawn (SINSTS or PAPP).
    DrawnOnly,
}

/// The dataset that has just passed, and whether it is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The power drawn.
    Drawn(bool),
    /// The power injected.
    Injected(bool),
    /// The frame has ended, and 0 drawn was the last that it said.
    End,
}

/// Which way energy flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the grid, as the label says.
    Withdrawn,
    /// Into the grid, as the label says.
    Injected,
    /// Into the grid, and only the current says how much.
    InjectedByCurrent,
    /// Neither way.
    Balanced,
}

/// What to say of the direction now; `None`: nothing yet. `current_flows` is whether the meter shows a current.
#[must_use]
pub const fn direction(layout: Layout, passed: Passed, current_flows: bool) -> Option<Direction> {
    match (layout, passed, current_flows) {
        (_, Passed::Drawn(true), _) => Some(Direction::Withdrawn),
        (_, Passed::Injected(true), _) => Some(Direction::Injected),
        (_, Passed::Injected(false), _) => Some(Direction::Balanced),
        (Layout::BothWays, Passed::Drawn(false) | Passed::End, _) | (Layout::Unknown, Passed::Drawn(false), _) => None,
        (Layout::DrawnOnly | Layout::Unknown, _, true) => Some(Direction::InjectedByCurrent),
        (Layout::DrawnOnly | Layout::Unknown, _, false) => Some(Direction::Balanced),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Direction::*,
        Layout::*,
        Passed::{Drawn, End},
        *,
    };

    #[test]
    fn the_table() {
        let rows = [
            (BothWays, Drawn(true), true, Some(Withdrawn)),
            (BothWays, Drawn(false), true, None),
            (BothWays, Drawn(false), false, None),
            (BothWays, Passed::Injected(true), true, Some(Injected)),
            (BothWays, Passed::Injected(false), false, Some(Balanced)),
            (BothWays, End, true, None),
            (DrawnOnly, Drawn(true), true, Some(Withdrawn)),
            (DrawnOnly, Drawn(false), true, Some(InjectedByCurrent)),
            (DrawnOnly, Drawn(false), false, Some(Balanced)),
            (Unknown, Drawn(true), false, Some(Withdrawn)),
            (Unknown, Drawn(false), true, None),
            (Unknown, End, true, Some(InjectedByCurrent)),
            (Unknown, End, false, Some(Balanced)),
        ];
        for (layout, passed, current_flows, expected) in rows {
            assert_eq!(direction(layout, passed, current_flows), expected, "{layout:?} {passed:?} {current_flows}");
        }
    }

    #[test]
    fn what_is_drawn_never_becomes_an_injection() {
        for layout in [Unknown, BothWays, DrawnOnly] {
            for current_flows in [false, true] {
                assert_eq!(direction(layout, Drawn(true), current_flows), Some(Withdrawn));
            }
        }
    }
}
