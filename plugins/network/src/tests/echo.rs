//! The echo.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use jumpstarter_driver::test::{Host, Messages};
use serde_json::json;

use super::EchoNetwork;

fn echo(test: impl FnOnce(Messages)) {
    let host = Host::new();
    let network = host.open::<EchoNetwork>(json!({"any": "thing"})).unwrap();
    test(network.connect_messages("connect", ()).unwrap());
}

#[test]
fn messages_come_back_as_they_were() {
    echo(|io| {
        for message in [&b"hello"[..], b"w", &[0; 100_000]] {
            io.send(message).unwrap();
        }
        assert_eq!(io.recv().unwrap().unwrap(), b"hello");
        assert_eq!(io.recv().unwrap().unwrap(), b"w");
        assert_eq!(io.recv().unwrap().unwrap(), [0; 100_000]);
    });
}

#[test]
fn the_last_message_comes_before_the_end() {
    echo(|io| {
        for number in 0..100_u32 {
            io.send(&number.to_be_bytes()).unwrap();
        }
        io.finish().unwrap();
        for number in 0..100_u32 {
            assert_eq!(io.recv().unwrap().unwrap(), number.to_be_bytes());
        }
        assert_eq!(io.recv().unwrap(), None);
        io.outcome().unwrap();
    });
}

#[test]
fn whoever_does_not_listen_cannot_go_on_talking() {
    echo(|io| {
        let sent = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                while io.send(&[0; 65_536]).is_ok() {
                    sent.fetch_add(65_536, Ordering::Relaxed);
                }
            });
            let mut before = usize::MAX;
            while before != sent.load(Ordering::Relaxed) {
                before = sent.load(Ordering::Relaxed);
                thread::sleep(Duration::from_millis(300));
            }
            assert!((1..16 << 20).contains(&before), "{before} bytes were taken");
            // The sender waits; this sends it home.
            io.finish().unwrap();
        });
    });
}
