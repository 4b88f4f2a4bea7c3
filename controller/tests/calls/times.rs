//! Leases that cannot be, because of when they would begin and end.

use jumpstarter_proto::client_v1::Lease;
use prost_types::{Duration, Timestamp};
use tonic::Code::Unknown;

use crate::lab::Lab;
use crate::methods::{at, create, lease_named, seconds, update, wish};

const CONFLICT: &str = "duration conflicts with begin_time and end_time";
const ENDLESS: &str = "duration is required (must specify Duration, or both BeginTime and EndTime)";
/// The last second that protobuf knows.
const LAST: i64 = 253_402_300_799;
const FIRST: i64 = -62_135_596_800;

type Times = (Option<Timestamp>, Option<Timestamp>, Option<Duration>);

fn timed((begin_time, end_time, duration): Times) -> Lease {
    Lease {
        begin_time,
        end_time,
        duration,
        ..wish("a=b")
    }
}

fn nanos(seconds: i64, nanos: i32) -> Option<Duration> {
    Some(Duration { seconds, nanos })
}

fn moment(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

#[tokio::test]
async fn times_have_to_make_sense() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let long = "duration must be at most 876000h0m0s, got ";
    let (length, begin, end) = (
        "duration is out of range",
        "begin_time is out of range",
        "end_time is out of range",
    );
    let rows: [(&str, Times, &str); 25] = [
        ("nothing", (None, None, None), ENDLESS),
        ("a beginning", (at(1_000), None, None), ENDLESS),
        ("an end", (None, at(1_000), None), ENDLESS),
        (
            "three that differ",
            (at(1_000), at(2_000), seconds(3_000)),
            CONFLICT,
        ),
        (
            "no time at all",
            (None, None, seconds(0)),
            "duration must be positive, got 0s",
        ),
        (
            "less than none",
            (None, None, seconds(-2)),
            "duration must be positive, got -2s",
        ),
        (
            "less than can be told",
            (None, None, nanos(0, 999)),
            "duration must be positive, got 0s",
        ),
        (
            "an end before the beginning",
            (at(2_000), at(1_000), None),
            "duration must be positive, got -16m40s",
        ),
        (
            "an end at the beginning",
            (at(1_000), at(1_000), None),
            "duration must be positive, got 0s",
        ),
        ("too much", (None, None, seconds(876_000 * 3600 + 1)), long),
        ("too much between two times", (at(0), at(LAST), None), long),
        (
            "more than protobuf knows",
            (None, None, seconds(315_576_000_001)),
            length,
        ),
        (
            "more than there is",
            (None, None, seconds(i64::MAX)),
            length,
        ),
        (
            "less than there is",
            (None, None, seconds(i64::MIN)),
            length,
        ),
        (
            "too many nanoseconds",
            (None, None, nanos(1, 1_000_000_000)),
            length,
        ),
        (
            "nanoseconds of another sign",
            (None, None, nanos(1, -1)),
            length,
        ),
        (
            "a beginning in the year 10000",
            (at(LAST + 1), None, seconds(1)),
            begin,
        ),
        (
            "a beginning in the year 0",
            (at(FIRST - 1), None, seconds(1)),
            begin,
        ),
        (
            "a beginning beyond all",
            (at(i64::MAX), None, seconds(1)),
            begin,
        ),
        (
            "a beginning with many nanoseconds",
            (moment(1, 1_000_000_000), None, seconds(1)),
            begin,
        ),
        (
            "a beginning with negative ones",
            (moment(1, -1), None, seconds(1)),
            begin,
        ),
        (
            "an end in the year 10000",
            (None, at(LAST + 1), seconds(1)),
            end,
        ),
        ("an end before all", (at(0), at(i64::MIN), None), end),
        (
            "beyond the year 9999",
            (at(LAST), None, seconds(1)),
            "the lease would end after the year 9999",
        ),
        (
            "before the year 1",
            (None, at(FIRST), seconds(1)),
            "the lease would begin before the year 1",
        ),
    ];
    for (given, times, text) in &rows {
        let (code, told) = line.refusal(&alice, &create("", timed(*times))).await;
        assert_eq!(code, Unknown, "{given}: {told}");
        if text.ends_with(' ') {
            assert!(told.starts_with(text), "{given}: {told}");
        } else {
            assert_eq!(told, *text, "{given}");
        }
    }
    // The same words when a lease is changed.
    line.ask(
        &alice,
        &create("mine", timed((at(LAST - 9_000), None, seconds(60)))),
    )
    .await
    .unwrap();
    for (given, (begin_time, end_time, duration), text) in &rows[9..] {
        let change = Lease {
            begin_time: *begin_time,
            end_time: *end_time,
            duration: *duration,
            ..lease_named("mine")
        };
        let (code, told) = line.refusal(&alice, &update(change, &[])).await;
        assert_eq!(code, Unknown, "{given}: {told}");
        assert!(told.starts_with(text.trim_end()), "{given}: {told}");
    }
    // Strange, and good.
    for times in [
        (at(-1_000), None, seconds(1)),
        (None, at(1_000), seconds(600)),
        (at(LAST - 60), None, seconds(60)),
        (at(1_000), at(2_000), seconds(1_000)),
        (at(1_000), at(2_000), seconds(0)),
        (moment(1_000, 999_999_999), None, nanos(0, 1_000)),
        (None, None, seconds(876_000 * 3600)),
    ] {
        line.ask(&alice, &create("", timed(times)))
            .await
            .unwrap_or_else(|status| panic!("{times:?}: {status}"));
    }
}
