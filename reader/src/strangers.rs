//! Labels that are not in the tables. A meter newer than this release may send some, and they are passed on; but a damaged label whose
//! checksum holds by chance looks the same. A meter says its labels in every frame, chance does not: a stranger is believed when the frame
//! before had it too.

use teleinfo_proto::tic::spec::LABEL_WIDTH_MAX;

/// More labels than any known meter sends in a frame; what is beyond is not believed.
const STRANGERS: usize = 80;

type Name = [u8; LABEL_WIDTH_MAX];

/// The strangers of one frame.
#[derive(Clone, Copy)]
struct Names {
    names: [Name; STRANGERS],
    count: usize,
}

impl Names {
    const NONE: Self = Self { names: [[0; LABEL_WIDTH_MAX]; STRANGERS], count: 0 };

    fn contains(&self, name: &Name) -> bool {
        self.names[..self.count].contains(name)
    }

    fn add(&mut self, name: Name) {
        if let Some(place) = self.names.get_mut(self.count) {
            *place = name;
            self.count += 1;
        }
    }
}

/// Remembers the strangers of this frame and of the one before.
pub struct Strangers {
    before: Names,
    now: Names,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { before: Names::NONE, now: Names::NONE }
    }
}

impl Strangers {
    /// Another frame begins.
    pub const fn next_frame(&mut self) {
        self.before = self.now;
        self.now.count = 0;
    }

    /// Whether the frame before had this label too.
    pub fn is_believed(&mut self, label: &str) -> bool {
        let mut name = [0; LABEL_WIDTH_MAX];
        for (place, byte) in name.iter_mut().zip(label.bytes()) {
            *place = byte;
        }
        self.now.add(name);
        self.before.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::Strangers;

    #[test]
    fn believed_from_the_second_frame_on() {
        let mut strangers = Strangers::default();
        for (labels, believed) in [(["NEW", "ONCE"], [false, false]), (["NEW", "CHANCE"], [true, false]), (["NEW", "ONCE"], [true, false])]
        {
            strangers.next_frame();
            assert_eq!(labels.map(|label| strangers.is_believed(label)), believed);
        }
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut strangers = Strangers::default();
        for _ in 0..3 {
            strangers.next_frame();
            let believed = (0..1_000).filter(|number| strangers.is_believed(&format!("L{number}"))).count();
            assert!(believed <= super::STRANGERS);
        }
    }
}
