//! Closes a tree: parents before their children, because a parent may still use those on its way
//! out; siblings side by side, so that one that hangs does not keep the others open.

use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{config::shape::ROOT, plugin::Instance};

use super::state::State;

/// How long closing may take when nobody says.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// One driver to close, and those to close after it.
struct Door {
    name: String,
    instance: Option<Instance>,
    children: Vec<Door>,
    closed: AtomicBool,
}

pub(super) async fn close(state: &State, limit: Duration) {
    let root = door(state, ROOT);
    if timeout(limit, root.close(limit / 2)).await.is_err() {
        root.complain(limit);
    }
    state.forget();
}

fn door(state: &State, spot: usize) -> Door {
    let (name, instance, children) = {
        let inner = state.read();
        let slot = &inner.slots[spot];
        let own = |child: &usize| !inner.slots[*child].brought;
        let children: Vec<usize> = inner.shape.spots()[spot]
            .children
            .iter()
            .copied()
            .filter(own)
            .collect();
        (inner.shape.path(spot), slot.instance.clone(), children)
    };
    Door {
        name,
        closed: AtomicBool::new(instance.is_none()),
        instance,
        children: children
            .into_iter()
            .map(|child| door(state, child))
            .collect(),
    }
}

// === impl Door ===

impl Door {
    /// Closes this one, and what is below it after at most `patience`.
    fn close(&self, patience: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if let Some(instance) = &self.instance {
                let closing = async {
                    if let Err(error) = instance.close().await {
                        tracing::error!("Error closing driver {}: {error}", self.name);
                    }
                    self.closed.store(true, Ordering::Relaxed);
                };
                match self.children.is_empty() {
                    true => closing.await,
                    // Those below are closed even if this one takes for ever.
                    false => drop(timeout(patience, closing).await),
                }
            }
            join_all(self.children.iter().map(|child| child.close(patience / 2))).await;
        })
    }

    /// Logs what has not closed.
    fn complain(&self, limit: Duration) {
        if !self.closed.load(Ordering::Relaxed) {
            let seconds = limit.as_secs_f32();
            tracing::error!(
                "Error closing driver {}: no answer within {seconds} s",
                self.name
            );
        }
        self.children.iter().for_each(|child| child.complain(limit));
    }
}
