//! What the meter shows in standard mode (Enedis-NOI-CPT_54E §6.2). The label table decides the order.

use crate::line::frame::Fields;
use crate::meter::Meter;
use crate::meter::registers::maximum::{Maximum, Reading};
use crate::meter::tariff::Peak;
use crate::meter::tariff::contract::Written;
use crate::rng::Rng;
use teleinfo_proto::tic::{CutOff, EuridisOutput, PlcStatus, Season, StatusRegister, Timestamp};

const EASF: [&str; 10] = ["EASF01", "EASF02", "EASF03", "EASF04", "EASF05", "EASF06", "EASF07", "EASF08", "EASF09", "EASF10"];
const EASD: [&str; 4] = ["EASD01", "EASD02", "EASD03", "EASD04"];
const ERQ: [&str; 4] = ["ERQ1", "ERQ2", "ERQ3", "ERQ4"];
/// Per phase: current, voltage, mean voltage, power, highest power of today and of yesterday.
const PHASES: [[&str; 6]; 3] = [
    ["IRMS1", "URMS1", "UMOY1", "SINSTS1", "SMAXSN1", "SMAXSN1-1"],
    ["IRMS2", "URMS2", "UMOY2", "SINSTS2", "SMAXSN2", "SMAXSN2-1"],
    ["IRMS3", "URMS3", "UMOY3", "SINSTS3", "SMAXSN3", "SMAXSN3-1"],
];
/// Start and end of mobile peak 1 to 3.
const PEAKS: [[&str; 2]; 3] = [["DPM1", "FPM1"], ["DPM2", "FPM2"], ["DPM3", "FPM3"]];
const NO_MESSAGE: &str = "PAS DE          MESSAGE         ";

impl Meter {
    pub(crate) fn standard_fields(&self) -> Fields {
        let mut fields = Fields::default();
        fields.text("ADSC", &self.identity);
        fields.text("VTIC", "02");
        fields.dated_text("DATE", self.now.stamp, "");
        self.names(&mut fields);
        self.indexes(&mut fields);
        self.per_phase(&mut fields);
        self.powers(&mut fields);
        self.curve(&mut fields);
        fields.text("STGE", &self.status().to_string());
        self.mobile_peaks(&mut fields);
        self.messages(&mut fields);
        self.profiles(&mut fields);
        fields
    }

    fn names(&self, fields: &mut Fields) {
        let contract = self.options.contract;
        fields.text("NGTF", contract.calendar);
        fields.text("LTARF", contract.tariffs[usize::from(self.tariff.index) - 1]);
        fields.number("NTARF", u64::from(self.tariff.index));
        let serial = Rng::named(self.options.seed, "delivery point").below(1_000_000_000_000);
        fields.text("PRM", &format!("99{serial:012}"));
    }

    fn indexes(&self, fields: &mut Fields) {
        let energy = &self.energy;
        fields.number("EAST", energy.total);
        fields.numbers(&EASF, energy.supplier);
        fields.numbers(&EASD, energy.distributor);
        if self.options.producer {
            fields.number("EAIT", energy.injected);
            fields.numbers(&ERQ, energy.reactive);
        }
    }

    fn per_phase(&self, fields: &mut Fields) {
        for (at, labels) in PHASES.iter().enumerate().take(self.options.phases) {
            let [current, voltage, mean, power, today, yesterday] = *labels;
            let phase = &self.phases[at];
            fields.number(current, self.current(at));
            fields.number(voltage, phase.voltage.round() as u64);
            dated(fields, mean, self.voltages[at].last);
            if self.is_three_phase() {
                fields.number(power, phase.signed().max(0.0).round() as u64);
                maximum(fields, [today, yesterday], &self.drawn.phases[at]);
            }
        }
    }

    fn powers(&self, fields: &mut Fields) {
        fields.number("PREF", u64::from(self.options.reference_power()));
        fields.number("PCOUP", u64::from(self.options.cut_off_power()));
        fields.number("SINSTS", self.drawn_power().round() as u64);
        maximum(fields, ["SMAXSN", "SMAXSN-1"], &self.drawn.total);
        if self.options.producer {
            fields.number("SINSTI", self.injected_power().round() as u64);
            maximum(fields, ["SMAXIN", "SMAXIN-1"], &self.injected);
        }
    }

    fn curve(&self, fields: &mut Fields) {
        dated(fields, "CCASN", self.drawn_curve.last);
        dated(fields, "CCASN-1", self.drawn_curve.before);
        if self.options.producer {
            dated(fields, "CCAIN", self.injected_curve.last);
            dated(fields, "CCAIN-1", self.injected_curve.before);
        }
    }

    fn status(&self) -> StatusRegister {
        let cut_off = if self.breaker.is_open() { CutOff::OpenOverPower } else { CutOff::Closed };
        StatusRegister::default()
            .with_dry_contact_open(!self.tariff.contact)
            .with_cut_off(cut_off)
            .with_over_power(self.is_over_power())
            .with_producer(self.options.producer)
            .with_injecting(self.active() < 0.0)
            .with_supplier_index(self.tariff.index)
            .with_distributor_index(self.tariff.distributor)
            .with_standard_mode(true)
            .with_euridis(EuridisOutput::OnWithSecurity)
            .with_plc(PlcStatus::NewLocked)
            .with_today(self.tariff.colour)
            .with_tomorrow(self.tariff.next_colour)
            .with_notice(self.tariff.notice.unwrap_or(0))
            .with_mobile_peak(self.tariff.running.unwrap_or(0))
    }

    /// Bit 7: above the reference power now, on any phase.
    fn is_over_power(&self) -> bool {
        let limit = f64::from(self.options.reference_power()) * 1000.0 / self.options.phases as f64;
        self.phases.iter().any(|phase| phase.signed() > limit)
    }

    /// The peak of each number that comes first, and the profile of the nearest one that has not begun.
    fn mobile_peaks(&self, fields: &mut Fields) {
        let peaks = &self.tariff.peaks;
        for (number, [start, end]) in (1..).zip(PEAKS) {
            if let Some(peak) = peaks.iter().find(|peak| peak.number == number) {
                fields.dated_text(start, unstated(peak.start), "00");
                fields.dated_text(end, unstated(peak.end), "00");
            }
        }
        let to_come = |peak: &&Peak| peak.start > self.now.unix;
        if let Some(peak) = peaks.iter().find(to_come) {
            fields.text("PPOINTE", &Written(peak.profile).to_string());
        }
    }

    fn messages(&self, fields: &mut Fields) {
        let message = self.options.message.as_deref();
        fields.text("MSG1", message.unwrap_or(NO_MESSAGE));
        if let Some(text) = message.filter(|_| self.frames == 0) {
            fields.text("MSG2", text);
        }
    }

    fn profiles(&self, fields: &mut Fields) {
        let tariff = &self.tariff;
        let relays = u64::from(tariff.virtual_contacts) << 1 | u64::from(tariff.contact);
        fields.number("RELAIS", relays);
        fields.number("NJOURF", u64::from(tariff.today));
        fields.number("NJOURF+1", u64::from(tariff.tomorrow));
        fields.text("PJOURF+1", &Written(tariff.tomorrow_profile).to_string());
    }
}

fn dated(fields: &mut Fields, label: &'static str, reading: Reading) {
    fields.dated_number(label, Timestamp::from_unix(reading.unix), reading.value);
}

fn maximum(fields: &mut Fields, [today, yesterday]: [&'static str; 2], maximum: &Maximum) {
    dated(fields, today, maximum.today);
    dated(fields, yesterday, maximum.yesterday);
}

/// DPMn and FPMn carry a space where others have the season.
fn unstated(unix: i64) -> Timestamp {
    Timestamp::from_unix(unix).with_season(Season::Unstated)
}
