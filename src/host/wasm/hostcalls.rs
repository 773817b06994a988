//! Every call to the host, and the meaning of each failure. Where the host refuses a call, the record contains less, and
//! failures that change the traffic are logged. Nothing here panics unless the host breaks its own interface.

use crate::headers::{HeaderEdits, Headers};
use crate::metric::MetricKind;
use crate::step::LocalReply;
use core::time::Duration;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, MetricType};
use std::time::SystemTime;

/// The request or the response of a stream.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Request,
    Response,
}

impl Side {
    const fn headers(self) -> MapType {
        match self {
            Self::Request => MapType::HttpRequestHeaders,
            Self::Response => MapType::HttpResponseHeaders,
        }
    }

    const fn body(self) -> BufferType {
        match self {
            Self::Request => BufferType::HttpRequestBody,
            Self::Response => BufferType::HttpResponseBody,
        }
    }
}

/// The plugin configuration; empty where none is configured.
pub(super) fn plugin_configuration() -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten().unwrap_or_default()
}

/// Time since the Unix epoch.
pub(super) fn now() -> Duration {
    let now = hostcalls::get_current_time().unwrap_or(SystemTime::UNIX_EPOCH);
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// All headers of one side. To be called in that side's headers callback only.
pub(super) fn headers(side: Side) -> Headers {
    map(side.headers())
}

/// The first value of the header `name` of one side. To be called in that side's headers callback only.
pub(super) fn header(side: Side, name: &str) -> Option<Vec<u8>> {
    hostcalls::get_map_value_bytes(side.headers(), name).ok().flatten()
}

/// The value of `key` in the data that all workers share, with its version.
pub(super) fn shared_data(key: &str) -> (Vec<u8>, u32) {
    let (value, version) = hostcalls::get_shared_data(key).unwrap_or_default();
    (value.unwrap_or_default(), version.unwrap_or_default())
}

/// Writes the value of `key` if it still has `version`; 0: whatever is there.
pub(super) fn set_shared_data(key: &str, value: &[u8], version: u32) -> bool {
    hostcalls::set_shared_data(key, Some(value), (version != 0).then_some(version)).is_ok()
}

/// The request's trailers. To be called in their callback only.
pub(super) fn request_trailers() -> Headers {
    map(MapType::HttpRequestTrailers)
}

fn map(map: MapType) -> Headers {
    Headers::pack(&hostcalls::get_map_bytes(map).unwrap_or_default())
}

/// Changes the headers of one side. To be called in that side's headers callback only.
pub(super) fn edit_headers(side: Side, edits: &HeaderEdits) {
    edit(side.headers(), edits);
}

/// Changes the request's headers, which are `headers`. To be called in their callback only.
pub(super) fn edit_request_headers(headers: &Headers, edits: &HeaderEdits) {
    // One call for each of a few edits costs less than one call with all headers. A request of which only the token is
    // removed has this many edits.
    const FEW_EDITS: usize = 5;
    // Envoy accepts at most 1,024 pairs and one mebibyte in one call; single calls are cheaper long before.
    const MOST_HEADERS: usize = 128;
    const MOST_BYTES: usize = 128 * 1024;
    if edits.remove.len() + edits.set.len() <= FEW_EDITS {
        return edit(MapType::HttpRequestHeaders, edits);
    }
    let headers = edits.applied(headers);
    let bytes: usize = headers.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    if headers.len() > MOST_HEADERS || bytes > MOST_BYTES {
        return edit(MapType::HttpRequestHeaders, edits);
    }
    if hostcalls::set_map_bytes(MapType::HttpRequestHeaders, headers).is_err() {
        log::error!("the host refused to set the headers");
    }
}

/// Changes the request's trailers. To be called in their callback only.
pub(super) fn edit_request_trailers(edits: &HeaderEdits) {
    edit(MapType::HttpRequestTrailers, edits);
}

fn edit(map: MapType, edits: &HeaderEdits) {
    for name in &edits.remove {
        let _ = hostcalls::remove_map_value(map, name);
    }
    for (name, value) in &edits.set {
        if hostcalls::set_map_value_bytes(map, name, Some(value)).is_err() {
            log::error!("the host refused to set the header {name}");
        }
    }
}

/// The first `size` bytes of the current body chunk.
pub(super) fn chunk(side: Side, size: usize) -> Vec<u8> {
    part(side, 0, size)
}

/// The bytes from `from` to `to` of the current body buffer. For a held request the buffer is all that has arrived.
pub(super) fn part(side: Side, from: usize, to: usize) -> Vec<u8> {
    match to.checked_sub(from) {
        None | Some(0) => Vec::new(),
        Some(size) => hostcalls::get_buffer(side.body(), from, size).ok().flatten().unwrap_or_default(),
    }
}

/// Selects the stream `context` for the calls that follow. `false`: there is no such stream.
pub(super) fn enter(context: u32) -> bool {
    hostcalls::set_effective_context(context).is_ok()
}

/// Sends `bytes` instead of the current chunk.
pub(super) fn replace_chunk(side: Side, size: usize, bytes: &[u8]) {
    if hostcalls::set_buffer(side.body(), 0, size, bytes).is_err() {
        log::error!("the host refused to replace a body chunk");
    }
}

/// The property `path`; `None` where the host does not know it.
pub(super) fn property(path: Vec<&str>) -> Option<Vec<u8>> {
    hostcalls::get_property(path).ok().flatten()
}

/// The bytes that the host has received of the request; they include the headers until these are sent on.
/// <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes#request-attributes>
pub(super) fn request_bytes() -> Option<u64> {
    let number = property(vec!["request", "total_size"])?;
    Some(u64::from_le_bytes(number.try_into().ok()?))
}

/// Sets the property `name`.
pub(super) fn publish(name: &str, value: &[u8]) {
    if hostcalls::set_property(vec![name], Some(value)).is_err() {
        log::warn!("the host refused to set the property {name}");
    }
}

/// Sends a reply to the client.
pub(super) fn reply(reply: &LocalReply) {
    // The SDK accepts text only. A header of another filter's reply that is not UTF-8 is left out.
    let headers = reply.headers.iter();
    let text = headers
        .filter_map(|(name, value)| Some((name.as_str(), core::str::from_utf8(value).ok()?)))
        .collect();
    if hostcalls::send_http_response(u32::from(reply.status), text, Some(reply.body.as_bytes())).is_err() {
        log::error!("the host refused a reply with status {}", reply.status);
    }
}

/// Resets the stream.
pub(super) fn reset() {
    let _ = hostcalls::reset_http_response();
}

/// The id of the metric `name`.
pub(super) fn define_metric(kind: MetricKind, name: &str) -> Option<u32> {
    let kind = match kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram => MetricType::Histogram,
    };
    hostcalls::define_metric(kind, name).ok()
}

/// Adds to a counter.
pub(super) fn increment_metric(id: u32, by: u64) {
    let _ = hostcalls::increment_metric(id, i64::try_from(by).unwrap_or(i64::MAX));
}

/// Sets a gauge or adds to a histogram.
pub(super) fn record_metric(id: u32, value: u64) {
    let _ = hostcalls::record_metric(id, value);
}
