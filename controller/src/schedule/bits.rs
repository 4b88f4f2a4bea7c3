//! Sets of exporters, by their numbers on the board. Every decision asks thousands of times whether two
//! of them overlap.

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Bits(Vec<u64>);

// === impl Bits ===

impl Bits {
    /// The empty set, with room for numbers below `count`.
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    pub(super) fn remove(&mut self, number: usize) {
        self.0[number / 64] &= !(1 << (number % 64));
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        self.0[number / 64] & (1 << (number % 64)) != 0
    }

    /// Whether the two sets overlap.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one & two != 0)
    }

    /// The numbers in both sets, ascending.
    pub(super) fn common<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let words = self.0.iter().zip(&other.0).map(|(one, two)| one & two);
        words.enumerate().flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_what_was_put_in() {
        let (mut one, mut other) = (Bits::none(130), Bits::none(130));
        for number in [0, 63, 64, 129] {
            one.insert(number);
            assert!(one.contains(number));
        }
        assert!(!one.meets(&other));
        for number in [1, 63, 129] {
            other.insert(number);
        }
        assert!(one.meets(&other));
        assert_eq!(one.common(&other).collect::<Vec<_>>(), [63, 129]);
        other.remove(63);
        other.remove(129);
        assert!(!one.meets(&other) && !other.contains(63));
    }
}
