//! What the meter shows in historic mode (Enedis-NOI-CPT_54E §6.1). The label table decides the order.

use crate::line::frame::Fields;
use crate::meter::Meter;
use crate::meter::tariff::contract::Indexes;
use teleinfo_proto::tic::Tomorrow;

/// IMAX of a Linky never changes (54E §6.1).
const IMAX_SINGLE: u64 = 90;
const IMAX_THREE: u64 = 60;
/// PEJP, when it is there, is always this.
const PEJP: u64 = 30;

impl Meter {
    pub(crate) fn historic_fields(&self) -> Fields {
        let mut fields = Fields::default();
        fields.text("ADCO", &self.identity);
        fields.text("OPTARIF", self.options.contract.historic.option);
        fields.number("ISOUSC", self.subscribed_current());
        self.historic_tariff(&mut fields);
        if self.is_three_phase() {
            self.three_phases(&mut fields);
        } else {
            self.one_phase(&mut fields);
        }
        fields.number("PAPP", to_ten(self.drawn_power()));
        fields.text("HHPHC", "A");
        fields.text("MOTDETAT", "000000");
        fields
    }

    /// The short frame of a three-phase overload: in its last minute perhaps without any ADIRn.
    pub(crate) fn short_fields(&self) -> Fields {
        let mut fields = Fields::default();
        for (phase, (warning, current)) in [("ADIR1", "IINST1"), ("ADIR2", "IINST2"), ("ADIR3", "IINST3")].into_iter().enumerate() {
            if let Some(overload) = self.overload(phase) {
                fields.number(warning, overload);
            }
            fields.number(current, self.current(phase));
        }
        fields.text("ADCO", &self.identity);
        fields
    }

    fn historic_tariff(&self, fields: &mut Fields) {
        let historic = &self.options.contract.historic;
        match historic.indexes {
            Indexes::Total(label) => fields.number(label, self.energy.total),
            Indexes::Supplier(labels) => fields.numbers(labels, self.energy.supplier),
        }
        let place = (usize::from(self.tariff.index) - 1).min(historic.periods.len() - 1);
        fields.text("PTEC", historic.periods[place]);
        if self.tariff.colour.is_some() {
            fields.text("DEMAIN", &Tomorrow::from(self.tariff.next_colour).to_string());
        }
        if self.is_ejp() && self.tariff.notice.is_some() {
            fields.number("PEJP", PEJP);
        }
    }

    fn one_phase(&self, fields: &mut Fields) {
        fields.number("IINST", self.current(0));
        if let Some(overload) = self.overload(0) {
            fields.number("ADPS", overload);
        }
        fields.number("IMAX", IMAX_SINGLE);
    }

    fn three_phases(&self, fields: &mut Fields) {
        for (phase, (now, highest)) in [("IINST1", "IMAX1"), ("IINST2", "IMAX2"), ("IINST3", "IMAX3")].into_iter().enumerate() {
            fields.number(now, self.current(phase));
            fields.number(highest, IMAX_THREE);
        }
        fields.number("PMAX", self.drawn.total.yesterday.value);
        fields.text("PPOT", "00");
    }
}

fn to_ten(power: f64) -> u64 {
    (power / 10.0).round() as u64 * 10
}
