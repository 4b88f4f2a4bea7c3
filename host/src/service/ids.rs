//! Names for responses: the wire wants a fresh UUID on each, and clients ignore it.
//!
//! Asking the kernel for random bytes would be a system call per response. These come from one
//! random key and a counter; they never repeat and mean nothing.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

static KEY: LazyLock<(u64, u64)> = LazyLock::new(|| Uuid::new_v4().as_u64_pair());
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The name of one response.
pub(super) fn response_id() -> String {
    let (high, low) = *KEY;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let bits = u128::from(mix(high ^ count)) << 64 | u128::from(mix(low.wrapping_add(count)));
    Builder::from_random_bytes(bits.to_be_bytes())
        .into_uuid()
        .to_string()
}

/// Spreads the bits of a number; different numbers stay different (the finaliser of splitmix64).
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::{Uuid, Version};

    #[test]
    fn all_are_different_random_looking_uuids() {
        let ids: HashSet<_> = (0..10_000).map(|_| super::response_id()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            let uuid = Uuid::parse_str(id);
            assert!(
                uuid.is_ok_and(|uuid| uuid.get_version() == Some(Version::Random)),
                "{id}"
            );
        }
    }
}
