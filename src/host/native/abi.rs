//! The part of Envoy's interface for dynamic modules that this filter uses:
//! `source/extensions/dynamic_modules/abi/abi.h` of Envoy 1.39 and 1.40. `tests/envoy/test_native_interface.py`
//! compares names and arities with Envoy's binary.

#![expect(unsafe_code, reason = "functions of another program are declared in an unsafe block")]

use core::ffi::c_void;
use core::marker::PhantomData;

/// Bytes of the module or of Envoy, valid for `'a`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Buffer<'a> {
    pointer: *const u8,
    length: usize,
    bytes: PhantomData<&'a [u8]>,
}

/// The name and value of a header, valid for `'a`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Header<'a> {
    name: *const u8,
    name_length: usize,
    value: *const u8,
    value_length: usize,
    bytes: PhantomData<&'a [u8]>,
}

/// `envoy_dynamic_module_type_http_header_type`
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum HeaderMap {
    Request = 0,
    RequestTrailers = 1,
    Response = 2,
}

/// `envoy_dynamic_module_type_http_body_type`
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Body {
    /// The current chunk.
    ReceivedRequest = 0,
    /// The bytes of the request that Envoy holds.
    BufferedRequest = 1,
    /// The current chunk.
    ReceivedResponse = 2,
}

/// `envoy_dynamic_module_type_attribute_id`: the values that are used.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Attribute {
    RequestHost = 2,
    RequestId = 9,
    ResponseCodeDetails = 16,
    SourceAddress = 24,
    RequestedServerName = 30,
    SubjectPeerCertificate = 33,
    DnsSanPeerCertificate = 35,
    UriSanPeerCertificate = 37,
    Sha256PeerCertificateDigest = 38,
    UpstreamLocalAddress = 51,
}

/// `envoy_dynamic_module_type_log_level`
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum LogLevel {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// `envoy_dynamic_module_type_metadata_source`: the stream's dynamic metadata.
pub(super) const DYNAMIC_METADATA: u32 = 0;
/// `envoy_dynamic_module_type_http_filter_stream_reset_reason`: a local reset.
pub(super) const LOCAL_RESET: u32 = 0;
/// `envoy_dynamic_module_type_metrics_result`: success.
pub(super) const METRIC_SUCCESS: u32 = 0;

/// Envoy's filter of one stream, as an address.
pub(super) type FilterPointer = *mut c_void;
/// Envoy's configuration of the filter, as an address.
pub(super) type ConfigurationPointer = *mut c_void;
/// Envoy's scheduler of a configuration, which calls it on the main thread, as an address.
pub(super) type SchedulerPointer = *mut c_void;

unsafe extern "C" {
    pub(super) fn envoy_dynamic_module_callback_log(level: LogLevel, message: Buffer<'_>);
    pub(super) fn envoy_dynamic_module_callback_log_enabled(level: LogLevel) -> bool;

    pub(super) fn envoy_dynamic_module_callback_http_filter_config_define_counter(
        configuration: ConfigurationPointer,
        name: Buffer<'_>,
        label_names: *mut Buffer<'_>,
        labels: usize,
        id: *mut usize,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_define_gauge(
        configuration: ConfigurationPointer,
        name: Buffer<'_>,
        label_names: *mut Buffer<'_>,
        labels: usize,
        id: *mut usize,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_define_histogram(
        configuration: ConfigurationPointer,
        name: Buffer<'_>,
        label_names: *mut Buffer<'_>,
        labels: usize,
        id: *mut usize,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_increment_counter(
        configuration: ConfigurationPointer,
        id: usize,
        label_values: *mut Buffer<'_>,
        labels: usize,
        value: u64,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_increment_gauge(
        configuration: ConfigurationPointer,
        id: usize,
        label_values: *mut Buffer<'_>,
        labels: usize,
        value: u64,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_set_gauge(
        configuration: ConfigurationPointer,
        id: usize,
        label_values: *mut Buffer<'_>,
        labels: usize,
        value: u64,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_scheduler_new(
        configuration: ConfigurationPointer,
    ) -> SchedulerPointer;
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_scheduler_commit(
        scheduler: SchedulerPointer,
        event: u64,
    );
    pub(super) fn envoy_dynamic_module_callback_http_filter_config_scheduler_delete(
        scheduler: SchedulerPointer,
    );
    pub(super) fn envoy_dynamic_module_callback_http_filter_increment_counter(
        filter: FilterPointer,
        id: usize,
        label_values: *mut Buffer<'_>,
        labels: usize,
        value: u64,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_set_gauge(
        filter: FilterPointer,
        id: usize,
        label_values: *mut Buffer<'_>,
        labels: usize,
        value: u64,
    ) -> u32;
    pub(super) fn envoy_dynamic_module_callback_http_filter_record_histogram_value(
        filter: FilterPointer,
        id: usize,
        label_values: *mut Buffer<'_>,
        labels: usize,
        value: u64,
    ) -> u32;

    pub(super) fn envoy_dynamic_module_callback_http_get_headers_size(
        filter: FilterPointer,
        map: HeaderMap,
    ) -> usize;
    pub(super) fn envoy_dynamic_module_callback_http_get_headers(
        filter: FilterPointer,
        map: HeaderMap,
        headers: *mut Header<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_set_header(
        filter: FilterPointer,
        map: HeaderMap,
        name: Buffer<'_>,
        value: Buffer<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_send_response(
        filter: FilterPointer,
        status: u32,
        headers: *mut Header<'_>,
        headers_size: usize,
        body: Buffer<'_>,
        details: Buffer<'_>,
    );
    pub(super) fn envoy_dynamic_module_callback_http_filter_reset_stream(
        filter: FilterPointer,
        reason: u32,
        details: Buffer<'_>,
    );
    pub(super) fn envoy_dynamic_module_callback_http_clear_route_cache(filter: FilterPointer);

    pub(super) fn envoy_dynamic_module_callback_http_get_body_chunks_size(
        filter: FilterPointer,
        body: Body,
    ) -> usize;
    pub(super) fn envoy_dynamic_module_callback_http_get_body_chunks(
        filter: FilterPointer,
        body: Body,
        chunks: *mut Buffer<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_append_body(
        filter: FilterPointer,
        body: Body,
        bytes: Buffer<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_drain_body(
        filter: FilterPointer,
        body: Body,
        bytes: usize,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_received_buffered_request_body(
        filter: FilterPointer,
    ) -> bool;

    pub(super) fn envoy_dynamic_module_callback_http_set_filter_state_bytes(
        filter: FilterPointer,
        key: Buffer<'_>,
        value: Buffer<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_get_filter_state_typed(
        filter: FilterPointer,
        key: Buffer<'_>,
        value: *mut Buffer<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_set_dynamic_metadata_number(
        filter: FilterPointer,
        namespace: Buffer<'_>,
        key: Buffer<'_>,
        value: f64,
    );
    pub(super) fn envoy_dynamic_module_callback_http_set_dynamic_metadata_string(
        filter: FilterPointer,
        namespace: Buffer<'_>,
        key: Buffer<'_>,
        value: Buffer<'_>,
    );
    pub(super) fn envoy_dynamic_module_callback_http_get_metadata_string(
        filter: FilterPointer,
        source: u32,
        namespace: Buffer<'_>,
        key: Buffer<'_>,
        value: *mut Buffer<'_>,
    ) -> bool;
    pub(super) fn envoy_dynamic_module_callback_http_filter_get_attribute_string(
        filter: FilterPointer,
        attribute: Attribute,
        value: *mut Buffer<'_>,
    ) -> bool;

    /// The C library's look-up of a symbol by its name, which ends in NUL.
    pub(super) fn dlsym(library: *mut c_void, name: *const u8) -> *mut c_void;
}

// === impl Buffer ===

impl<'a> Buffer<'a> {
    /// No bytes. As a header's value it removes the header.
    pub(super) const NONE: Self = Self { pointer: core::ptr::null(), length: 0, bytes: PhantomData };

    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { pointer: bytes.as_ptr(), length: bytes.len(), bytes: PhantomData }
    }

    pub(super) const fn bytes(&self) -> &'a [u8] {
        slice(self.pointer, self.length)
    }
}

// === impl Header ===

impl<'a> Header<'a> {
    pub(super) const NONE: Self = Self {
        name: core::ptr::null(),
        name_length: 0,
        value: core::ptr::null(),
        value_length: 0,
        bytes: PhantomData,
    };

    pub(super) const fn of(name: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            name: name.as_ptr(),
            name_length: name.len(),
            value: value.as_ptr(),
            value_length: value.len(),
            bytes: PhantomData,
        }
    }

    pub(super) const fn name(&self) -> &'a [u8] {
        slice(self.name, self.name_length)
    }

    pub(super) const fn value(&self) -> &'a [u8] {
        slice(self.value, self.value_length)
    }
}

const fn slice<'a>(pointer: *const u8, length: usize) -> &'a [u8] {
    if pointer.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the pointer and the length come from a slice, or from Envoy, which promises that many bytes until the end
    // of the hook or until they are changed; `calls.rs` hands them out for no longer.
    unsafe { core::slice::from_raw_parts(pointer, length) }
}
