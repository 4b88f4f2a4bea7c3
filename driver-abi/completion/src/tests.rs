//! Every way in which an answer can go wrong. The table is one static, so the tests that look at
//! its counters take turns.

use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use jumpstarter_driver_abi::{Code, Completion, Reply, Slice};

use crate::{abandoned, begin, strays};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn complete(completion: Completion, body: &str) {
    let reply = Reply {
        body: Slice::from(body),
        ..Reply::OK
    };
    // SAFETY: `body` lives for the call and there is no descriptor.
    unsafe { completion.complete(&reply) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn an_answer_before_the_await_is_kept() {
    let _turn = turn();
    let (pending, completion) = begin();
    complete(completion, "early");
    assert_eq!(block_on(pending).body, b"early");
}

#[test]
fn an_answer_from_another_thread_wakes_the_waiter() {
    let _turn = turn();
    let (pending, completion) = begin();
    let other = thread::spawn(move || complete(completion, "late"));
    assert_eq!(block_on(pending).body, b"late");
    other.join().expect("the thread ends");
}

#[test]
fn a_second_completion_is_counted_and_ignored() {
    let _turn = turn();
    let before = strays();
    let (pending, completion) = begin();
    complete(completion, "first");
    complete(completion, "second");
    assert_eq!(block_on(pending).body, b"first");
    complete(completion, "third");
    assert_eq!(strays() - before, 2);
}

#[test]
fn a_made_up_number_is_counted_and_ignored() {
    let _turn = turn();
    let before = strays();
    let (pending, completion) = begin();
    complete(
        Completion {
            ctx: u64::MAX,
            ..completion
        },
        "?",
    );
    complete(
        Completion {
            ctx: 0,
            ..completion
        },
        "?",
    );
    complete(completion, "real");
    assert_eq!(block_on(pending).body, b"real");
    assert_eq!(strays() - before, 2);
}

#[test]
fn a_null_reply_is_an_error_not_a_crash() {
    let _turn = turn();
    let (pending, completion) = begin();
    // SAFETY: the table allows null and says so in the answer.
    unsafe { (completion.done)(completion.ctx, std::ptr::null()) };
    assert_eq!(block_on(pending).code, Code::Internal);
}

#[test]
fn a_late_answer_frees_its_slot_and_closes_its_descriptor() {
    let _turn = turn();
    let before = abandoned();
    let (pending, completion) = begin();
    drop(pending);
    assert_eq!(abandoned() - before, 1);

    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let fd = theirs.into_raw_fd();
    let reply = Reply { fd, ..Reply::OK };
    // SAFETY: the descriptor is open and given away here.
    unsafe { completion.complete(&reply) };
    assert_eq!(abandoned(), before);
    assert!(reads_eof(&ours), "the abandoned descriptor was closed");
}

#[test]
fn a_doubled_descriptor_is_closed_once() {
    let _turn = turn();
    let (pending, completion) = begin();
    let (_ours, theirs) = UnixStream::pair().expect("a socket pair");
    let reply = Reply {
        fd: theirs.into_raw_fd(),
        ..Reply::OK
    };
    // SAFETY: the first call gives the descriptor away; the table must not touch it in the second.
    unsafe {
        completion.complete(&reply);
        completion.complete(&reply);
    }
    let answer = block_on(pending);
    assert_eq!(
        answer.fd.expect("the descriptor came").as_raw_fd(),
        reply.fd
    );
}

#[test]
fn slots_are_reused_with_a_new_generation() {
    let _turn = turn();
    let (first, old) = begin();
    complete(old, "old");
    block_on(first);
    let (second, new) = begin();
    assert_eq!(old.ctx as u32, new.ctx as u32, "the slot is the same");
    assert_ne!(old.ctx, new.ctx, "the number is not");
    complete(old, "stale");
    complete(new, "new");
    assert_eq!(block_on(second).body, b"new");
}

#[test]
fn many_threads_complete_and_abandon_at_once() {
    let _turn = turn();
    let before = abandoned();
    let rounds = if cfg!(miri) { 20 } else { 2_000 };
    thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                for round in 0..rounds {
                    let (pending, completion) = begin();
                    let text = format!("{worker}/{round}");
                    let sent = text.clone();
                    let other = thread::spawn(move || complete(completion, &sent));
                    if round % 3 == 0 {
                        drop(pending);
                    } else {
                        assert_eq!(block_on(pending).body, text.as_bytes());
                    }
                    other.join().expect("the thread ends");
                }
            });
        }
    });
    assert_eq!(abandoned(), before, "every late answer freed its slot");
}

fn reads_eof(stream: &UnixStream) -> bool {
    use std::io::Read;
    let mut byte = [0];
    matches!((&*stream).read(&mut byte), Ok(0))
}
