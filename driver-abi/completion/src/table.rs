//! Slots with generations.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use jumpstarter_driver_abi::{Completion, Reply};

use crate::Answer;

static TABLE: Mutex<Table> = Mutex::new(Table {
    slots: Vec::new(),
    free: Vec::new(),
});
static STRAYS: AtomicU64 = AtomicU64::new(0);

struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

struct Slot {
    /// Goes up when the slot is freed: a completion of an older one no longer fits.
    generation: u32,
    state: State,
}

enum State {
    Free,
    Waiting(Option<Waker>),
    /// A completion has come and its reply is being copied.
    Answering(Option<Waker>),
    Answered(Answer),
    /// Nobody waits any more, but the answer may still bring a descriptor.
    Abandoned,
}

/// Work that has been started and not been answered. Await it for the [`Answer`].
///
/// Dropping it gives up on the answer; the other side is not told, that is what `cancel` is for.
#[derive(Debug)]
#[must_use = "dropping it gives up on the answer"]
pub struct Pending {
    index: u32,
    generation: u32,
}

/// Opens a slot: hand the completion to the other side and await the pending answer.
pub fn begin() -> (Pending, Completion) {
    let mut table = lock();
    let index = table.free.pop().unwrap_or_else(|| {
        table.slots.push(Slot {
            generation: 1,
            state: State::Free,
        });
        // 2^32 slots of 100 bytes do not fit into any memory.
        (table.slots.len() - 1) as u32
    });
    let slot = &mut table.slots[index as usize];
    slot.state = State::Waiting(None);
    let generation = slot.generation;
    let completion = Completion {
        ctx: u64::from(generation) << 32 | u64::from(index),
        done,
    };
    (Pending { index, generation }, completion)
}

/// How many completions found no open slot: doubled ones and made-up numbers.
pub fn strays() -> u64 {
    STRAYS.load(Ordering::Relaxed)
}

/// How many slots wait for the answer of work that its caller has given up.
pub fn abandoned() -> usize {
    let is_abandoned = |slot: &&Slot| matches!(slot.state, State::Abandoned);
    lock().slots.iter().filter(is_abandoned).count()
}

/// The `done` of every completion of this table.
unsafe extern "C" fn done(ctx: u64, reply: *const Reply) {
    let (index, generation) = (ctx as u32, (ctx >> 32) as u32);
    // The slot is claimed before the reply is touched: the descriptor of a reply that comes twice
    // is already somebody else's.
    let Some(claimed) = lock().claim(index, generation) else {
        STRAYS.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let answer = if reply.is_null() {
        Answer::missing()
    } else {
        // SAFETY: whoever completes passes a reply that is valid for the call and gives away its
        // descriptor; this is the first completion of the slot.
        unsafe { Answer::copy(&*reply) }
    };
    if let Claimed::Waiting = claimed {
        let waker = lock().answer(index, generation, answer);
        if let Ok(Some(waker)) = waker {
            waker.wake();
        }
    }
}

enum Claimed {
    Waiting,
    Abandoned,
}

fn lock() -> MutexGuard<'static, Table> {
    // No code panics while it holds the lock; a poisoned table would still be whole.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Table ===

impl Table {
    fn slot(&mut self, index: u32, generation: u32) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(index as usize)?;
        (slot.generation == generation).then_some(slot)
    }

    /// Takes the slot for the first completion that comes; an abandoned slot is freed.
    fn claim(&mut self, index: u32, generation: u32) -> Option<Claimed> {
        let slot = self.slot(index, generation)?;
        match &mut slot.state {
            State::Waiting(waker) => {
                slot.state = State::Answering(waker.take());
                Some(Claimed::Waiting)
            }
            State::Abandoned => {
                self.release(index);
                Some(Claimed::Abandoned)
            }
            State::Free | State::Answering(_) | State::Answered(_) => None,
        }
    }

    /// Stores the answer of a claimed slot and returns whom to wake, or returns the answer if its
    /// [`Pending`] was dropped meanwhile.
    fn answer(
        &mut self,
        index: u32,
        generation: u32,
        answer: Answer,
    ) -> Result<Option<Waker>, Answer> {
        match self.slot(index, generation) {
            Some(slot) => match std::mem::replace(&mut slot.state, State::Answered(answer)) {
                State::Answering(waker) => Ok(waker),
                _ => Ok(None),
            },
            None => Err(answer),
        }
    }

    fn release(&mut self, index: u32) -> State {
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1).max(1);
        self.free.push(index);
        std::mem::replace(&mut slot.state, State::Free)
    }
}

// === impl Pending ===

impl Future for Pending {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut table = lock();
        let Some(slot) = table.slot(self.index, self.generation) else {
            // Polled after it was ready; a future may do anything but this must not hang for ever.
            return Poll::Pending;
        };
        match &mut slot.state {
            State::Answered(_) => match table.release(self.index) {
                State::Answered(answer) => Poll::Ready(answer),
                _ => Poll::Pending,
            },
            State::Waiting(waker) | State::Answering(waker) => {
                if !waker.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
                    *waker = Some(cx.waker().clone());
                }
                Poll::Pending
            }
            State::Free | State::Abandoned => Poll::Pending,
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // The old state may hold a waker or an answer whose drop runs foreign code: after the lock.
        let _old_state = {
            let mut table = lock();
            match table.slot(self.index, self.generation) {
                None => None,
                Some(slot) => match slot.state {
                    State::Waiting(_) => Some(std::mem::replace(&mut slot.state, State::Abandoned)),
                    _ => Some(table.release(self.index)),
                },
            }
        };
    }
}
