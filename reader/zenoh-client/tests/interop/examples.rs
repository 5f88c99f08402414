//! The examples of the README, as programs, against a real router.

use std::process::{Child, Command, Stdio};

use zenoh::Wait;

use crate::harness::{PATIENCE, free_port, router};

/// Starts an example, which cargo has built beside the tests.
fn example(name: &str, arguments: &[&str]) -> Child {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().with_file_name("examples").join(name);
    Command::new(program).args(arguments).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_publisher_publishes_under_its_key() {
    let port = free_port();
    let router = router(port, "");
    let subscriber = router.declare_subscriber("demo/count").wait().unwrap();
    let mut publisher = example("publisher", &[&format!("tcp/127.0.0.1:{port}"), "demo/count", "2"]);
    for number in [b"1", b"2"] {
        let sample = subscriber.recv_timeout(PATIENCE).unwrap().expect("a sample");
        assert_eq!((sample.key_expr().as_str(), &*sample.payload().to_bytes()), ("demo/count", &number[..]));
    }
    assert!(publisher.wait().unwrap().success());
}

#[test]
fn the_queryable_answers() {
    let port = free_port();
    let router = router(port, "");
    let mut queryable = example("queryable", &[&format!("tcp/127.0.0.1:{port}"), "demo/uptime", "1"]);
    // Until the example has connected, a query ends without a reply.
    let reply = std::iter::repeat_with(|| router.get("demo/uptime").timeout(PATIENCE).wait().unwrap().recv().ok())
        .inspect(|_| std::thread::sleep(std::time::Duration::from_millis(50)))
        .find_map(|reply| reply);
    let sample = reply.unwrap().into_result().unwrap();
    assert!(sample.payload().try_to_string().unwrap().parse::<u64>().is_ok());
    assert!(queryable.wait().unwrap().success());
}
