//! Families of metrics as text: `OpenMetrics` 1.0, or Prometheus' older text format 0.0.4 for programs that know only that.
//!
//! Samples have no time: a value of now is told, or none. Source: the `OpenMetrics` specification 1.0.0, §"Text format".

use std::{
    borrow::Cow,
    fmt::{Display, Write},
};

use serde::{Deserialize, Serialize};

/// The content types, by the `Accept` header of whoever asks.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It only grows, until its program starts again.
    Counter,
    /// A value of now.
    Gauge,
    /// Words, as labels of the number 1.
    Info,
    /// One of several states is 1, the others are 0.
    StateSet,
}

/// The forms in which families are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics`, which has units and an end mark.
    OpenMetrics,
    /// Prometheus' own, older one.
    Plain,
}

/// A label and its value.
pub type Tag = (Cow<'static, str>, String);

/// One number with its labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    tags: Vec<Tag>,
    value: String,
}

/// Metrics of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// The name, without the ending that its kind adds.
    pub name: String,
    /// Counter, gauge, info or set of states.
    pub kind: Kind,
    /// The unit, which the name ends with; none if it is a mere number.
    pub unit: Cow<'static, str>,
    /// What it means, in English.
    pub help: Cow<'static, str>,
    /// Its numbers.
    pub metrics: Vec<Metric>,
}

impl Metric {
    /// A number with its labels.
    #[must_use]
    pub fn new(tags: Vec<Tag>, value: impl Display) -> Self {
        Self { tags, value: value.to_string() }
    }

    /// The same, with a label before its own.
    #[must_use]
    pub fn of(mut self, tag: Tag) -> Self {
        self.tags.insert(0, tag);
        self
    }

    /// The value of a label.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether its labels have names, and its value is a number: it can be written.
    fn is_sound(&self) -> bool {
        self.tags.iter().all(|(name, _)| is_name(name)) && self.value.parse::<f64>().is_ok()
    }
}

impl Family {
    /// Whether it can be written, whoever made it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let words = [&self.unit, &self.help];
        is_name(&self.name) && words.iter().all(|text| !text.contains(['\n', '\\'])) && self.metrics.iter().all(Metric::is_sound)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Format {
    /// The form that is asked for.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Plain }
    }

    /// Its name in HTTP.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => OPEN_METRICS,
            Self::Plain => PLAIN,
        }
    }

    /// All families as text.
    #[must_use]
    pub fn text(self, families: &[Family]) -> String {
        let mut text = String::new();
        families.iter().filter(|family| !family.metrics.is_empty()).for_each(|family| self.write(&mut text, family));
        if self == Self::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    fn write(self, text: &mut String, family: &Family) {
        let Family { name, kind, unit, help, metrics } = family;
        let described = if self == Self::OpenMetrics { name.clone() } else { format!("{name}{}", kind.ending()) };
        let _ = writeln!(text, "# TYPE {described} {}", self.type_of(*kind));
        if self == Self::OpenMetrics && !unit.is_empty() {
            let _ = writeln!(text, "# UNIT {described} {unit}");
        }
        let _ = writeln!(text, "# HELP {described} {help}");
        for Metric { tags, value } in metrics {
            let _ = write!(text, "{name}{}", kind.ending());
            write_tags(text, tags);
            let _ = writeln!(text, " {value}");
        }
    }

    const fn type_of(self, kind: Kind) -> &'static str {
        match (kind, self) {
            (Kind::Counter, _) => "counter",
            (Kind::Info, Self::OpenMetrics) => "info",
            (Kind::StateSet, Self::OpenMetrics) => "stateset",
            _ => "gauge",
        }
    }
}

impl Kind {
    /// What the names of its numbers end with.
    const fn ending(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::StateSet => "",
        }
    }
}

fn write_tags(text: &mut String, tags: &[Tag]) {
    if tags.is_empty() {
        return;
    }
    let pairs: Vec<String> = tags.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let _ = write!(text, "{{{}}}", pairs.join(","));
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> [Family; 3] {
        let counter = Metric::new(vec![("index".into(), "HC".into())], 7).of(("meter".into(), "021861000001".into()));
        let words = Metric::new(vec![("tariff".into(), "HP \"a\\b\"\nc".into())], 1);
        [
            Family {
                name: "x_watthours".into(),
                kind: Kind::Counter,
                unit: "watthours".into(),
                help: "Index.".into(),
                metrics: vec![counter],
            },
            Family { name: "y".into(), kind: Kind::Info, unit: "".into(), help: "Words.".into(), metrics: vec![words] },
            Family { name: "z".into(), kind: Kind::Gauge, unit: "".into(), help: "Not known.".into(), metrics: Vec::new() },
        ]
    }

    #[test]
    fn both_forms_name_what_they_describe() {
        let open = "# TYPE x_watthours counter\n# UNIT x_watthours watthours\n# HELP x_watthours Index.\n\
                    x_watthours_total{meter=\"021861000001\",index=\"HC\"} 7\n\
                    # TYPE y info\n# HELP y Words.\ny_info{tariff=\"HP \\\"a\\\\b\\\"\\nc\"} 1\n# EOF\n";
        assert_eq!(Format::OpenMetrics.text(&families()), open);
        let plain = "# TYPE x_watthours_total counter\n# HELP x_watthours_total Index.\n\
                     x_watthours_total{meter=\"021861000001\",index=\"HC\"} 7\n\
                     # TYPE y_info gauge\n# HELP y_info Words.\ny_info{tariff=\"HP \\\"a\\\\b\\\"\\nc\"} 1\n";
        assert_eq!(Format::Plain.text(&families()), plain);
    }

    #[test]
    fn prometheus_asks_for_open_metrics_and_a_browser_does_not() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        assert_eq!(Format::accepted("text/html,*/*;q=0.8"), Format::Plain);
        assert_eq!(Format::accepted(""), Format::Plain);
    }
}
