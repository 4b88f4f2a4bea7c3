//! A file of the client, into a folder of the exporter.

use std::{fs, path::Path, time::Instant};

use async_compression::tokio::bufread::ZstdEncoder;
use bytes::Bytes;
use jumpstarter_proto::v1::DriverCallRequest;
use jumpstarter_tests::{Lab, values};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::{
    Effort,
    frames::{Frames, Line},
    limit::router::{FILE, ZSTD},
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

const MEBIBYTE: usize = 1 << 20;
const TURNS: usize = 3;
/// What clients read of a file at once.
const CHUNK: usize = 64 << 10;
/// The Python programs get a part of the load.
const PYTHON_PART: usize = 8;

/// What is sent, as it is sent, and how large it is in the end.
struct Image {
    chunks: Vec<Bytes>,
    size: usize,
    encoding: Option<&'static str>,
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    // In memory: a disk would be the limit of everybody.
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let folder = folder.path();
    let export = format!(
        "  storage: {{type: jumpstarter_driver_opendal.driver.Opendal, \
         config: {{scheme: fs, kwargs: {{root: {}}}}}}}\n",
        folder.display()
    );
    for encoding in [None, Some("zstd")] {
        let image = Image::make(effort.mebibytes * MEBIBYTE, encoding).await;
        let small = Image::make(effort.mebibytes * MEBIBYTE / PYTHON_PART, encoding).await;
        let limit = Served::with(lab, Whose::Limit, "").await;
        let ours = Served::with(lab, Whose::Ours, &export).await;
        let limit = (Line::to(limit.port()).await, limit);
        let ours = (Line::to(ours.port()).await, ours);
        let mut series = [Series::default(), Series::default(), Series::default()];
        for _ in 0..TURNS {
            series[0].push(image.to_limit(&limit.0, &folder.join("limit")).await);
            series[1].push(image.to_storage(&ours.0, folder).await);
        }
        if effort.python {
            let python = Served::with(lab, Whose::Python, &export).await;
            let line = Line::to(python.port()).await;
            series[2].push(small.to_storage(&line, folder).await);
        }
        let [limit, ours, python] = series;
        table.add(Row {
            work: format!("upload to a file, {}", encoding.unwrap_or("plain")),
            unit: "MiB/s",
            better: Better::More,
            ours,
            limit,
            python,
            goal: Goal::OfLimit(0.85),
        });
    }
}

// === impl Image ===

impl Image {
    /// So many bytes, of which a quarter cannot be compressed.
    async fn make(size: usize, encoding: Option<&'static str>) -> Self {
        let mut plain = Vec::with_capacity(size);
        let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
        while plain.len() < size {
            if plain.len() % 4096 < 1024 {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                plain.extend(noise.to_le_bytes());
            } else {
                plain.extend((plain.len() as u64 / 65_536).to_le_bytes());
            }
        }
        let mut sent = Vec::new();
        match encoding {
            None => sent = plain,
            Some(_) => {
                let mut encoder = ZstdEncoder::new(&plain[..]);
                encoder.read_to_end(&mut sent).await.unwrap();
            }
        }
        let sent = Bytes::from(sent);
        let starts = (0..sent.len()).step_by(CHUNK);
        let chunk = |start| sent.slice(start..sent.len().min(start + CHUNK));
        Self {
            chunks: starts.map(chunk).collect(),
            size,
            encoding,
        }
    }

    /// MiB in a second, into a file of the limit.
    async fn to_limit(&self, line: &Line, file: &Path) -> f64 {
        let path = file.display().to_string();
        let mut metadata = vec![(FILE, path.as_str())];
        if self.encoding.is_some() {
            metadata.push((ZSTD, "yes"));
        }
        let started = Instant::now();
        let frames = line.open(&metadata).await.unwrap();
        self.send(frames).await;
        self.figure(started, file)
    }

    /// The same, into a storage of an exporter, as its clients do it.
    async fn to_storage(&self, line: &Line, folder: &Path) -> f64 {
        let uuid = line.uuid("storage").await;
        let fd = call(line, &uuid, "open", [json!("image"), json!("wb")]).await;
        let started = Instant::now();
        let request = json!({
            "kind": "resource", "uuid": uuid, "x_jmp_content_encoding": self.encoding,
        });
        let request = request.to_string();
        let frames = line.open(&[("request", &request)]).await.unwrap();
        let handle = frames.answer.get("resource").expect("a handle");
        let handle: Value = serde_json::from_slice(handle.as_bytes()).unwrap();
        let writing = call(line, &uuid, "file_write", [fd.clone(), handle]);
        tokio::join!(self.send(frames), writing);
        call(line, &uuid, "file_close", [fd]).await;
        self.figure(started, &folder.join("image"))
    }

    /// Sends it, and waits until the other side has said that it is through.
    async fn send(&self, frames: Frames) {
        let Frames {
            sender,
            mut receiver,
            ..
        } = frames;
        for chunk in &self.chunks {
            assert!(sender.send(chunk.clone()).await, "the stream goes on");
        }
        sender.finish().await;
        assert_eq!(receiver.next().await, None);
    }

    /// What came of it; the file is removed.
    fn figure(&self, started: Instant, file: &Path) -> f64 {
        let took = started.elapsed();
        assert_eq!(fs::metadata(file).unwrap().len(), self.size as u64);
        fs::remove_file(file).unwrap();
        self.size as f64 / MEBIBYTE as f64 / took.as_secs_f64()
    }
}

async fn call(
    line: &Line,
    uuid: &str,
    method: &str,
    args: impl IntoIterator<Item = Value>,
) -> Value {
    let request = DriverCallRequest {
        uuid: uuid.to_owned(),
        method: method.to_owned(),
        args: values(args),
    };
    let response = line.client().driver_call(request).await.unwrap();
    jumpstarter_value::from_slice(&response.into_inner().result).unwrap()
}
