//! Every call to Envoy, and the meaning of each failure. Where Envoy refuses a call, the record contains less, and failures
//! that change the traffic are logged.

#![expect(unsafe_code, reason = "a call into Envoy is a call of a function that Rust cannot check")]

use super::abi::{
    self, Attribute, Body, Buffer, ConfigurationPointer, FilterPointer, Header, HeaderMap, LogLevel,
    SchedulerPointer,
};
use crate::headers::{HeaderEdits, Headers};
use crate::metric::MetricKind;
use crate::step::LocalReply;
use core::time::Duration;
use std::time::SystemTime;

/// Envoy's filter of one stream. Valid only in a hook of that stream, from its beginning until the stream is destroyed:
/// `hooks.rs` makes it for one hook, and `stream.rs` makes no call after the stream's end. An attempt also asks the filter of
/// its client's stream, on the same thread, until that is destroyed.
#[derive(Clone, Copy)]
pub(super) struct Filter(FilterPointer);

/// Envoy's configuration of the filter. Valid from the hook that creates it until the end of the hook that destroys it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FilterConfiguration(ConfigurationPointer);

/// Has Envoy call a configuration on its main thread. Valid until the configuration is destroyed.
pub(super) struct Scheduler(SchedulerPointer);

// SAFETY: Envoy can be asked for a call on any thread.
unsafe impl Send for Scheduler {}
// SAFETY: Envoy creates and destroys configurations, and takes their metrics, on any of its threads.
unsafe impl Send for FilterConfiguration {}
// SAFETY: as above.
unsafe impl Sync for FilterConfiguration {}

/// What Envoy's log and its trace call a reply of this filter.
const REPLY_DETAILS: &[u8] = b"ai_bridge";

// === impl Filter ===

impl Filter {
    /// To be called by a hook only, with the address that Envoy gives it.
    pub(super) const fn new(pointer: FilterPointer) -> Self {
        Self(pointer)
    }

    /// All headers of `map`. To be called in the callback of these headers only.
    pub(super) fn headers(self, map: HeaderMap) -> Headers {
        // SAFETY: see `Filter`.
        let size = unsafe { abi::envoy_dynamic_module_callback_http_get_headers_size(self.0, map) };
        let mut headers = vec![Header::NONE; size];
        // SAFETY: as above; there is room for as many headers as Envoy said it has.
        if !unsafe { abi::envoy_dynamic_module_callback_http_get_headers(self.0, map, headers.as_mut_ptr()) }
        {
            return Headers::default();
        }
        let (names, values) = headers.iter().fold((0, 0), |(names, values), header| {
            (names + header.name().len(), values + header.value().len())
        });
        let mut all = Headers::with_capacity(headers.len(), names, values);
        for header in &headers {
            all.push(&String::from_utf8_lossy(header.name()), header.value());
        }
        all
    }

    /// Changes the headers of `map`. To be called in the callback of these headers only.
    pub(super) fn edit_headers(self, map: HeaderMap, edits: &HeaderEdits) {
        for name in &edits.remove {
            self.set_header(map, name, Buffer::NONE);
        }
        for (name, value) in &edits.set {
            if !self.set_header(map, name, Buffer::of(value)) {
                log::error!("the host refused to set the header {name}");
            }
        }
    }

    fn set_header(self, map: HeaderMap, name: &str, value: Buffer<'_>) -> bool {
        let name = Buffer::of(name.as_bytes());
        // SAFETY: see `Filter`; Envoy copies name and value.
        unsafe { abi::envoy_dynamic_module_callback_http_set_header(self.0, map, name, value) }
    }

    /// Makes Envoy choose the route again, by the headers as they are now.
    pub(super) fn clear_route_cache(self) {
        // SAFETY: see `Filter`.
        unsafe { abi::envoy_dynamic_module_callback_http_clear_route_cache(self.0) }
    }

    /// Calls `read` with the parts of `body`. `read` must not call Envoy, because that may free them.
    pub(super) fn with_body<T>(self, body: Body, read: impl FnOnce(&[Buffer<'_>]) -> T) -> T {
        const FEW: usize = 16;
        // SAFETY: see `Filter`.
        let size = unsafe { abi::envoy_dynamic_module_callback_http_get_body_chunks_size(self.0, body) };
        let mut few = [Buffer::NONE; FEW];
        let mut many = Vec::new();
        let chunks = match few.get_mut(..size) {
            Some(few) => few,
            None => {
                many.resize(size, Buffer::NONE);
                many.as_mut_slice()
            }
        };
        let ok = size == 0 || {
            let to = chunks.as_mut_ptr();
            // SAFETY: as above; there is room for as many parts as Envoy said it has.
            unsafe { abi::envoy_dynamic_module_callback_http_get_body_chunks(self.0, body, to) }
        };
        read(if ok { chunks } else { &[] })
    }

    /// Replaces all bytes of `body`.
    pub(super) fn replace_body(self, body: Body, bytes: &[u8]) {
        self.drain_body(body);
        // SAFETY: see `Filter`; Envoy copies the bytes.
        let ok = bytes.is_empty()
            || unsafe {
                abi::envoy_dynamic_module_callback_http_append_body(self.0, body, Buffer::of(bytes))
            };
        if !ok {
            log::error!("the host refused to replace a body chunk");
        }
    }

    /// Removes all bytes of `body`.
    pub(super) fn drain_body(self, body: Body) {
        // SAFETY: see `Filter`. Envoy removes at most what there is.
        let _ = unsafe { abi::envoy_dynamic_module_callback_http_drain_body(self.0, body, usize::MAX) };
    }

    /// Whether the chunk at hand is all that Envoy holds of the request, because another filter held it before.
    pub(super) fn received_is_buffered(self) -> bool {
        // SAFETY: see `Filter`.
        unsafe { abi::envoy_dynamic_module_callback_http_received_buffered_request_body(self.0) }
    }

    /// Sends a reply to the client. Envoy may call other hooks of this stream before this returns.
    pub(super) fn reply(self, reply: &LocalReply) {
        let headers = reply.headers.iter();
        let mut headers: Vec<Header<'_>> =
            headers.map(|(name, value)| Header::of(name.as_bytes(), value)).collect();
        let (body, details) = (Buffer::of(reply.body.as_bytes()), Buffer::of(REPLY_DETAILS));
        let (status, to, size) = (u32::from(reply.status), headers.as_mut_ptr(), headers.len());
        // SAFETY: see `Filter`; Envoy copies headers and body.
        unsafe {
            abi::envoy_dynamic_module_callback_http_send_response(self.0, status, to, size, body, details);
        }
    }

    /// Resets the stream. Envoy may call other hooks of this stream before this returns. Not for an upstream filter: Envoy
    /// 1.40 uses the attempt after it has freed it.
    pub(super) fn reset(self, details: &str) {
        let details = Buffer::of(details.as_bytes());
        // SAFETY: see `Filter`; Envoy copies the details.
        unsafe {
            abi::envoy_dynamic_module_callback_http_filter_reset_stream(self.0, abi::LOCAL_RESET, details);
        }
    }

    /// Sets the filter state `name`.
    pub(super) fn set_filter_state(self, name: &str, value: &[u8]) -> bool {
        let (name, value) = (Buffer::of(name.as_bytes()), Buffer::of(value));
        // SAFETY: see `Filter`; Envoy copies name and value.
        unsafe { abi::envoy_dynamic_module_callback_http_set_filter_state_bytes(self.0, name, value) }
    }

    /// The filter state `name` as a text.
    pub(super) fn filter_state(self, name: &str) -> Option<Vec<u8>> {
        let mut value = Buffer::NONE;
        let name = Buffer::of(name.as_bytes());
        // SAFETY: see `Filter`; the value is copied before another call can change it.
        let ok = unsafe {
            abi::envoy_dynamic_module_callback_http_get_filter_state_typed(self.0, name, &raw mut value)
        };
        ok.then(|| value.bytes().to_vec())
    }

    /// Sets the number `key` of the dynamic metadata `namespace`.
    pub(super) fn set_metadata_number(self, namespace: &str, key: &str, value: f64) {
        let (namespace, key) = (Buffer::of(namespace.as_bytes()), Buffer::of(key.as_bytes()));
        // SAFETY: see `Filter`; Envoy copies the names.
        unsafe {
            abi::envoy_dynamic_module_callback_http_set_dynamic_metadata_number(
                self.0, namespace, key, value,
            );
        }
    }

    /// Sets the text `key` of the dynamic metadata `namespace`.
    pub(super) fn set_metadata_text(self, namespace: &str, key: &str, value: &[u8]) {
        let (namespace, key) = (Buffer::of(namespace.as_bytes()), Buffer::of(key.as_bytes()));
        let value = Buffer::of(value);
        // SAFETY: see `Filter`; Envoy copies names and value.
        unsafe {
            abi::envoy_dynamic_module_callback_http_set_dynamic_metadata_string(
                self.0, namespace, key, value,
            );
        }
    }

    /// The text `key` of the dynamic metadata `namespace`.
    pub(super) fn metadata_text(self, namespace: &str, key: &str) -> Option<Vec<u8>> {
        let mut value = Buffer::NONE;
        let (namespace, key) = (Buffer::of(namespace.as_bytes()), Buffer::of(key.as_bytes()));
        let source = abi::DYNAMIC_METADATA;
        // SAFETY: see `Filter`; the value is copied before another call can change it.
        let ok = unsafe {
            abi::envoy_dynamic_module_callback_http_get_metadata_string(
                self.0,
                source,
                namespace,
                key,
                &raw mut value,
            )
        };
        ok.then(|| value.bytes().to_vec())
    }

    /// An attribute that is a text.
    pub(super) fn attribute(self, attribute: Attribute) -> Option<Vec<u8>> {
        let mut value = Buffer::NONE;
        // SAFETY: see `Filter`; the value is copied before another call can change it.
        let ok = unsafe {
            abi::envoy_dynamic_module_callback_http_filter_get_attribute_string(
                self.0,
                attribute,
                &raw mut value,
            )
        };
        ok.then(|| value.bytes().to_vec())
    }

    /// Adds `value` to the series of the metric `id` with these label values.
    pub(super) fn measure(self, kind: MetricKind, id: usize, labels: &mut [Buffer<'_>], value: u64) {
        let call = match kind {
            MetricKind::Counter => abi::envoy_dynamic_module_callback_http_filter_increment_counter,
            MetricKind::Gauge => abi::envoy_dynamic_module_callback_http_filter_set_gauge,
            MetricKind::Histogram => abi::envoy_dynamic_module_callback_http_filter_record_histogram_value,
        };
        // SAFETY: see `Filter`; Envoy copies the labels. The result says only whether the id and the labels are those that
        // were defined, which `metrics.rs` holds.
        let _ = unsafe { call(self.0, id, labels.as_mut_ptr(), labels.len(), value) };
    }
}

// === impl FilterConfiguration ===

impl FilterConfiguration {
    /// To be called by the hook that creates the configuration only, with the address that Envoy gives it.
    pub(super) const fn new(pointer: ConfigurationPointer) -> Self {
        Self(pointer)
    }

    /// Defines a metric, and returns its id. To be called by the hook that creates the configuration only.
    pub(super) fn define(self, kind: MetricKind, name: &str, labels: &[&str]) -> Option<usize> {
        let call = match kind {
            MetricKind::Counter => abi::envoy_dynamic_module_callback_http_filter_config_define_counter,
            MetricKind::Gauge => abi::envoy_dynamic_module_callback_http_filter_config_define_gauge,
            MetricKind::Histogram => abi::envoy_dynamic_module_callback_http_filter_config_define_histogram,
        };
        let mut labels: Vec<Buffer<'_>> = labels.iter().map(|label| Buffer::of(label.as_bytes())).collect();
        let mut id = 0;
        let (name, to, size) = (Buffer::of(name.as_bytes()), labels.as_mut_ptr(), labels.len());
        // SAFETY: see `FilterConfiguration`; Envoy copies the names and writes the id.
        let result = unsafe { call(self.0, name, to, size, &raw mut id) };
        (result == abi::METRIC_SUCCESS).then_some(id)
    }

    /// Sets the series of the gauge `id` with these label values. To be called on the main thread only.
    pub(super) fn set_gauge(self, id: usize, labels: &mut [Buffer<'_>], value: u64) {
        let (to, size) = (labels.as_mut_ptr(), labels.len());
        // SAFETY: see `FilterConfiguration`; Envoy copies the labels. A result as for `Filter::measure`.
        let _ = unsafe {
            abi::envoy_dynamic_module_callback_http_filter_config_set_gauge(self.0, id, to, size, value)
        };
    }

    /// To be called by the hook that creates the configuration only.
    pub(super) fn scheduler(self) -> Option<Scheduler> {
        // SAFETY: see `FilterConfiguration`.
        let scheduler =
            unsafe { abi::envoy_dynamic_module_callback_http_filter_config_scheduler_new(self.0) };
        (!scheduler.is_null()).then_some(Scheduler(scheduler))
    }

    /// Adds 0 to the series of the counter or gauge `id` with these label values: Envoy keeps a series for as long as a
    /// configuration has used it.
    pub(super) fn hold(self, kind: MetricKind, id: usize, labels: &mut [Buffer<'_>]) {
        let call = match kind {
            MetricKind::Counter => abi::envoy_dynamic_module_callback_http_filter_config_increment_counter,
            MetricKind::Gauge => abi::envoy_dynamic_module_callback_http_filter_config_increment_gauge,
            // Each recorded value counts.
            MetricKind::Histogram => return,
        };
        // SAFETY: see `FilterConfiguration`; Envoy copies the labels. A result as for `Filter::measure`.
        let _ = unsafe { call(self.0, id, labels.as_mut_ptr(), labels.len(), 0) };
    }
}

// === impl Scheduler ===

impl Scheduler {
    /// Asks for a call on the main thread.
    pub(super) fn commit(&self) {
        // SAFETY: see `Scheduler`; `ticker.rs` drops it before its configuration is destroyed.
        unsafe { abi::envoy_dynamic_module_callback_http_filter_config_scheduler_commit(self.0, 0) }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        // SAFETY: as above; deleted once.
        unsafe { abi::envoy_dynamic_module_callback_http_filter_config_scheduler_delete(self.0) }
    }
}

/// Time since the Unix epoch.
pub(super) fn wall_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Writes a line of Envoy's log.
pub(super) fn log(level: LogLevel, message: &str) {
    // SAFETY: Envoy can be asked to log at any time on any of its threads; it copies the message.
    unsafe { abi::envoy_dynamic_module_callback_log(level, Buffer::of(message.as_bytes())) }
}

/// Whether Envoy would write a line of this level.
pub(super) fn logs(level: LogLevel) -> bool {
    // SAFETY: as for `log`.
    unsafe { abi::envoy_dynamic_module_callback_log_enabled(level) }
}

/// Whether Envoy exports the function `name`.
pub(super) fn exports(name: &core::ffi::CStr) -> bool {
    // SAFETY: the name ends in NUL. A null library means every library of the process; the result is not called.
    !unsafe { abi::dlsym(core::ptr::null_mut(), name.as_ptr().cast()) }.is_null()
}
