//! What the double is to do, and what it has seen.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use jumpstarter_proto::v1::{ListenResponse, StatusResponse, StreamResponse, TelemetryEndpoint};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};

use super::serve::{Door, serve};
use super::{Certificate, REAL, really};

/// A controller and router at one address. Dropping it closes the port and all connections.
pub struct Double {
    pub address: SocketAddr,
    certificate: Arc<Certificate>,
    pub(super) state: Arc<State>,
    stopped: CancellationToken,
    task: Option<JoinHandle<Option<()>>>,
}

/// An answer to a call.
#[derive(Clone, Debug)]
pub enum Answer {
    Yes,
    No(Code),
    /// The caller waits.
    Never,
}

/// One life of a stream: what is sent here goes out; it ends when this is dropped.
pub type Life<T> = mpsc::Sender<Result<T, Status>>;

/// The other end of it.
pub type Script<T> = Mutex<VecDeque<mpsc::Receiver<Result<T, Status>>>>;

/// A call that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `ReportStatus LEASE_READY: Ready for commands`
    pub what: String,
    pub headers: HashMap<String, String>,
    /// Connections are counted from 1.
    pub connection: usize,
}

#[derive(Default)]
pub struct State {
    seen: watch::Sender<Vec<Seen>>,
    /// What comes next, by call.
    next: Mutex<HashMap<&'static str, VecDeque<Answer>>>,
    /// What comes after that.
    usual: Mutex<HashMap<&'static str, Answer>>,
    pub statuses: Script<StatusResponse>,
    pub invitations: Script<ListenResponse>,
    pub frames: Script<StreamResponse>,
    pub telemetry: Mutex<Vec<TelemetryEndpoint>>,
    pub door: Mutex<Door>,
    /// Replaced when all connections are cut.
    pub cut: Mutex<CancellationToken>,
    pub connections: Mutex<usize>,
    pub open: AtomicUsize,
}

// === impl Double ===

impl Double {
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        let certificate = Arc::new(Certificate::issue("localhost"));
        Self::at("127.0.0.1:0".parse().unwrap(), certificate, state).await
    }

    async fn at(address: SocketAddr, certificate: Arc<Certificate>, state: Arc<State>) -> Self {
        let listener = really("the port is free", TcpListener::bind(address)).await;
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = CancellationToken::new();
        let serving = serve(listener, certificate.acceptor(), Arc::clone(&state));
        let task = REAL.spawn(stopped.clone().run_until_cancelled_owned(serving));
        Self {
            address,
            certificate,
            state,
            stopped,
            task: Some(task),
        }
    }

    /// Closes the port and all connections.
    pub async fn stop(&mut self) {
        self.stopped.cancel();
        self.cut();
        if let Some(task) = self.task.take() {
            task.await.unwrap();
        }
    }

    /// Another one at the same address, with the same certificate, that remembers nothing but what
    /// was seen.
    pub async fn again(mut self) -> Self {
        self.stop().await;
        let state = Arc::clone(&self.state);
        Self::at(self.address, Arc::clone(&self.certificate), state).await
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        let mut cut = self.state.cut.lock().unwrap();
        cut.cancel();
        *cut = CancellationToken::new();
    }

    pub fn endpoint(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    pub fn ca(&self) -> String {
        self.certificate.ca()
    }

    /// How connections are received from now on.
    pub fn door(&self, door: Door) {
        *self.state.door.lock().unwrap() = door;
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::Relaxed)
    }

    /// These answers come next.
    pub fn next(&self, call: &'static str, answers: impl IntoIterator<Item = Answer>) {
        let mut next = self.state.next.lock().unwrap();
        next.entry(call).or_default().extend(answers);
    }

    /// This answer comes whenever there is no other.
    pub fn always(&self, call: &'static str, answer: Answer) {
        self.state.usual.lock().unwrap().insert(call, answer);
    }

    /// The next life of the Status stream.
    pub fn status_life(&self) -> Life<StatusResponse> {
        life(&self.state.statuses)
    }

    /// The next life of a Listen stream.
    pub fn listen_life(&self) -> Life<ListenResponse> {
        life(&self.state.invitations)
    }

    /// The next stream through the router. It is agreed to when something is sent.
    pub fn router_life(&self) -> Life<StreamResponse> {
        life(&self.state.frames)
    }

    /// What GetServiceEndpoints answers.
    pub fn telemetry(&self) -> MutexGuard<'_, Vec<TelemetryEndpoint>> {
        self.state.telemetry.lock().unwrap()
    }

    /// What was seen so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.borrow().clone()
    }

    /// The same, the calls alone.
    pub fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.what).collect()
    }

    /// Those that begin with this.
    pub fn count(&self, call: &str) -> usize {
        count(&self.state.seen.borrow(), call)
    }

    /// Waits until so many calls that begin with this have come.
    pub async fn wait(&self, wanted: usize, call: &str) {
        let (mut seen, call) = (self.state.seen.subscribe(), call.to_owned());
        let what = format!("{wanted} times {call:?} was called");
        really(&what, async move {
            let enough = |seen: &Vec<Seen>| count(seen, &call) >= wanted;
            seen.wait_for(enough).await.map(drop).unwrap();
        })
        .await;
    }
}

fn count(seen: &[Seen], call: &str) -> usize {
    seen.iter()
        .filter(|seen| seen.what.starts_with(call))
        .count()
}

fn life<T>(script: &Script<T>) -> Life<T> {
    let (sender, receiver) = mpsc::channel(8);
    script.lock().unwrap().push_back(receiver);
    sender
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stopped.cancel();
        self.cut();
    }
}

// === impl State ===

impl State {
    /// Notes a call and does what the test wants of it.
    pub async fn receive<T>(
        &self,
        call: &'static str,
        request: &Request<T>,
        details: &str,
    ) -> Result<(), Status> {
        self.note(call, request, details);
        let next = self
            .next
            .lock()
            .unwrap()
            .get_mut(call)
            .and_then(VecDeque::pop_front);
        let usual = || self.usual.lock().unwrap().get(call).cloned();
        match next.or_else(usual) {
            None | Some(Answer::Yes) => Ok(()),
            Some(Answer::No(code)) => Err(Status::new(code, "as the test wants")),
            Some(Answer::Never) => std::future::pending().await,
        }
    }

    /// Notes what came through a router's stream.
    pub fn heard(&self, word: &str) {
        let seen = Seen {
            what: format!("Frame {word}").trim_end().to_owned(),
            headers: HashMap::new(),
            connection: 0,
        };
        self.seen.send_modify(|all| all.push(seen));
    }

    fn note<T>(&self, call: &str, request: &Request<T>, details: &str) {
        let headers = request.metadata().clone().into_headers();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let connection = request
            .extensions()
            .get::<super::serve::Number>()
            .unwrap()
            .0;
        let seen = Seen {
            what: format!("{call} {details}").trim_end().to_owned(),
            headers,
            connection,
        };
        self.seen.send_modify(|all| all.push(seen));
    }
}
