//! Handles: numbers for what the host may ask about later.
//!
//! A handle is a slot and its generation, never a pointer: one that is made up or closed finds
//! nothing. Handles stay below 2^53, because they also travel as numbers in values.
//!
//! ```text
//!   handle = generation (21 bits) | slot (32 bits)
//! ```

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const GENERATIONS: u32 = 1 << 21;

/// Things by handle.
#[derive(Debug)]
pub(crate) struct Table<T> {
    slots: RwLock<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    all: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    content: Option<T>,
}

// === impl Table ===

impl<T: Clone> Table<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: RwLock::new(Slots {
                all: Vec::new(),
                free: Vec::new(),
            }),
        }
    }

    /// Stores `content` under a new handle.
    pub(crate) fn insert(&self, content: T) -> u64 {
        let mut slots = self.write();
        let index = slots.free.pop().unwrap_or_else(|| {
            slots.all.push(Slot {
                generation: 1,
                content: None,
            });
            // 2^32 slots do not fit into any memory.
            (slots.all.len() - 1) as u32
        });
        let slot = &mut slots.all[index as usize];
        slot.content = Some(content);
        u64::from(slot.generation) << 32 | u64::from(index)
    }

    pub(crate) fn get(&self, handle: u64) -> Option<T> {
        let slots = self.read();
        let slot = slots.all.get(handle as u32 as usize)?;
        if u64::from(slot.generation) == handle >> 32 {
            slot.content.clone()
        } else {
            None
        }
    }

    /// Takes the content out; the handle is never valid again.
    pub(crate) fn remove(&self, handle: u64) -> Option<T> {
        let mut slots = self.write();
        let index = handle as u32;
        let slot = slots.all.get_mut(index as usize)?;
        if u64::from(slot.generation) != handle >> 32 {
            return None;
        }
        let content = slot.content.take()?;
        slot.generation = (slot.generation + 1) % GENERATIONS;
        slot.generation = slot.generation.max(1);
        slots.free.push(index);
        Some(content)
    }

    fn read(&self) -> RwLockReadGuard<'_, Slots<T>> {
        // No foreign code runs under the lock, so it cannot be left half changed.
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slots<T>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn handles_are_not_reused() {
        let table = Table::new();
        let first = table.insert("first");
        assert_eq!(table.get(first), Some("first"));
        assert_eq!(table.remove(first), Some("first"));
        assert_eq!(table.remove(first), None);
        let second = table.insert("second");
        assert_eq!(first as u32, second as u32, "the slot is");
        assert_ne!(first, second);
        assert_eq!(table.get(first), None);
        assert_eq!(table.get(second), Some("second"));
        assert_eq!(table.get(0), None);
        assert_eq!(table.get(u64::MAX), None);
    }

    #[test]
    fn handles_stay_below_2_to_the_53() {
        let table = Table::new();
        for _ in 0..super::GENERATIONS + 2 {
            let handle = table.insert(());
            assert!(handle < 1 << 53 && handle >> 32 > 0);
            table.remove(handle);
        }
    }
}
