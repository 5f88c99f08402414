//! Enums that travel as numbers, so that an older release still reads a message of a newer one.

/// Makes an enum, its numbers and its names from the rows of one table. A number that is not in the table is read as `Unknown`.
macro_rules! numbered {
    ($(#[$about:meta])* $enum:ident { $($(#[$meaning:meta])* $variant:ident = $number:literal, $name:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum {
            $($(#[$meaning])* $variant,)+
            /// A number that this release does not know.
            Unknown(u32),
        }

        impl $enum {
            /// All that this release knows, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// One word for machines, kebab-case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(_) => "unknown",
                }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Unknown(number) => number,
                }
            }
        }

        impl From<u32> for $enum {
            fn from(number: u32) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    number => Self::Unknown(number),
                }
            }
        }

        /// A number on the wire, a name for people.
        impl serde::Serialize for $enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.serialize_str(self.name()) } else { serializer.serialize_u32(self.number()) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u32::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

pub(super) use numbered;
