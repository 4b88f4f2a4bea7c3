//! Drivers that take and give data: flashers, storage, with whatever goes wrong there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jumpstarter_proto::v1::FrameType;
use serde_json::{Value, json};
use tonic::Status;

use super::Running;
use super::router::{Data, Resource, Sent, frame};

/// What is stored, by driver or path.
pub type Stored = Mutex<HashMap<String, Vec<u8>>>;

// === impl Running ===

impl Running {
    /// The answer to a call about data, if it is one.
    pub async fn data_call(
        &self,
        uuid: &str,
        method: &str,
        args: &[Value],
    ) -> Option<Result<Value, Status>> {
        let answer = match (method, args) {
            ("flash", [handle, Value::Null]) | ("write", [handle]) => self.take(uuid, handle).await,
            ("flash", [handle, target]) => self.take(&name(uuid, target), handle).await,
            ("dump", [handle, Value::Null]) | ("read", [handle]) => self.give(uuid, handle).await,
            ("dump", [handle, target]) => self.give(&name(uuid, target), handle).await,
            ("open", [path, mode]) => match (path.as_str(), mode.as_str()) {
                (Some("missing"), _) => Err(Status::unknown("NotFound at open")),
                (Some(path), _) => Ok(Value::from(path)),
                _ => Err(Status::invalid_argument("a path is a string")),
            },
            // The descriptor of a file is its path.
            ("file_write", [file, handle]) => self.take(file.as_str()?, handle).await,
            ("file_read", [file, handle]) => self.give(file.as_str()?, handle).await,
            ("host", []) if uuid == "sticky" => self.wait("sticky is at the host").await,
            ("dut", []) if uuid == "slow" => self.wait("slow is with the board").await,
            ("file_close" | "host" | "dut", _) => Ok(Value::Null),
            ("exists", [path]) => Ok(Value::from(path != "missing")),
            ("hash", [_, algo]) => Ok(Value::from(format!("{}-of-it", algo.as_str()?))),
            ("stat", [_]) => Ok(json!({
                "content_disposition": null, "content_length": 5.0, "content_md5": null,
                "content_type": null, "etag": null,
                "mode": {"entry_is_file": true, "entry_is_dir": false},
            })),
            ("presign_read", [path, seconds]) => Ok(json!({
                "url": format!("http://files/{}?e={seconds}", path.as_str()?),
                "method": "GET", "headers": {"b": "2", "a": "1"},
            })),
            ("capability", []) => {
                Ok(json!({"read": true, "write_total_max_size": null, "list": false}))
            }
            ("copy" | "rename", [_, _]) | ("remove_all" | "create_dir" | "delete", [_]) => {
                Ok(Value::Null)
            }
            ("address", []) => match uuid {
                "hidden" => Err(Status::invalid_argument("address is off")),
                "six" => Ok(json!("tcp://[2001:db8::1]:443")),
                "net" => Ok(json!("tcp://10.1.2.3:8080")),
                _ => return None,
            },
            _ => return None,
        };
        Some(answer)
    }

    /// Takes as long as the test says, and notes that it was not broken off.
    async fn wait(&self, done: &str) -> Result<Value, Status> {
        self.released.notified().await;
        self.note(done);
        Ok(Value::Null)
    }

    fn resource(&self, handle: &Value) -> Result<Resource, Status> {
        let uuid = handle["uuid"].as_str().unwrap_or_default();
        let mut resources = self.resources.lock().unwrap();
        let unknown = || Status::unknown(format!("no resource {handle}"));
        resources.remove(uuid).ok_or_else(unknown)
    }

    /// Stores what the client sends.
    async fn take(&self, place: &str, handle: &Value) -> Result<Value, Status> {
        if handle["kind"] == "presigned_request" {
            return Ok(Value::Null);
        }
        let mut resource = self.resource(handle)?;
        let mut stored = Vec::new();
        while let Some(data) = resource.data.recv().await {
            match data {
                Data::Chunk(_) if place == "full" => {
                    // As when a driver fails: its stream is gone before its answer comes.
                    let broken = Status::aborted("RouterStream: aclose");
                    resource.sent.send(Err(broken)).await.ok();
                    drop(resource);
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    return Err(Status::internal("no space left on device"));
                }
                Data::Chunk(chunk) => stored.extend_from_slice(&chunk),
                Data::Whole => {
                    self.stored.lock().unwrap().insert(place.to_owned(), stored);
                    resource.sent.send(frame("", FrameType::Goaway)).await.ok();
                    return Ok(Value::Null);
                }
                Data::CutOff => break,
            }
        }
        Err(Status::unknown("the client went away"))
    }

    /// Sends what is stored.
    async fn give(&self, place: &str, handle: &Value) -> Result<Value, Status> {
        if handle["kind"] == "presigned_request" {
            return Ok(Value::Null);
        }
        let resource = self.resource(handle)?;
        let stored = self.stored.lock().unwrap().get(place).cloned();
        let sent = resource.sent;
        if place == "tardy" {
            self.follow(sent, stored.unwrap_or_default());
            return Ok(Value::Null);
        }
        for chunk in stored.iter().flat_map(|stored| stored.chunks(50_000)) {
            sent.send(frame(chunk.to_vec(), FrameType::Data)).await.ok();
        }
        sent.send(frame("", FrameType::Goaway)).await.ok();
        match (place, stored) {
            ("torn", _) => Err(Status::internal("the card was pulled out")),
            (_, Some(_)) => Ok(Value::Null),
            (_, None) => Err(Status::internal(format!("there is no {place}"))),
        }
    }

    /// Sends the data after the answer to the call, when the test says so.
    fn follow(&self, sent: Sent, stored: Vec<u8>) {
        let (calls, released) = (Arc::clone(&self.calls), Arc::clone(&self.released));
        tokio::spawn(async move {
            released.notified().await;
            calls
                .lock()
                .unwrap()
                .push("tardy begins to send".to_owned());
            sent.send(frame(stored, FrameType::Data)).await.ok();
            sent.send(frame("", FrameType::Goaway)).await.ok();
        });
    }
}

fn name(uuid: &str, target: &Value) -> String {
    format!("{uuid}/{}", target.as_str().unwrap_or_default())
}
