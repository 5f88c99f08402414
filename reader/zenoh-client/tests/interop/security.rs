//! Passwords and permissions, as a real router enforces them.

use std::io::Write;
use std::time::{Duration, Instant};

use teleinfo_zenoh_client::{Declaration, Error, Event};
use zenoh::{Session, Wait};

use crate::harness::{Program, free_port, router, tcp};

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
    let mut program = Program::to(port, Some(("pi", "correct horse:battery")));
    assert!(matches!(program.next_event(), Event::Connected { authenticated: true, .. }));
    program.publish("sensors/x", b"1");
    program.until("a sample", |_| subscriber.try_recv().unwrap());
}

#[test]
fn a_wrong_or_missing_password_is_said_in_words_and_not_tried_every_second() {
    let port = free_port();
    let _guarded = guarded(port, "");
    for (credentials, error, words) in [
        (Some(("pi", "wrong")), Error::PasswordRefused, "does not accept this user or password"),
        (Some(("nobody", "correct horse:battery")), Error::PasswordRefused, "does not accept this user or password"),
        (None, Error::PasswordMissing, "wants a user and a password"),
    ] {
        let mut program = Program::to(port, credentials);
        let (first, _) = program.expect_failures();
        assert_eq!(first[..], [(tcp(port), error)]);
        assert!(first.to_string().contains(words) && first.to_string().contains(&format!("tcp/127.0.0.1:{port}")), "{first}");
        let (second, retry_in) = program.expect_failures();
        assert_eq!(first, second, "the same trouble, so that it is logged once");
        assert!(retry_in > Duration::from_secs(2));
    }
}

#[test]
fn a_router_that_asks_for_no_password_is_refused() {
    let port = free_port();
    let _router = router(port, "");
    let mut program = Program::to(port, Some(("pi", "correct horse:battery")));
    let (failures, _) = program.expect_failures();
    assert_eq!(failures[..], [(tcp(port), Error::PasswordNotAsked)]);
}

#[test]
fn what_the_access_list_denies_does_not_arrive_and_the_session_stands() {
    let acl = r#", access_control: { enabled: true, default_permission: "deny",
        rules: [{ id: "own", permission: "allow", flows: ["ingress", "egress"],
                  messages: ["put", "liveliness_token", "declare_queryable", "query", "reply"], key_exprs: ["sensors/**"] }],
        subjects: [{ id: "clients", usernames: ["pi"] }],
        policies: [{ rules: ["own"], subjects: ["clients"] }] }"#;
    let port = free_port();
    let guarded = guarded(port, acl);
    let subscriber = guarded.router.declare_subscriber("**").wait().unwrap();
    let watcher = guarded.router.liveliness().declare_subscriber("**").history(true).wait().unwrap();
    let mut program = Program::to(port, Some(("pi", "correct horse:battery")));
    program.expect_connected();
    let now = Instant::now();
    program.client.declare(Declaration::Token, "other/alive", now);
    program.client.declare(Declaration::Token, "sensors/1/alive", now);
    program.client.declare(Declaration::Key, "other/sample", now);
    program.client.declare(Declaration::Key, "sensors/1/sample", now);
    program.publish("other/sample", b"forbidden");
    program.publish("sensors/1/sample", b"allowed");
    let sample = program.until("a sample", |_| subscriber.try_recv().unwrap());
    assert_eq!(sample.key_expr().as_str(), "sensors/1/sample");
    let token = program.until("a token", |_| watcher.try_recv().unwrap());
    assert_eq!(token.key_expr().as_str(), "sensors/1/alive");
    program.run(Duration::from_millis(300));
    assert!(subscriber.try_recv().unwrap().is_none() && watcher.try_recv().unwrap().is_none());
    assert!(program.client.is_connected());
}

#[test]
fn a_router_without_a_place_left_says_so() {
    let port = free_port();
    let _router = router(port, ", transport: { unicast: { max_sessions: 1 } }");
    let mut first = Program::to(port, None);
    first.expect_connected();
    let (failures, _) = Program::to(port, None).expect_failures();
    assert_eq!(failures[..], [(tcp(port), Error::Full)]);
}
