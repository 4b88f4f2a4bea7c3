//! Random numbers that can be repeated.

/// A sequence of numbers that is determined by its seed.
pub(super) struct Chance(u64);

/// Prints the seed if the test fails.
pub(super) struct Seed {
    pub(super) variable: &'static str,
    pub(super) seed: u64,
}

// === impl Chance ===

impl Chance {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from zero on, below this.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

// === impl Seed ===

impl Seed {
    /// The seeds to be tried: the one that was named, or as many as were asked for, or as many as
    /// usual.
    pub(super) fn all(variable: &'static str, usual: u64) -> impl Iterator<Item = Self> {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
        let seeds = match number(variable) {
            Some(seed) => seed..=seed,
            None => 1..=number(&format!("{variable}S")).unwrap_or(usual),
        };
        seeds.map(move |seed| Self { variable, seed })
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}={}", self.variable, self.seed);
        }
    }
}
