//! What a script ended with, as an exit code.

/// Numbers travel as doubles, and a signal as its negative number.
///
/// A shell shows 128 + N for signal N, and so do we. What no exit code can be is 255, since it must
/// not look like success.
pub(super) fn of(code: f64) -> u8 {
    if code.fract() != 0.0 {
        return u8::MAX;
    }
    // The cast saturates, and the ranges below leave out what it made up.
    match code as i64 {
        code @ 0..=255 => code as u8,
        signal @ -127..=-1 => (128 - signal) as u8,
        _ => u8::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn codes_and_signals() {
        for (code, exit) in [
            (0.0, 0),
            (1.0, 1),
            (42.0, 42),
            (199.0, 199),
            (255.0, 255),
            (-9.0, 137),
            (-15.0, 143),
            (256.0, 255),
            (0.5, 255),
            (f64::NAN, 255),
            (1e300, 255),
            (-1e300, 255),
        ] {
            assert_eq!(of(code), exit, "{code}");
        }
    }
}
