//! `doctor`: what somebody wants to know who stands at the meter with a phone. One line per check, with a mark, then what to do; a verdict;
//! an exit code. It takes 25 seconds at most, and eight more for each line where `auto` may find a meter.
//!
//! | file | question |
//! |---|---|
//! | `candidates` | of several lines: which has a meter |
//! | `device`, `users` | is the serial line there, whose is it, may it be opened |
//! | `holders` | is a login, the kernel's console or another program on it |
//! | `hearing`, `line`, `bits` | does it carry bytes, how are they to be read, how many are good, which bits are lost |
//! | `meter` | whose line it is, contract, power now |
//! | `bridge`, `trust` | reachable and password right; which keys speak to each other |
//! | `clock`, `light` | set; working |
//! | `report` | how all this is said |

mod bridge;
mod candidates;
mod clock;
mod device;
mod hearing;
mod holders;
mod light;
mod line;
mod machine;
mod meter;
mod trust;
mod users;

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use teleinfo_people::report::{Report, Style};

use crate::{config::Settings, daemon::exit::ExitCode, led::output::CLASS, line::Source, terminal::reading_width};
use line::{SpeedBy, Subject};
use machine::Machine;

/// Looks at everything, and says what it finds on standard output. `None`: all is well.
#[must_use]
pub(crate) fn run(settings: &Settings) -> Option<ExitCode> {
    let out = io::stdout();
    let colour = out.is_terminal();
    let mut out = out.lock();
    let mut report = Report::new(&mut out, Style { language: settings.language, colour, width: reading_width() });
    let machine = Machine { root: "/".into() };
    let clock = look_at_line(&mut report, settings, &machine);
    bridge::check(&mut report, settings, &machine);
    trust::check(&mut report, settings);
    clock::check(&mut report, clock, &machine);
    light::check(&mut report, settings, Path::new(CLASS));
    report.verdict()
}

/// From the device to the meter, as far as it goes; returns the meter's clock.
fn look_at_line(
    report: &mut Report<'_>,
    settings: &Settings,
    machine: &Machine,
) -> Option<(teleinfo_proto::tic::Timestamp, std::time::Instant)> {
    let hearing = match &settings.source {
        Source::Devices(devices) => {
            let devices = candidates::choose(report, devices);
            let device = device::check(report, &devices, machine)?;
            let shared = holders::check(report, &device, machine);
            line::check(report, settings, &device.subject(shared))?
        }
        // There is nothing here to look at but the connection.
        remote @ Source::Remote(_) => {
            let speed = if remote.is_settable() { SpeedBy::Us } else { SpeedBy::FarSide };
            line::check(report, settings, &Subject { source: remote.clone(), speed, is_shared: false })?
        }
    };
    meter::check(report, &hearing);
    hearing.clock
}
