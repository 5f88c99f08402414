//! A terminal made to carry raw bytes at the meter's speed (termios(3)).
//!
//! Raw means: no ICRNL (it would turn the CR that ends a dataset into LF), no echo (the modem's other wire is an input too), no
//! signals, no flow control.

use nix::sys::{
    stat::major,
    termios::{
        BaudRate, ControlFlags, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, cfgetispeed, cfmakeraw,
        cfsetspeed, tcgetattr, tcsetattr,
    },
};
use std::os::fd::AsFd;
use teleinfo_proto::tic::Mode;

use crate::reading::Framing;

/// Major numbers of the slaves of Unix 98 pseudo-terminals (Linux `Documentation/admin-guide/devices.txt`).
const PTY_MAJORS: std::ops::RangeInclusive<u64> = 136..=143;

const FRAMING: ControlFlags = ControlFlags::CSIZE.union(ControlFlags::PARENB).union(ControlFlags::PARODD).union(ControlFlags::CSTOPB);
const INPUT: InputFlags = InputFlags::INPCK
    .union(InputFlags::PARMRK)
    .union(InputFlags::IGNPAR)
    .union(InputFlags::IGNBRK)
    .union(InputFlags::BRKINT)
    .union(InputFlags::ISTRIP)
    .union(InputFlags::ICRNL)
    .union(InputFlags::INLCR)
    .union(InputFlags::IGNCR)
    .union(InputFlags::IXON)
    .union(InputFlags::IXOFF);
const LOCAL: LocalFlags = LocalFlags::ICANON.union(LocalFlags::ECHO).union(LocalFlags::ISIG).union(LocalFlags::IEXTEN);

/// Sets the terminal; says whether it took every setting.
pub(super) fn set(terminal: impl AsFd, speed: Mode, framing: Framing) -> nix::Result<bool> {
    let mut termios = tcgetattr(&terminal)?;
    make(&mut termios, speed, framing)?;
    tcsetattr(&terminal, SetArg::TCSANOW, &termios)?;
    holds(terminal, speed, framing)
}

/// Says whether the terminal is set so: some drivers leave out what they cannot do, and other programs change what is not theirs.
pub(super) fn holds(terminal: impl AsFd, speed: Mode, framing: Framing) -> nix::Result<bool> {
    let is = tcgetattr(terminal)?;
    let mut wanted = is.clone();
    make(&mut wanted, speed, framing)?;
    Ok(cfgetispeed(&is) == cfgetispeed(&wanted)
        && is.control_flags & FRAMING == wanted.control_flags & FRAMING
        && is.input_flags & INPUT == wanted.input_flags & INPUT
        && !is.local_flags.intersects(LOCAL)
        && is.control_chars == wanted.control_chars)
}

/// Whether this is the number of a pseudo-terminal.
pub(crate) fn is_pseudo_terminal(device: u64) -> bool {
    PTY_MAJORS.contains(&major(device))
}

fn make(termios: &mut Termios, speed: Mode, framing: Framing) -> nix::Result<()> {
    cfmakeraw(termios);
    termios.input_flags.remove(INPUT);
    termios.output_flags.remove(OutputFlags::OPOST);
    termios.control_flags.remove(FRAMING | ControlFlags::CRTSCTS);
    termios.control_flags.insert(ControlFlags::CREAD | ControlFlags::CLOCAL);
    match framing {
        Framing::SevenEven => {
            termios.control_flags.insert(ControlFlags::CS7 | ControlFlags::PARENB);
            termios.input_flags.insert(InputFlags::INPCK | InputFlags::PARMRK);
        }
        Framing::EightNone => termios.control_flags.insert(ControlFlags::CS8),
    }
    termios.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    termios.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    cfsetspeed(termios, baud(speed))
}

fn baud(speed: Mode) -> BaudRate {
    match speed {
        Mode::Historic => BaudRate::B1200,
        Mode::Standard => BaudRate::B9600,
    }
}
