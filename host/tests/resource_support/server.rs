//! A web server that answers as it is told, right or wrong.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// A request that has come.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The body had its end.
    pub whole: bool,
}

/// What to do about a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Says `100 Continue` first.
    pub consent: bool,
    /// Reads so much of the body before it answers.
    pub read: usize,
    /// Sent one after the other, with a pause after each.
    pub pieces: Vec<Vec<u8>>,
    pub pause: Duration,
    /// Stays connected, and silent, until the other side leaves.
    pub hang: bool,
}

pub struct Server {
    pub address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", None, script).await
    }

    pub async fn at(
        address: &str,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (log, script) = (Arc::clone(&seen), Arc::new(script));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, script, tls) = (Arc::clone(&log), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &log, &*script).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &log, &*script).await,
                            Err(_) => Some(()),
                        },
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            seen,
            task,
        }
    }

    pub fn url(&self, target: &str) -> String {
        format!("{}://{}{target}", self.scheme, self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Answer {
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            pieces: vec![bytes.into()],
            ..Self::default()
        }
    }

    /// A status without a body, and further headers, each with its line end.
    pub fn status(status: &str, headers: &str) -> Self {
        Self::raw(format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n"
        ))
    }

    pub fn ok(body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::raw([head.as_bytes(), body].concat())
    }

    pub fn redirect(code: u16, location: &str) -> Self {
        Self::status(
            &format!("{code} Elsewhere"),
            &format!("location: {location}\r\n"),
        )
    }

    /// Takes the whole body first.
    pub fn after_body(self) -> Self {
        Self {
            consent: true,
            read: usize::MAX,
            ..self
        }
    }

    pub fn then_hang(self) -> Self {
        Self { hang: true, ..self }
    }
}

async fn serve<S>(
    stream: S,
    log: &Mutex<Vec<Seen>>,
    script: &(dyn Fn(&Seen) -> Answer + Send + Sync),
) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = BufReader::new(reader);
    let mut seen = head(&mut reader).await?;
    let place = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    let answer = script(&seen);
    if answer.consent {
        writer
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .ok()?;
    }
    if answer.read > 0 {
        body(&mut reader, &mut seen, answer.read).await;
        log.lock().unwrap()[place] = seen;
    }
    for piece in answer.pieces {
        writer.write_all(&piece).await.ok()?;
        writer.flush().await.ok()?;
        sleep(answer.pause).await;
    }
    if answer.hang {
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).await.ok()?;
    }
    writer.shutdown().await.ok()
}

async fn head<R: AsyncRead + Unpin>(reader: &mut BufReader<R>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let mut seen = Seen {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        ..Seen::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            return Some(seen);
        };
        let value = value.trim().to_owned();
        seen.headers.push((name.to_ascii_lowercase(), value));
    }
}

async fn body<R: AsyncRead + Unpin>(
    reader: &mut BufReader<R>,
    seen: &mut Seen,
    most: usize,
) -> Option<()> {
    let length = seen.header("content-length");
    if let Some(length) = length.map(|length| length.parse::<usize>().unwrap()) {
        let mut data = vec![0; length.min(most)];
        let read = reader.read_exact(&mut data).await;
        seen.whole = read.is_ok() && data.len() == length;
        seen.body = data;
        return Some(());
    }
    assert_eq!(seen.header("transfer-encoding"), Some("chunked"));
    while seen.body.len() < most {
        let mut line = String::new();
        reader.read_line(&mut line).await.ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).await.ok()?;
        if size == 0 {
            seen.whole = true;
            break;
        }
        seen.body.extend_from_slice(&chunk[..size]);
    }
    Some(())
}
