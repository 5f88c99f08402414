//! How much a bridge takes on: one number, the meters, and all that follows from it. `docs/bounds.md` has the arithmetic in words.

/// What a bridge takes on; beyond it, it refuses and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Meters that are followed.
    pub meters: usize,
}

impl Limits {
    /// The most that may be asked for: beyond, several bridges are better than one.
    pub const METERS_MAX: usize = 20_000;

    /// A building with its neighbours, within the memory and the files of the unit that is shipped.
    const METERS: usize = 2_048;
    /// Sessions of Zenoh that are no reader's: other bridges, and people who look.
    const OTHER_SESSIONS: usize = 128;
    /// Connections to an embedded broker: a house has some, and whoever has more has other devices too, which want a whole broker.
    pub const CLIENTS: usize = 64;
    /// What waits for all of its clients together, beyond the room of each: the words to Home Assistant about 600 meters.
    pub const CLIENTS_SHARED_BYTES: usize = 16 << 20;
    /// What waits for one client, whatever waits for others: the states of a second, of many meters.
    pub const CLIENT_BYTES: usize = 64 << 10;
    /// The longest message of a client: more than any sensor says.
    pub const CLIENT_PACKET_BYTES: usize = 128 << 10;
    /// What the kernel holds of a client, in each direction.
    pub const CLIENT_SOCKET_BYTES: usize = 64 << 10;
    /// Sockets of a client: its own, and both ends of what leads to the plugin.
    const CLIENT_FILES: usize = 3;
    /// Of each client: what waits for it, a message of its own, and three directions of its sockets that may be full.
    const CLIENTS_BYTES: u64 = (Self::CLIENTS_SHARED_BYTES
        + Self::CLIENTS * (Self::CLIENT_BYTES + Self::CLIENT_PACKET_BYTES + 3 * Self::CLIENT_SOCKET_BYTES))
        as u64;
    /// Availability, quality, ledger, prices, and what Home Assistant is told.
    const TOPICS_OF_METER: usize = 5;
    const OTHER_TOPICS: usize = 1_024;
    /// The bridge's own files and sockets.
    const OWN_FILES: usize = 100;
    /// Connections that have not said yet who they are.
    const PENDING_MAX: usize = 2_048;
    /// A home that restarts is heard at once.
    const LOOKS_MIN: usize = 200;
    /// Of the bridge alone, and while it reads a long list of Home Assistant's entities. `docs/bounds.md` says how they were measured.
    const OWN_BYTES: u64 = (18 + 40) << 20;
    /// Of a meter with its connection, page and memory, and with as many long frames as may wait: ordinarily a third less.
    const METER_BYTES: u64 = 165 << 10;

    /// Sessions of Zenoh: a reader for each meter, and some more.
    #[must_use]
    pub const fn sessions(self) -> usize {
        self.meters + Self::OTHER_SESSIONS
    }

    /// Connections that have not said yet who they are.
    #[must_use]
    pub fn pending(self) -> usize {
        self.meters.clamp(Self::OTHER_SESSIONS, Self::PENDING_MAX)
    }

    /// Unknown sessions of readers that are looked at in a second: those of all meters within ten seconds.
    #[must_use]
    pub const fn looks(self) -> u32 {
        let all = self.meters.div_ceil(10);
        if all < Self::LOOKS_MIN { Self::LOOKS_MIN as u32 } else { all as u32 }
    }

    /// Hellos that are answered in a second.
    #[must_use]
    pub const fn greetings(self) -> u32 {
        self.looks() / 2
    }

    /// Readers that have said hello and have not agreed to an offer yet: a reader waits five seconds before it does, and nobody who says hello
    /// meanwhile takes its place.
    #[must_use]
    pub const fn candidates(self) -> usize {
        self.greetings() as usize * 10
    }

    /// Meters that have a pin, and tokens of meters that are not heard: strangers fill these before they fill the meters.
    #[must_use]
    pub const fn claims(self) -> usize {
        Self::for_few(2 * self.meters)
    }

    /// Topics whose last message is remembered: five of each meter, some of the bridge, and those of another program that it takes over from.
    #[must_use]
    pub const fn topics(self) -> usize {
        Self::TOPICS_OF_METER * self.meters + Self::OTHER_TOPICS
    }

    /// Tokens and goodbyes that wait: all readers may come and go at once, twice.
    #[must_use]
    pub const fn presences(self) -> usize {
        Self::for_few(4 * self.meters)
    }

    /// Samples and reports that wait: two of each meter.
    #[must_use]
    pub const fn samples(self) -> usize {
        Self::for_few(2 * self.meters)
    }

    /// Where there are few meters, chance counts for more than their number.
    const fn for_few(places: usize) -> usize {
        if places < Self::OTHER_SESSIONS { Self::OTHER_SESSIONS } else { places }
    }

    /// Files that may be open at once.
    #[must_use]
    pub fn files(self) -> u64 {
        (self.sessions() + self.pending() + Self::CLIENTS * Self::CLIENT_FILES + Self::OWN_FILES) as u64
    }

    /// Memory that it may take.
    #[must_use]
    pub const fn memory_bytes(self) -> u64 {
        Self::OWN_BYTES + Self::CLIENTS_BYTES + self.meters as u64 * Self::METER_BYTES
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { meters: Self::METERS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the unit that is shipped.
    fn unit(key: &str) -> u64 {
        let unit = include_str!("../../../deploy/systemd/teleinfo-bridge.service");
        let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
        value.strip_suffix('M').map_or_else(|| value.parse().unwrap(), |mega| mega.parse::<u64>().unwrap() << 20)
    }

    #[test]
    fn what_is_shipped_fits_together() {
        let limits = Limits::default();
        assert_eq!((limits.looks(), limits.greetings(), limits.candidates()), (205, 102, 1_020));
        assert!(limits.files() <= unit("LimitNOFILE"), "{} files", limits.files());
        assert!(limits.memory_bytes() <= unit("MemoryMax"), "{} bytes", limits.memory_bytes());
    }
}
