//! One request for a file, and what its answer means.

use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;

use super::item::Item;
use crate::Error;

/// Why an attempt ended.
pub(super) enum Failure {
    /// Another attempt may help; why it failed.
    Passing(String),
    /// Nothing helps.
    Final(Error),
}

/// Asks for the file from byte `start` on. Each answer may take `timeout`, so that a server that has stopped is noticed;
/// a long download goes on with the next request.
pub(super) fn request(item: &Item, timeout: Duration, start: u64) -> Result<Response<ureq::Body>, Failure> {
    let config = Agent::config_builder()
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_recv_body(Some(timeout))
        .http_status_as_error(false)
        .user_agent(concat!("taskset-rs/", env!("CARGO_PKG_VERSION")))
        .build();
    let mut request = Agent::new_with_config(config).get(&item.url);
    if start > 0 {
        request = request.header("Range", format!("bytes={start}-"));
    }
    if let Some(token) = &item.token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    request.call().map_err(|error| match error {
        ureq::Error::BadUri(_) => Failure::Final(item.error("not a usable address")),
        error => Failure::Passing(error.to_string()),
    })
}

/// What a status other than success means.
pub(super) fn refusal(item: &Item, status: u16) -> Failure {
    let fatal = |problem: &str| Failure::Final(item.error(format!("{problem} (HTTP {status})")));
    match status {
        401 | 403 => Failure::Final(Error::AccessDenied { url: item.url.clone(), status }),
        404 | 410 => {
            fatal("not found: the site may have moved it; fetch the file by hand and place it in the folder")
        }
        408 | 429 | 500.. => Failure::Passing(format!("the server is not ready (HTTP {status})")),
        _ => fatal("the server refused"),
    }
}

fn header<'a>(response: &'a Response<ureq::Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

pub(super) fn number(response: &Response<ureq::Body>, name: &str) -> Option<u64> {
    header(response, name)?.trim().parse().ok()
}

/// First byte and size of the whole file, from `Content-Range: bytes 5-9/10`.
pub(super) fn range(response: &Response<ureq::Body>) -> Option<(u64, Option<u64>)> {
    let (span, total) = header(response, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    Some((span.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}

/// Size of the whole file, from `Content-Range: bytes */10`.
pub(super) fn range_total(response: &Response<ureq::Body>) -> Option<u64> {
    header(response, "content-range")?.strip_prefix("bytes */")?.parse().ok()
}
