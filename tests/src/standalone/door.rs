//! Small questions by HTTP: at the administrators' socket, where a command each time would be too
//! slow, and at the pages for everybody.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::PathBuf,
};

use serde_json::Value;

/// The socket in the controller's data folder.
pub(super) struct Door(pub(super) PathBuf);

// === impl Door ===

impl Door {
    /// What is at `path`; `None` if nothing is.
    #[track_caller]
    pub(super) fn get(&self, path: &str) -> Option<Value> {
        let answer = self.ask(path).expect("the controller answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
        if head.starts_with("HTTP/1.1 404") {
            return None;
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        Some(serde_json::from_str(body).expect("JSON"))
    }

    fn ask(&self, path: &str) -> io::Result<String> {
        ask(UnixStream::connect(&self.0)?, path)
    }
}

/// Head and body of what is at `path` of a server on this machine.
pub(super) fn page(address: &str, path: &str) -> io::Result<String> {
    ask(TcpStream::connect(address)?, path)
}

fn ask(mut stream: impl Read + Write, path: &str) -> io::Result<String> {
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: controller\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
