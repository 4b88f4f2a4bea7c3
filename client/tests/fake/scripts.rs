//! A driver that runs scripts, or says so.

use std::pin::Pin;
use std::time::Duration;

use jumpstarter_proto::v1::StreamingDriverCallResponse;
use serde_json::{Value, json};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::service::encode;

type Pieces = Pin<Box<dyn Stream<Item = Result<StreamingDriverCallResponse, Status>> + Send>>;

/// Unsorted, and one of them twice, as no driver should.
pub fn names(uuid: &str) -> Result<Value, Status> {
    match uuid {
        "broken" => Err(Status::unknown("the disk is on fire")),
        _ => Ok(json!([
            "say", "a_b", "slow", "fails", "killed", "breaks", "mute", "say"
        ])),
    }
}

/// What the script in the first argument says.
pub fn run(args: &[Value]) -> Pieces {
    let pieces = match args[0].as_str().unwrap() {
        "say" => {
            let said = Value::from(args).to_string();
            vec![Ok(json!([said, "", null])), Ok(json!(["", "psst", 0.0]))]
        }
        "a_b" => vec![Ok(json!([null, null, 0.0]))],
        "slow" => {
            let first = tokio_stream::once(Ok(json!(["working...", "", null])));
            let rest = first.chain(tokio_stream::pending());
            return Box::pin(rest.map(response));
        }
        "fails" => vec![
            Ok(json!(["so ", "", null])),
            Ok(json!(["far\n", "no good\n", 3.0])),
            Ok(json!(["", "", null])),
        ],
        "killed" => vec![Ok(json!(["", "", -15.0]))],
        "breaks" => vec![
            Ok(json!(["half", "", null])),
            Err(Status::invalid_argument("not like this")),
        ],
        _ => vec![Ok(json!(["nothing", "", null]))],
    };
    let pieces = tokio_stream::iter(pieces).throttle(Duration::from_millis(1));
    Box::pin(pieces.map(response))
}

fn response(item: Result<Value, Status>) -> Result<StreamingDriverCallResponse, Status> {
    item.map(|item| StreamingDriverCallResponse {
        uuid: String::new(),
        result: encode(&item),
    })
}
