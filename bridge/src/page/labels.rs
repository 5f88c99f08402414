//! What each label means, for the frame label by label: the table of the specification as JSON.

use serde_json::{Value, json};
use teleinfo_proto::tic::{Label, Mode};

/// Each label with its unit and its meaning in both languages, in the order of a frame.
#[must_use]
pub fn json() -> String {
    let all = Mode::ALL.into_iter().flat_map(Label::all).chain(Label::others());
    let told = |label: &Label| json!({ "label": label.code, "unit": label.unit().map(|unit| unit.to_string()), "en": label.english, "fr": label.french });
    all.map(told).collect::<Value>().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_its_meaning() {
        let labels: Value = serde_json::from_str(&json()).unwrap();
        let told = |code| labels.as_array().unwrap().iter().find(|label| label["label"] == code).unwrap();
        assert_eq!((&told("SINSTS")["unit"], &told("PTEC")["unit"]), (&json!("VA"), &Value::Null));
        assert!(told("PAPP")["fr"].as_str().unwrap().contains("apparente"));
    }
}
