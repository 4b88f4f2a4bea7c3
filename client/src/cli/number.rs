//! Value parsers for numbers, with the reference's sentences.

/// Parses an integer option.
///
/// ```
/// assert_eq!(jumpstarter_client::cli::integer("-3"), Ok(-3));
/// assert_eq!(
///     jumpstarter_client::cli::integer("three"),
///     Err("'three' is not a valid integer.".to_owned())
/// );
/// ```
///
/// # Errors
///
/// The sentence to show after `Invalid value for '--name': `.
pub fn integer(text: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("'{text}' is not a valid integer."))
}

/// Parses a floating point option.
///
/// # Errors
///
/// The sentence to show after `Invalid value for '--name': `.
pub fn float(text: &str) -> Result<f64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("'{text}' is not a valid float."))
}
