//! What Home Assistant says over its WebSocket interface: a message of bounded length, and what it answers to a command. Pure.

use serde_json::Value;

use super::recorder::Error;
use crate::words::language::Language;

/// The longest message: 20 000 entities have 13 MB in the registry.
pub const MESSAGE_MAX: usize = 24 << 20;
/// The longest answer that is read as any JSON: it takes ten times as much memory then. Of the registry only our own entries are read.
pub const ANY_MAX: usize = 8 << 20;
/// The code of a command that is refused because the token is not that of an administrator.
const UNAUTHORIZED: &str = "unauthorized";

/// Reads a message as any JSON.
///
/// # Errors
/// It is too long for that, or it is none.
pub fn read(text: &str) -> Result<Value, Error> {
    if text.len() > ANY_MAX {
        return Err(Error::Connection(format!("an answer of {} bytes", text.len())));
    }
    serde_json::from_str(text).map_err(|error| Error::Connection(error.to_string()))
}

/// The language of Home Assistant, of its configuration.
#[must_use]
pub fn language(config: &Value) -> Option<Language> {
    Language::of_locale(config["language"].as_str()?)
}

/// The result of the command with this number, or why it is refused; nothing if this message is about something else.
///
/// # Errors
/// Those of the command.
pub fn to(id: u64, mut answer: Value) -> Option<Result<Value, Error>> {
    if answer["id"] != id || answer["type"] != "result" {
        return None;
    }
    if answer["success"] == true {
        return Some(Ok(answer["result"].take()));
    }
    let text = |field: &str| answer["error"][field].as_str().unwrap_or_default().to_owned();
    Some(Err(match text("code") {
        code if code == UNAUTHORIZED => Error::Token,
        code => Error::Refused { code, message: text("message") },
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_that_of_its_command() {
        let answer = |id: u64, rest: Value| {
            let mut answer = json!({ "id": id, "type": "result" });
            answer.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            answer
        };
        assert_eq!(to(3, answer(3, json!({ "success": true, "result": [1] }))), Some(Ok(json!([1]))));
        assert_eq!(to(4, answer(3, json!({ "success": true }))), None);
        assert_eq!(to(3, json!({ "id": 3, "type": "event" })), None);
        let refused = |code: &str| answer(3, json!({ "success": false, "error": { "code": code, "message": "no" } }));
        assert_eq!(to(3, refused("unauthorized")), Some(Err(Error::Token)));
        assert_eq!(to(3, refused("x")), Some(Err(Error::Refused { code: "x".into(), message: "no".into() })));
    }

    #[test]
    fn what_would_take_much_memory_is_not_read() {
        let long = format!("\"{}\"", "x".repeat(ANY_MAX));
        assert!(read(&long).is_err() && read("{").is_err() && read("[1]").is_ok());
    }
}
