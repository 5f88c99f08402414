//! Passwords and permissions, as a real router enforces them.

use std::io::Write;
use std::time::{Duration, Instant};

use teleinfo_zenoh_client::Event;
use zenoh::{Session, Wait};

use crate::harness::{Reader, free_port, router};

struct Guarded {
    router: Session,
    _users: tempfile::NamedTempFile,
}

fn guarded(port: u16, extra: &str) -> Guarded {
    let mut users = tempfile::NamedTempFile::new().unwrap();
    writeln!(users, "pi:correct horse:battery").unwrap(); // a password may hold a colon
    users.flush().unwrap();
    let auth = format!(r#", transport: {{ auth: {{ usrpwd: {{ dictionary_file: {:?} }} }} }} {extra}"#, users.path());
    Guarded { router: router(port, &auth), _users: users }
}

#[test]
fn the_right_password_opens() {
    let port = free_port();
    let guarded = guarded(port, "");
    let subscriber = guarded.router.declare_subscriber("**").wait().unwrap();
    let mut reader = Reader::to(port, Some(("pi", "correct horse:battery")));
    assert!(matches!(reader.next_event(), Event::Connected { authenticated: true, .. }));
    reader.publish("tic/v1/x", b"1");
    reader.until("a sample", |_| subscriber.try_recv().unwrap());
}

#[test]
fn a_wrong_or_missing_password_is_said_in_words_and_not_tried_every_second() {
    let port = free_port();
    let _guarded = guarded(port, "");
    for (credentials, words) in [
        (Some(("pi", "wrong")), "does not accept this user or password"),
        (Some(("nobody", "correct horse:battery")), "does not accept this user or password"),
        (None, "wants a user and a password"),
    ] {
        let mut reader = Reader::to(port, credentials);
        let (first, _) = reader.expect_disconnected();
        assert!(first.contains(words) && first.contains(&format!("tcp/127.0.0.1:{port}")), "{first}");
        let (second, retry_in) = reader.expect_disconnected();
        assert_eq!(first, second, "the same words, so that they are logged once");
        assert!(retry_in > Duration::from_secs(2));
    }
}

#[test]
fn a_password_the_router_does_not_ask_for_does_no_harm() {
    let port = free_port();
    let _router = router(port, "");
    let mut reader = Reader::to(port, Some(("pi", "correct horse:battery")));
    assert!(matches!(reader.next_event(), Event::Connected { authenticated: false, .. }));
}

#[test]
fn what_the_access_list_denies_does_not_arrive_and_the_session_stands() {
    let acl = r#", access_control: { enabled: true, default_permission: "deny",
        rules: [{ id: "own", permission: "allow", flows: ["ingress", "egress"],
                  messages: ["put", "liveliness_token", "declare_queryable", "query", "reply"], key_exprs: ["tic/v1/**"] }],
        subjects: [{ id: "readers", usernames: ["pi"] }],
        policies: [{ rules: ["own"], subjects: ["readers"] }] }"#;
    let port = free_port();
    let guarded = guarded(port, acl);
    let subscriber = guarded.router.declare_subscriber("**").wait().unwrap();
    let watcher = guarded.router.liveliness().declare_subscriber("**").history(true).wait().unwrap();
    let mut reader = Reader::to(port, Some(("pi", "correct horse:battery")));
    reader.expect_connected();
    let now = Instant::now();
    reader.client.declare_token(now, "other/alive");
    reader.client.declare_token(now, "tic/v1/012345678912/alive");
    reader.publish("other/sample", b"forbidden");
    reader.publish("tic/v1/012345678912/sample", b"allowed");
    let sample = reader.until("a sample", |_| subscriber.try_recv().unwrap());
    assert_eq!(sample.key_expr().as_str(), "tic/v1/012345678912/sample");
    let token = reader.until("a token", |_| watcher.try_recv().unwrap());
    assert_eq!(token.key_expr().as_str(), "tic/v1/012345678912/alive");
    reader.run(Duration::from_millis(300));
    assert!(subscriber.try_recv().unwrap().is_none() && watcher.try_recv().unwrap().is_none());
    assert!(reader.client.is_connected());
}
