//! The contracts a meter can be programmed for: names, day profiles, indexes, and how the historic mode shows
//! them. One line of a table each.
//!
//! Source: Enedis-NOI-CPT_54E §6.1 (historic), §6.2.3.22 (profiles); names and profiles as real meters show them.

use std::fmt;

/// A step of a day profile: from this minute on, do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Minute of the day.
    pub minute: u16,
    /// The 16 bits of 54E §6.2.3.22: dry contact, virtual contacts, supplier index.
    pub action: u16,
}

const fn block(time: u16, action: u16) -> Block {
    Block { minute: time / 100 * 60 + time % 100, action }
}

/// What happens in one day: at most eleven blocks, the first at 00:00.
pub type Profile = &'static [Block];

/// How the historic mode shows a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Historic {
    /// OPTARIF.
    pub option: &'static str,
    /// What is shown of the energy.
    pub indexes: Indexes,
    /// PTEC for each supplier index; one alone stands for all of them.
    pub periods: &'static [&'static str],
}

/// The energy that the historic mode shows (54E §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexes {
    /// The supplier indexes from the first on, each with its label.
    Supplier(&'static [&'static str]),
    /// The total, with this label.
    Total(&'static str),
}

/// Which special days a contract has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peaks {
    /// None.
    None,
    /// White days are mobile peak 1, red days mobile peak 2, 06:00 to 06:00.
    Tempo,
    /// Mobile peak 1, 07:00 to 01:00.
    Ejp,
}

/// How the day profile of a date is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// Always the same; which one depends on the house.
    House,
    /// Profile 0 from Monday to Friday, profile 1 at the week-end.
    Weekend,
}

/// One contract.
#[derive(Debug)]
pub struct Contract {
    /// As on the command line.
    pub name: &'static str,
    /// NGTF, 16 characters.
    pub calendar: &'static str,
    /// LTARF for each supplier index, 16 characters.
    pub tariffs: &'static [&'static str],
    /// As the historic mode shows it.
    pub historic: Historic,
    /// The day profiles.
    pub profiles: &'static [Profile],
    /// How one is chosen.
    pub pick: Pick,
    /// The special days.
    pub peaks: Peaks,
    /// The profile of mobile peak 1 and 2.
    pub peak_profiles: &'static [Profile],
}

/// A supplier calendar that the historic mode has no words for shows as the total (54E §6.1).
const AS_BASE: Historic = Historic { option: "BASE", indexes: Indexes::Total("BASE"), periods: &["TH.."] };

const CONTRACTS: &[Contract] = &[
    Contract {
        name: "base",
        calendar: "      BASE      ",
        tariffs: &["      BASE      "],
        historic: Historic { option: "BASE", indexes: Indexes::Supplier(&["BASE"]), periods: &["TH.."] },
        profiles: &[&[block(0, 0x8001)]],
        pick: Pick::House,
        peaks: Peaks::None,
        peak_profiles: &[],
    },
    Contract {
        name: "hc",
        calendar: "H PLEINE/CREUSE ",
        tariffs: &["  HEURE  CREUSE ", " HEURE  PLEINE  "],
        historic: Historic { option: "HC..", indexes: Indexes::Supplier(&["HCHC", "HCHP"]), periods: &["HC..", "HP.."] },
        profiles: &[
            &[block(0, 0xC001), block(630, 0x8002), block(2230, 0xC001)],
            &[block(0, 0x8002), block(100, 0xC001), block(600, 0x8002), block(1230, 0xC001), block(1530, 0x8002)],
            &[block(0, 0xC001), block(526, 0x8002), block(1356, 0xC001), block(1626, 0x8002), block(2356, 0xC001)],
        ],
        pick: Pick::House,
        peaks: Peaks::None,
        peak_profiles: &[],
    },
    Contract {
        name: "ejp",
        calendar: "EJP             ",
        tariffs: &[" HEURE NORMALE  ", " POINTE MOBILE  "],
        historic: Historic { option: "EJP.", indexes: Indexes::Supplier(&["EJPHN", "EJPHPM"]), periods: &["HN..", "PM.."] },
        profiles: &[&[block(0, 0x8001)]],
        pick: Pick::House,
        peaks: Peaks::Ejp,
        peak_profiles: &[&[block(0, 0x8002)]],
    },
    Contract {
        name: "tempo",
        calendar: "     TEMPO      ",
        tariffs: &["    HC  BLEU    ", "    HP  BLEU    ", "   HC  BLANC    ", "   HP  BLANC    ", "   HC  ROUGE    ", "   HP  ROUGE    "],
        historic: Historic {
            option: "BBR(",
            indexes: Indexes::Supplier(&["BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"]),
            periods: &["HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR"],
        },
        profiles: &[&[block(0, 0x4001), block(600, 0x4002), block(2200, 0x4001)]],
        pick: Pick::House,
        peaks: Peaks::Tempo,
        peak_profiles: &[
            &[block(0, 0x4003), block(600, 0x4004), block(2200, 0x4003)],
            &[block(0, 0x4005), block(600, 0x4006), block(2200, 0x4005)],
        ],
    },
    Contract {
        name: "weekend",
        calendar: "HC SEM ET HC WE ",
        tariffs: &["   HC SEMAINE   ", "   HP SEMAINE   ", "    WEEK-END    "],
        historic: AS_BASE,
        profiles: &[
            &[block(0, 0x8002), block(256, 0xC001), block(756, 0x8002), block(1256, 0xC011), block(1556, 0x8002)],
            &[block(0, 0x8003), block(256, 0xC003), block(756, 0x8003)],
        ],
        pick: Pick::Weekend,
        peaks: Peaks::None,
        peak_profiles: &[],
    },
    Contract {
        name: "super",
        calendar: "H SUPER CREUSES ",
        tariffs: &["  HEURE PLEINE  ", "  HEURE CREUSE  ", " HEURE SUPER CR "],
        historic: AS_BASE,
        profiles: &[&[block(0, 0xC002), block(200, 0xC003), block(600, 0x8001), block(2200, 0xC002)]],
        pick: Pick::House,
        peaks: Peaks::None,
        peak_profiles: &[],
    },
];

impl Contract {
    /// Every contract there is.
    #[must_use]
    pub fn all() -> &'static [Self] {
        CONTRACTS
    }

    /// The contract of this name.
    ///
    /// # Errors
    /// Names the contracts there are.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        CONTRACTS.iter().find(|contract| contract.name == name).ok_or_else(|| {
            let names: Vec<&str> = CONTRACTS.iter().map(|contract| contract.name).collect();
            format!("one of {}", names.join(", "))
        })
    }
}

/// What a profile does at a minute of the day.
#[must_use]
pub fn action_at(profile: Profile, minute: u16) -> u16 {
    profile.iter().rev().find(|block| block.minute <= minute).or(profile.last()).map_or(0, |block| block.action)
}

/// A profile as PJOURF+1 and PPOINTE show it: eleven blocks, `NONUTILE` where there is none.
pub struct Written(pub Profile);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..11 {
            let space = if place == 0 { "" } else { " " };
            match self.0.get(place) {
                Some(Block { minute, action }) => write!(f, "{space}{:02}{:02}{action:04X}", minute / 60, minute % 60)?,
                None => write!(f, "{space}NONUTILE")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_is_whole() {
        for contract in CONTRACTS {
            assert_eq!(contract.calendar.len(), 16, "{}", contract.name);
            assert!(contract.tariffs.iter().all(|text| text.len() == 16));
            let historic = &contract.historic;
            match historic.indexes {
                Indexes::Supplier(labels) => assert_eq!((labels.len(), labels.len()), (historic.periods.len(), contract.tariffs.len())),
                Indexes::Total(_) => assert_eq!(historic.periods.len(), 1),
            }
            let profiles = contract.profiles.iter().chain(contract.peak_profiles);
            for profile in profiles {
                assert!(profile.len() <= 11 && profile[0].minute == 0);
                assert!(profile.is_sorted_by_key(|block| block.minute));
                for block in *profile {
                    let index = usize::from(block.action & 0xF);
                    assert!((1..=contract.tariffs.len()).contains(&index));
                }
            }
        }
    }

    #[test]
    fn profiles_read_as_on_real_meters() {
        let hc = Contract::find("hc").unwrap();
        assert_eq!(
            Written(hc.profiles[1]).to_string(),
            "00008002 0100C001 06008002 1230C001 15308002 NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE"
        );
        assert_eq!(action_at(hc.profiles[1], 59), 0x8002);
        assert_eq!(action_at(hc.profiles[1], 60), 0xC001);
        assert_eq!(action_at(hc.profiles[1], 23 * 60), 0x8002);
    }

    #[test]
    fn an_unknown_contract_gets_the_list() {
        let error = Contract::find("green").unwrap_err();
        assert!(error.contains("base, hc, ejp, tempo"), "{error}");
    }
}
