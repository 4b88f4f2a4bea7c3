//! Keeps error texts short. They travel as headers, of which peers accept a few kilobytes; an error
//! that repeats a name of a megabyte would cost its caller the whole connection.

use axum::body::Body;
use http::Response;
use tonic::Status;

/// The longest text of an error, in bytes.
const LONGEST: usize = 1024;

/// Middleware that shortens the text of an error response.
pub async fn brief(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    let said = Status::from_header_map(headers);
    if let Some(said) = said.filter(|said| said.message().len() > LONGEST) {
        let text = format!("{}...", cut(said.message(), LONGEST));
        // The text was valid as a header before, so this does not fail.
        if Status::new(said.code(), text).add_header(headers).is_err() {
            headers.remove(Status::GRPC_MESSAGE);
        }
    }
    answer
}

/// At most `most` bytes of a text, cut between characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let starts = text.char_indices().map(|(at, _)| at);
    let end = starts.take_while(|at| *at <= most).last();
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(text: &str) -> String {
        let answer = brief(Status::unknown(text).into_http()).await;
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(status.code(), tonic::Code::Unknown);
        status.message().to_owned()
    }

    #[tokio::test]
    async fn short_errors_stay_and_long_ones_are_cut_at_a_letter() {
        assert_eq!(told("lease not active").await, "lease not active");
        assert_eq!(told(&"x".repeat(LONGEST)).await.len(), LONGEST);
        let cut = told(&format!("a{}", "\u{fc}".repeat(LONGEST))).await;
        assert!(
            cut.ends_with("\u{fc}...") && cut.len() <= LONGEST + 3,
            "{cut}"
        );
        let answer = brief(Response::new(Body::from("page"))).await;
        assert!(answer.headers().is_empty());
    }
}
