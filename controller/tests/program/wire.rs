//! A wire between somebody and a port, to be pulled out or to go dead.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Whole,
    /// Both sides are told, by their systems.
    Pulled,
    /// Nobody is told, and nothing comes through.
    Dead,
}

pub(crate) struct Wire {
    pub(crate) endpoint: String,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl Wire {
    /// To the same address at another port.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let (state, changes) = watch::channel(State::Whole);
        let task = tokio::spawn(async move {
            let mut running = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                running.spawn(carry(near, port, changes.clone()));
            }
        });
        Self {
            endpoint,
            state,
            task,
        }
    }

    pub(crate) fn pull(&self) {
        self.state.send_replace(State::Pulled);
    }

    pub(crate) fn die(&self) {
        self.state.send_replace(State::Dead);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut near: TcpStream, port: u16, mut changes: watch::Receiver<State>) {
    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio::select! {
        // An end that goes away by itself is nothing to tell.
        ended = copy_bidirectional(&mut near, &mut far) => drop(ended),
        () = hurt(&mut changes) => {
            if *changes.borrow() == State::Dead {
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn hurt(changes: &mut watch::Receiver<State>) {
    // Without the wire's owner there is nobody left to hurt it.
    changes.wait_for(|state| *state != State::Whole).await.ok();
}
