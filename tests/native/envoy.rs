//! A small Envoy: the functions that the module calls, and what they leave behind.

use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use core::{ptr, slice};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Buffer {
    pub(crate) pointer: *const u8,
    pub(crate) length: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Header {
    name: Buffer,
    value: Buffer,
}

/// Names and values of headers.
type Pairs = Vec<(String, Vec<u8>)>;

/// One stream of this Envoy.
#[derive(Default)]
pub(crate) struct Filter {
    /// Request headers, request trailers, response headers.
    pub(crate) headers: [RefCell<Pairs>; 3],
    /// The received request, the buffered request, the received response, each in parts.
    pub(crate) bodies: [RefCell<Vec<Vec<u8>>>; 3],
    pub(crate) state: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) numbers: RefCell<BTreeMap<String, f64>>,
    pub(crate) code_details: RefCell<Vec<u8>>,
    pub(crate) replies: RefCell<Vec<(u32, String)>>,
    pub(crate) resets: Cell<usize>,
    pub(crate) measured: Cell<usize>,
    pub(crate) route_cleared: Cell<bool>,
    /// The module's stream, which a reply or a reset ends and destroys before it returns, as Envoy may.
    pub(crate) ended_by_calls: Cell<*const c_void>,
    pub(crate) destroyed: Cell<bool>,
    /// Before that a reply or a reset calls every other hook of the stream.
    pub(crate) hooks_by_calls: Cell<bool>,
    /// How often a record was set.
    pub(crate) records: Cell<usize>,
    /// The module has cut the stream because of a panic.
    pub(crate) panicked: Cell<bool>,
}

/// How many schedulers there are.
pub(crate) static SCHEDULERS: AtomicUsize = AtomicUsize::new(0);
/// How often a gauge was set without a stream.
pub(crate) static GAUGES: AtomicUsize = AtomicUsize::new(0);
/// How the name of each function begins.
const PREFIX: &str = "envoy_dynamic_module_callback_";

thread_local! {
    /// The functions that the module has called on this thread, without [`PREFIX`].
    pub(crate) static CALLS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Envoy's log.
pub(crate) static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Buffer {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { pointer: bytes.as_ptr(), length: bytes.len() }
    }

    fn bytes<'a>(self) -> &'a [u8] {
        if self.pointer.is_null() {
            return &[];
        }
        // SAFETY: the module gives bytes that are valid during the call.
        unsafe { slice::from_raw_parts(self.pointer, self.length) }
    }

    fn text(self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }
}

fn of<'a>(filter: *mut c_void) -> &'a Filter {
    // SAFETY: the tests give the module addresses of filters that outlive their hooks.
    let filter = unsafe { &*filter.cast::<Filter>() };
    assert!(!filter.destroyed.get(), "the module calls Envoy for a stream that is destroyed");
    filter
}

/// Ends the stream before the call returns.
fn end_now(filter: *mut c_void) {
    let stream = of(filter).ended_by_calls.replace(ptr::null());
    if !stream.is_null() {
        // SAFETY: the stream is that of this filter, and is not destroyed.
        unsafe {
            if of(filter).hooks_by_calls.get() {
                crate::module::envoy_dynamic_module_on_http_filter_request_headers(filter, stream, false);
                crate::module::envoy_dynamic_module_on_http_filter_request_body(filter, stream, true);
                crate::module::envoy_dynamic_module_on_http_filter_request_trailers(filter, stream);
                crate::module::envoy_dynamic_module_on_http_filter_response_headers(filter, stream, false);
                crate::module::envoy_dynamic_module_on_http_filter_response_body(filter, stream, true);
                crate::module::envoy_dynamic_module_on_http_filter_response_trailers(filter, stream);
            }
            crate::module::envoy_dynamic_module_on_http_filter_stream_complete(filter, stream);
            of(filter).destroyed.set(true);
            crate::module::envoy_dynamic_module_on_http_filter_destroy(stream);
        }
    }
}

/// Writes the elements of `from` to `to`, which has room for them.
fn write<T>(to: *mut T, from: impl Iterator<Item = T>) {
    for (at, each) in from.enumerate() {
        // SAFETY: the module has asked for the number of elements.
        unsafe { to.add(at).write(each) };
    }
}

macro_rules! callbacks {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                CALLS.with_borrow_mut(|calls| calls.push(stringify!($name).trim_start_matches(PREFIX)));
                $body
            }
        )*
    };
}

type Pointer = *mut c_void;

callbacks! {
    fn envoy_dynamic_module_callback_log(_level: u32, message: Buffer) {
        LOG.lock().unwrap().push(message.text());
    }
    fn envoy_dynamic_module_callback_log_enabled(_level: u32) -> bool { true }
    fn envoy_dynamic_module_callback_http_filter_config_define_counter(_c: Pointer, _n: Buffer, _l: *mut Buffer, _s: usize, id: *mut usize) -> u32 {
        write(id, [1].into_iter());
        0
    }
    fn envoy_dynamic_module_callback_http_filter_config_define_gauge(_c: Pointer, _n: Buffer, _l: *mut Buffer, _s: usize, id: *mut usize) -> u32 {
        write(id, [2].into_iter());
        0
    }
    fn envoy_dynamic_module_callback_http_filter_config_define_histogram(_c: Pointer, _n: Buffer, _l: *mut Buffer, _s: usize, id: *mut usize) -> u32 {
        write(id, [3].into_iter());
        0
    }
    fn envoy_dynamic_module_callback_http_filter_config_increment_counter(_c: Pointer, id: usize, _l: *mut Buffer, _s: usize, value: u64) -> u32 {
        assert_eq!((id, value), (1, 0));
        0
    }
    fn envoy_dynamic_module_callback_http_filter_config_increment_gauge(_c: Pointer, id: usize, _l: *mut Buffer, _s: usize, value: u64) -> u32 {
        assert_eq!((id, value), (2, 0));
        0
    }
    fn envoy_dynamic_module_callback_http_filter_config_set_gauge(_c: Pointer, id: usize, _l: *mut Buffer, _s: usize, value: u64) -> u32 {
        assert!(id == 2 && value <= 1);
        GAUGES.fetch_add(1, Ordering::Relaxed);
        0
    }
    fn envoy_dynamic_module_callback_http_filter_config_scheduler_new(_c: Pointer) -> Pointer {
        SCHEDULERS.fetch_add(1, Ordering::Relaxed);
        ptr::without_provenance_mut(8)
    }
    fn envoy_dynamic_module_callback_http_filter_config_scheduler_commit(_scheduler: Pointer, _event: u64) {}
    fn envoy_dynamic_module_callback_http_filter_config_scheduler_delete(_scheduler: Pointer) {
        SCHEDULERS.fetch_sub(1, Ordering::Relaxed);
    }
    fn envoy_dynamic_module_callback_http_filter_increment_counter(filter: Pointer, id: usize, _l: *mut Buffer, _s: usize, _value: u64) -> u32 {
        assert_eq!(id, 1);
        of(filter).measured.update(|measured| measured + 1);
        0
    }
    fn envoy_dynamic_module_callback_http_filter_set_gauge(filter: Pointer, id: usize, _l: *mut Buffer, _s: usize, _value: u64) -> u32 {
        assert_eq!(id, 2);
        let _ = of(filter);
        0
    }
    fn envoy_dynamic_module_callback_http_filter_record_histogram_value(filter: Pointer, id: usize, _l: *mut Buffer, _s: usize, _value: u64) -> u32 {
        assert_eq!(id, 3);
        let _ = of(filter);
        0
    }
    fn envoy_dynamic_module_callback_http_get_headers_size(filter: Pointer, map: u32) -> usize {
        of(filter).headers[map as usize].borrow().len()
    }
    fn envoy_dynamic_module_callback_http_get_headers(filter: Pointer, map: u32, to: *mut Header) -> bool {
        let headers = of(filter).headers[map as usize].borrow();
        write(to, headers.iter().map(|(name, value)| Header { name: Buffer::of(name.as_bytes()), value: Buffer::of(value) }));
        true
    }
    fn envoy_dynamic_module_callback_http_set_header(filter: Pointer, map: u32, name: Buffer, value: Buffer) -> bool {
        let mut headers = of(filter).headers[map as usize].borrow_mut();
        headers.retain(|(known, _)| *known != name.text());
        if !value.pointer.is_null() {
            headers.push((name.text(), value.bytes().to_vec()));
        }
        true
    }
    fn envoy_dynamic_module_callback_http_send_response(filter: Pointer, status: u32, _h: *mut Header, _s: usize, body: Buffer, _details: Buffer) {
        of(filter).replies.borrow_mut().push((status, body.text()));
        end_now(filter);
    }
    fn envoy_dynamic_module_callback_http_filter_reset_stream(filter: Pointer, _reason: u32, details: Buffer) {
        if details.bytes() == b"ai_bridge_panic" {
            of(filter).panicked.set(true);
        }
        of(filter).resets.update(|resets| resets + 1);
        end_now(filter);
    }
    fn envoy_dynamic_module_callback_http_clear_route_cache(filter: Pointer) {
        of(filter).route_cleared.set(true);
    }
    fn envoy_dynamic_module_callback_http_get_body_chunks_size(filter: Pointer, body: u32) -> usize {
        of(filter).bodies[body as usize].borrow().len()
    }
    fn envoy_dynamic_module_callback_http_get_body_chunks(filter: Pointer, body: u32, to: *mut Buffer) -> bool {
        let parts = of(filter).bodies[body as usize].borrow();
        write(to, parts.iter().map(|part| Buffer::of(part)));
        true
    }
    fn envoy_dynamic_module_callback_http_append_body(filter: Pointer, body: u32, bytes: Buffer) -> bool {
        of(filter).bodies[body as usize].borrow_mut().push(bytes.bytes().to_vec());
        true
    }
    fn envoy_dynamic_module_callback_http_drain_body(filter: Pointer, body: u32, size: usize) -> bool {
        assert_eq!(size, usize::MAX);
        of(filter).bodies[body as usize].borrow_mut().clear();
        true
    }
    fn envoy_dynamic_module_callback_http_received_buffered_request_body(_filter: Pointer) -> bool { false }
    fn envoy_dynamic_module_callback_http_set_filter_state_bytes(filter: Pointer, key: Buffer, value: Buffer) -> bool {
        if key.bytes() == b"wasm.ai_bridge_record" {
            of(filter).records.update(|records| records + 1);
        }
        of(filter).state.borrow_mut().insert(key.text(), value.bytes().to_vec());
        true
    }
    fn envoy_dynamic_module_callback_http_get_filter_state_typed(filter: Pointer, key: Buffer, to: *mut Buffer) -> bool {
        let state = of(filter).state.borrow();
        write(to, state.get(&key.text()).map(|value| Buffer::of(value)).into_iter());
        state.contains_key(&key.text())
    }
    fn envoy_dynamic_module_callback_http_set_dynamic_metadata_number(filter: Pointer, namespace: Buffer, key: Buffer, value: f64) {
        assert_eq!(namespace.text(), "ai_bridge");
        of(filter).numbers.borrow_mut().insert(key.text(), value);
    }
    fn envoy_dynamic_module_callback_http_set_dynamic_metadata_string(filter: Pointer, _namespace: Buffer, key: Buffer, _value: Buffer) {
        assert_eq!(key.text(), "model");
        let _ = of(filter);
    }
    fn envoy_dynamic_module_callback_http_get_metadata_string(_f: Pointer, _source: u32, _n: Buffer, _k: Buffer, _to: *mut Buffer) -> bool { false }
    fn envoy_dynamic_module_callback_http_filter_get_attribute_string(filter: Pointer, attribute: u32, to: *mut Buffer) -> bool {
        if attribute == 51 {
            // upstream.local_address: no member has refused a connection
            write(to, [Buffer::of(b"127.0.0.1:1")].into_iter());
            return true;
        }
        assert_eq!(attribute, 16, "response.code_details");
        write(to, [Buffer::of(&of(filter).code_details.borrow())].into_iter());
        true
    }
}
