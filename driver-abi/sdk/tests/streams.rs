//! Streams of values: batches, ends, errors, and letting go.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{
    Code, Context, Description, Driver, DynamicMethod, Error, NoConfig, Result, Stream, driver,
};
use serde_json::{Value, json};

struct Meter {
    produced: Arc<AtomicUsize>,
    unit: String,
}

impl Driver for Meter {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self {
            produced: Arc::default(),
            unit: "V".to_owned(),
        })
    }

    fn describe(&self) -> Description {
        let count = |args: Vec<Value>| {
            let end = args.first().and_then(Value::as_u64).unwrap_or(2);
            stream::iter((0..end).map(|n| Ok(json!(n))))
        };
        Description {
            methods: vec![
                DynamicMethod::stream("count", count).doc("Counts"),
                DynamicMethod::call("double", |args| async move {
                    let number = args.first().and_then(Value::as_f64);
                    let number = number.ok_or_else(|| Error::invalid_argument("a number"))?;
                    Ok(json!(number * 2.0))
                })
                .param("number", json!({"type": "number"}), false)
                .result(json!({"type": "number"})),
            ],
            ..Description::default()
        }
    }
}

#[driver(type = "test.Meter", dynamic)]
impl Meter {
    #[export(stream)]
    fn upto(&self, end: u32) -> impl Stream<Item = Result<u32>> {
        // It borrows from the driver.
        stream::iter(0..end).map(|n| {
            self.produced.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        })
    }

    #[export(stream)]
    async fn units(&self, ok: bool) -> Result<impl Stream<Item = Result<String>>> {
        tokio::task::yield_now().await;
        if !ok {
            return Err(Error::unavailable("no meter"));
        }
        Ok(stream::iter([Ok(self.unit.clone())]))
    }

    #[export(stream)]
    fn boxed(&self) -> BoxStream<'static, std::io::Result<u8>> {
        stream::iter([Ok(1)]).boxed()
    }

    #[export(stream)]
    fn large(&self) -> impl Stream<Item = Result<String>> {
        stream::iter([100, 200, 100, 600, 1].map(|kib| Ok("x".repeat(kib * 1024))))
    }

    #[export(stream)]
    fn breaks(&self) -> impl Stream<Item = Result<u8>> {
        stream::iter([Ok(1), Ok(2), Err(Error::timeout("no third"))])
    }

    #[export(stream)]
    fn panics(&self, at_once: bool) -> impl Stream<Item = Result<u8>> {
        assert!(!at_once, "at once");
        stream::iter([1, 2, 3]).map(|n| {
            assert!(n < 3, "third");
            Ok(n)
        })
    }

    #[export(stream)]
    fn waits(&self) -> impl Stream<Item = Result<u8>> {
        stream::iter([Ok(1)]).chain(stream::pending())
    }

    /// Where it runs, item by item.
    #[export(stream, quick)]
    fn threads(&self) -> impl Stream<Item = Result<String>> {
        stream::iter(0..3).map(|_| Ok(format!("{:?}", thread::current().id())))
    }

    /// Waits before it opens, before the second item, and for ever before the fourth.
    #[export(stream, quick)]
    async fn threads_later(&self, ok: bool) -> Result<impl Stream<Item = Result<String>>> {
        let items = self.threads();
        tokio::time::sleep(Duration::from_millis(1)).await;
        if !ok {
            return Err(Error::unavailable("no meter"));
        }
        Ok(items.chain(stream::pending()))
    }

    #[export(stream, quick)]
    fn waits_quick(&self) -> impl Stream<Item = Result<u32>> {
        let _produced = self.produced.fetch_add(1, Ordering::SeqCst);
        let later = stream::once(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(self.produced.fetch_add(1, Ordering::SeqCst) as u32)
        });
        stream::iter([Ok(7)]).chain(later).chain(stream::pending())
    }

    #[export(stream, quick)]
    fn panics_quick(&self, at_once: bool) -> impl Stream<Item = Result<u8>> {
        self.panics(at_once)
    }

    #[export(stream)]
    fn ticks(&self, count: u32) -> impl Iterator<Item = Result<u32>> {
        (0..count).map(|n| {
            if n > 0 {
                thread::sleep(Duration::from_millis(20));
            }
            self.produced.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        })
    }

    #[export(stream)]
    fn listed(&self, ok: bool) -> Result<impl IntoIterator<Item = Result<u8>>> {
        if ok {
            Ok([Ok(1), Err(Error::internal("after one"))])
        } else {
            Err(Error::unavailable("no list"))
        }
    }

    #[export(quick)]
    async fn produced(&self) -> Result<usize> {
        Ok(self.produced.load(Ordering::SeqCst))
    }
}

fn meter(host: &Host) -> Opened {
    host.open::<Meter>(json!({})).unwrap()
}

fn all<T: serde::de::DeserializeOwned>(meter: &Opened, method: &str) -> Result<Vec<T>> {
    meter.stream(method, ())?.collect()
}

#[test]
fn a_quick_stream_runs_where_it_is_opened_until_it_has_to_wait() {
    let host = Host::new();
    let meter = host.open::<Meter>(json!({})).unwrap();
    let here = format!("{:?}", thread::current().id());
    let threads = meter.stream::<String>("threads", ()).unwrap();
    assert_eq!(
        threads.map(Result::unwrap).collect::<Vec<_>>(),
        vec![here.clone(); 3]
    );

    let threads = meter.stream::<String>("threads_later", (true,)).unwrap();
    for thread in threads.take(3) {
        assert_ne!(thread.unwrap(), here);
    }
    let error = meter
        .stream::<String>("threads_later", (false,))
        .unwrap_err();
    assert_eq!(error, Error::unavailable("no meter"));

    let mut waits = meter.stream::<u32>("waits_quick", ()).unwrap();
    assert_eq!(waits.next().unwrap().unwrap(), 7);
    assert_eq!(waits.next().unwrap().unwrap(), 1, "it goes on as a task");
    // Closing ends what still waits.
    meter.close().unwrap();
    assert_eq!(waits.next().unwrap().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn a_quick_stream_may_panic() {
    let host = Host::new();
    let meter = host.open::<Meter>(json!({})).unwrap();
    let error = meter.stream::<u8>("panics_quick", (true,)).unwrap_err();
    assert_eq!(error, Error::internal("the driver panicked: at once"));
    let mut items = meter.stream::<u8>("panics_quick", (false,)).unwrap();
    assert_eq!(items.next().unwrap().unwrap(), 1);
    assert_eq!(items.next().unwrap().unwrap(), 2);
    let error = items.next().unwrap().unwrap_err();
    assert_eq!(error, Error::internal("the driver panicked: third"));
}

#[test]
fn items_come_in_order_and_in_batches() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<u32>("upto", (150,)).unwrap();
    let batches: Vec<usize> = (0..3).map(|_| items.fetch().unwrap()).collect();
    assert_eq!(batches, [64, 64, 22]);
    let items: Result<Vec<u32>> = items.collect();
    assert_eq!(items.unwrap(), (0..150).collect::<Vec<_>>());
    assert_eq!(meter.call::<usize>("produced", ()).unwrap(), 150);
}

#[test]
fn nothing_is_produced_that_nobody_asked_for() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<u32>("upto", (1_000_000,)).unwrap();
    assert_eq!(items.fetch().unwrap(), 64);
    thread::sleep(Duration::from_millis(20));
    assert_eq!(meter.call::<usize>("produced", ()).unwrap(), 64);
}

#[test]
fn all_shapes_of_return_types_work() {
    let host = Host::new();
    let meter = meter(&host);
    let units: Result<Vec<String>> = meter.stream("units", (true,)).unwrap().collect();
    assert_eq!(units.unwrap(), ["V"]);
    assert_eq!(all::<u8>(&meter, "boxed").unwrap(), [1]);
    assert_eq!(
        meter.stream::<String>("units", (false,)).unwrap_err(),
        Error::unavailable("no meter")
    );
    assert_eq!(
        meter.stream::<u8>("listed", (false,)).unwrap_err(),
        Error::unavailable("no list")
    );
    let mut listed = meter.stream::<u8>("listed", (true,)).unwrap();
    assert_eq!(listed.next().unwrap().unwrap(), 1);
    assert_eq!(
        listed.next().unwrap().unwrap_err(),
        Error::internal("after one")
    );
    assert!(listed.next().is_none());
}

#[test]
fn no_reply_is_larger_than_256_kib_unless_an_item_is() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<String>("large", ()).unwrap();
    let batches: Vec<usize> = (0..4).map(|_| items.fetch().unwrap()).collect();
    // 100 | 200 | 100 | 600 | 1: 100 + 200 and 200 + 100 do not fit, nor does anything with 600.
    assert_eq!(batches, [1, 1, 1, 1]);
    assert_eq!(items.fetch().unwrap(), 1);
    let sizes: Vec<usize> = items.map(|item| item.unwrap().len() / 1024).collect();
    assert_eq!(sizes, [100, 200, 100, 600, 1]);
}

#[test]
fn items_before_an_error_come_first() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<u8>("breaks", ()).unwrap();
    assert_eq!(items.fetch().unwrap(), 2);
    assert_eq!(items.fetch().unwrap_err(), Error::timeout("no third"));
}

#[test]
fn panics_are_errors_of_the_stream() {
    let host = Host::new();
    let meter = meter(&host);
    let error = meter.stream::<u8>("panics", (true,)).unwrap_err();
    assert_eq!(error, Error::internal("the driver panicked: at once"));
    let mut items = meter.stream::<u8>("panics", (false,)).unwrap();
    assert_eq!(items.fetch().unwrap(), 2);
    assert_eq!(
        items.fetch().unwrap_err(),
        Error::internal("the driver panicked: third")
    );
}

#[test]
fn an_item_does_not_wait_for_the_next() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<u32>("ticks", (3,)).unwrap();
    // A thread that sleeps between the items, yet each comes when it is there.
    assert_eq!(items.fetch().unwrap(), 1);
    assert_eq!(items.fetch().unwrap(), 1);
    let items: Result<Vec<u32>> = items.collect();
    assert_eq!(items.unwrap(), [0, 1, 2]);
}

#[test]
fn letting_go_ends_the_producer() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<u32>("ticks", (1_000,)).unwrap();
    items.fetch().unwrap();
    drop(items);
    // Closing waits for the thread, which must not go on for its 20 seconds.
    meter.close().unwrap();
    assert!(
        !host
            .messages()
            .iter()
            .any(|line| line.contains("do not end"))
    );
}

#[test]
fn closing_the_driver_answers_a_waiting_stream() {
    let host = Host::new();
    let meter = meter(&host);
    let mut items = meter.stream::<u8>("waits", ()).unwrap();
    assert_eq!(items.fetch().unwrap(), 1);
    thread::scope(|scope| {
        let (started, has_started) = std::sync::mpsc::sync_channel(1);
        let waiting = scope.spawn(move || {
            started.send(()).unwrap();
            (items.fetch().unwrap_err(), items)
        });
        has_started.recv().unwrap();
        thread::sleep(Duration::from_millis(100));
        meter.close().unwrap();
        let (error, mut items) = waiting.join().unwrap();
        assert_eq!(error.code(), Code::Cancelled);
        let closed = Error::unavailable("the stream is closed");
        assert_eq!(items.fetch().unwrap_err(), closed);
    });
}

#[test]
fn methods_of_one_instance_are_told_and_called() {
    let host = Host::new();
    let meter = meter(&host);
    let methods = &meter.added()["methods"];
    assert_eq!(methods[0]["name"], "count");
    assert_eq!(methods[0]["kind"], "stream");
    assert_eq!(methods[1]["params"][0]["name"], "number");
    assert_eq!(meter.call::<f64>("double", (4,)).unwrap(), 8.0);
    assert_eq!(all::<u8>(&meter, "count").unwrap(), [0, 1]);
    assert_eq!(
        meter.call::<f64>("count", ()).unwrap_err().message(),
        "method count missing marker marker_drivercall"
    );
    assert_eq!(
        meter.connect("double", ()).unwrap_err().message(),
        "method double missing marker marker_streamcall"
    );
}

#[test]
fn the_wrong_kind_of_call_is_named() {
    let host = Host::new();
    let meter = meter(&host);
    assert_eq!(
        meter.stream::<u8>("produced", ()).unwrap_err(),
        Error::not_found("method produced missing marker marker_streamingdrivercall")
    );
    assert_eq!(
        meter.stream::<u8>("absent", ()).unwrap_err(),
        Error::not_found("method absent not found on driver")
    );
    assert_eq!(
        meter.connect("upto", ()).unwrap_err(),
        Error::not_found("method upto missing marker marker_streamcall")
    );
}
