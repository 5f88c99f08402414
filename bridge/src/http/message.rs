//! What a client asks, and what it is answered.

use std::net::IpAddr;

use serde::Serialize;

/// The content of answers that machines read.
const JSON: &str = "application/json";

/// One request, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub client: IpAddr,
    /// What is to be done.
    pub verb: Verb,
    /// The path, without what follows a question mark.
    pub path: String,
    /// What follows it; empty if nothing does.
    pub query: String,
    /// The host that is asked, as the client knows it; empty if it does not say.
    pub host: String,
    /// Where a browser says that the request comes from, such as `cross-site`; empty if it does not say.
    pub site: String,
    /// By what a client says that it may ask; empty if it does not say.
    pub authorization: String,
    /// The forms of an answer that it takes; empty if it does not say.
    pub accept: String,
    /// The body; empty with most requests.
    pub body: Vec<u8>,
}

/// The methods of HTTP that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// To read.
    Get,
    /// To call a method that is named.
    Post,
    /// Any other.
    Other,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The kind of its body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// Headers that are the same for all answers of a kind.
pub type Headers = &'static [(&'static str, &'static str)];

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, content_type: JSON, body: String::new(), headers: Vec::new() }
    }

    /// An answer that is text of some kind.
    #[must_use]
    pub const fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self { status, content_type, body, headers: Vec::new() }
    }

    /// An answer that is JSON already.
    #[must_use]
    pub const fn json_text(status: u16, body: String) -> Self {
        Self { status, content_type: JSON, body, headers: Vec::new() }
    }

    /// The same with these headers too.
    #[must_use]
    pub fn with(mut self, headers: Headers) -> Self {
        self.headers.extend(headers);
        self
    }

    /// An answer in JSON. A value that cannot be written is a fault of ours.
    #[must_use]
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        serde_json::to_string(value).map_or(Self::empty(500), |body| Self::json_text(status, body))
    }
}
