//! The functions that Envoy calls. Each finds its stream and catches a panic; it decides nothing.

#![expect(
    unsafe_code,
    reason = "Envoy calls these functions by name and passes addresses that Rust cannot check"
)]

use super::abi::{Buffer, ConfigurationPointer, FilterPointer};
use super::any_stream::AnyStream;
use super::calls::{Filter, FilterConfiguration};
use super::configuration::Configuration;
use super::stream::PANIC_DETAILS;
use super::version::Interface;
use super::{logger, panic};
use crate::step::Flow;
use core::ffi::{c_char, c_void};
use core::ptr;
use std::rc::Rc;
use std::sync::Arc;

/// The address of an [`Arc`] of a [`Configuration`].
type ModuleConfiguration = *const c_void;
/// The address of an [`Rc`] of a [`AnyStream`].
type ModuleFilter = *const c_void;

/// Envoy's `Continue` of headers, body and trailers.
const CONTINUE: u32 = 0;
/// Envoy's `StopIteration` of headers and trailers.
const STOP_ITERATION: u32 = 1;
/// Envoy's `StopIterationAndBuffer` of a body.
const STOP_AND_BUFFER: u32 = 1;
/// Envoy's `StopIterationNoBuffer` of a body.
const STOP_NO_BUFFER: u32 = 3;

/// What a hook of headers or trailers returns to Envoy.
const fn of_headers(flow: Flow) -> u32 {
    match flow {
        Flow::Continue | Flow::Release => CONTINUE,
        Flow::Stop | Flow::Hold => STOP_ITERATION,
    }
}

/// What a hook of a body returns to Envoy.
const fn of_body(flow: Flow) -> u32 {
    match flow {
        Flow::Continue | Flow::Release => CONTINUE,
        Flow::Hold => STOP_AND_BUFFER,
        Flow::Stop => STOP_NO_BUFFER,
    }
}

/// Runs `hook` on the stream at `stream`, which stays alive meanwhile, and cuts the stream after a panic. `name` is the
/// hook's name.
fn with(
    name: &'static str,
    stream: ModuleFilter,
    filter: FilterPointer,
    hook: impl FnOnce(&AnyStream, Filter) -> Flow,
) -> Flow {
    let Some(stream) = held(stream) else { return Flow::Stop };
    if stream.is_over() {
        return Flow::Stop;
    }
    let filter = Filter::new(filter);
    let hook = || {
        panic::provoked(name, stream.is_attempt(), filter);
        hook(&stream, filter)
    };
    let cut = || stream.cut(filter, name.starts_with("response_"));
    panic::caught(hook).or_else(|| panic::caught(cut)).unwrap_or(Flow::Stop)
}

/// A reference to the stream at `stream`, beside the one that Envoy has.
fn held(stream: ModuleFilter) -> Option<Rc<AnyStream>> {
    let stream = stream.cast::<AnyStream>();
    if stream.is_null() {
        return None;
    }
    // SAFETY: the address comes from `Rc::into_raw` in `…_new`, and Envoy gives it to no hook after `…_destroy`. Envoy
    // calls all hooks of a stream on one thread.
    unsafe {
        Rc::increment_strong_count(stream);
        Some(Rc::from_raw(stream))
    }
}

/// A reference to the configuration at this address, beside the one that Envoy has.
fn kept(configuration: ModuleConfiguration) -> Option<Arc<Configuration>> {
    let configuration = configuration.cast::<Configuration>();
    if configuration.is_null() {
        return None;
    }
    // SAFETY: the address comes from `Arc::into_raw` in `…_config_new`, and Envoy keeps a configuration for as long as
    // it makes streams of it or calls it on the main thread.
    unsafe {
        Arc::increment_strong_count(configuration);
        Some(Arc::from_raw(configuration))
    }
}

// === the module and its configurations, on the main thread ===

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    let started = panic::caught(|| {
        logger::start();
        panic::log_places();
        let version = Interface::of_host().name();
        match version {
            Some(_) => log::info!("loaded as a dynamic module; tested with Envoy 1.39 and 1.40"),
            None => log::error!("not loaded: this module needs Envoy 1.39 or later"),
        }
        version
    });
    started.flatten().map_or(ptr::null(), core::ffi::CStr::as_ptr)
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    host: ConfigurationPointer,
    _name: Buffer<'_>,
    json: Buffer<'_>,
) -> ModuleConfiguration {
    let new = || Configuration::new(json.bytes(), FilterConfiguration::new(host));
    panic::caught(new).flatten().map_or(ptr::null(), |new| Arc::into_raw(Arc::new(new)).cast())
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(configuration: ModuleConfiguration) {
    let configuration = configuration.cast::<Configuration>();
    if !configuration.is_null() {
        // SAFETY: the address comes from `Arc::into_raw` in `…_config_new`, and Envoy destroys a configuration once.
        let configuration = unsafe { Arc::from_raw(configuration) };
        let _ = panic::caught(|| {
            configuration.destroy();
            drop(configuration);
        });
    }
}

/// A call that the configuration's scheduler has asked for.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_scheduled(
    _host: ConfigurationPointer,
    configuration: ModuleConfiguration,
    _event: u64,
) {
    if let Some(configuration) = kept(configuration) {
        let _ = panic::caught(|| configuration.show_pools());
    }
}

/// Routes have no configuration of their own: it would be ignored, so it is refused.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_per_route_config_new(
    _name: Buffer<'_>,
    _json: Buffer<'_>,
) -> *const c_void {
    let _ = panic::caught(|| {
        log::error!("a route cannot configure this filter: remove it from typed_per_filter_config");
    });
    ptr::null()
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_per_route_config_destroy(_configuration: *const c_void) {}

// === streams, on the workers ===

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_new(
    configuration: ModuleConfiguration,
    _filter: FilterPointer,
) -> ModuleFilter {
    let stream = kept(configuration).map(|configuration| panic::caught(|| configuration.stream()));
    stream.flatten().flatten().map_or(ptr::null(), |stream| Rc::into_raw(Rc::new(stream)).cast())
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    filter: FilterPointer,
    stream: ModuleFilter,
    end: bool,
) -> u32 {
    if stream.is_null() {
        // `…_new` has failed. Without a stream nothing would ever answer.
        let _ = panic::caught(|| Filter::new(filter).reset(PANIC_DETAILS));
        return STOP_ITERATION;
    }
    of_headers(with("request_headers", stream, filter, |stream, filter| stream.request_headers(filter, end)))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_body(
    filter: FilterPointer,
    stream: ModuleFilter,
    end: bool,
) -> u32 {
    of_body(with("request_body", stream, filter, |stream, filter| stream.request_body(filter, end)))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_trailers(
    filter: FilterPointer,
    stream: ModuleFilter,
) -> u32 {
    of_headers(with("request_trailers", stream, filter, AnyStream::request_trailers))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    filter: FilterPointer,
    stream: ModuleFilter,
    end: bool,
) -> u32 {
    of_headers(with("response_headers", stream, filter, |stream, filter| {
        stream.response_headers(filter, end)
    }))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_body(
    filter: FilterPointer,
    stream: ModuleFilter,
    end: bool,
) -> u32 {
    of_body(with("response_body", stream, filter, |stream, filter| stream.response_body(filter, end)))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_trailers(
    filter: FilterPointer,
    stream: ModuleFilter,
) -> u32 {
    of_headers(with("response_trailers", stream, filter, AnyStream::response_trailers))
}

/// The stream is over; Envoy writes its access logs after this.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_stream_complete(
    filter: FilterPointer,
    stream: ModuleFilter,
) {
    if let Some(stream) = held(stream) {
        let filter = Filter::new(filter);
        let complete = || {
            panic::provoked("stream_complete", stream.is_attempt(), filter);
            stream.complete(filter);
        };
        if panic::caught(complete).is_none() {
            // The exchange may still be able to leave its record.
            let _ = panic::caught(|| stream.complete_after_failure(filter));
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_destroy(stream: ModuleFilter) {
    let stream = stream.cast::<AnyStream>();
    if !stream.is_null() {
        // SAFETY: the address comes from `Rc::into_raw` in `…_new`, and Envoy destroys a stream once. A hook that Envoy
        // calls this from holds the stream on its own.
        let stream = unsafe { Rc::from_raw(stream) };
        let _ = panic::caught(|| {
            stream.destroy();
            drop(stream);
        });
    }
}

// === what Envoy requires of every module and never calls for this one ===

/// Hooks for HTTP calls and events of a module's own, and for watermarks of a terminal filter.
macro_rules! unused {
    ($($hook:ident($($argument:ty),*);)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $hook($(_: $argument),*) {}
        )*
    };
}

unused! {
    envoy_dynamic_module_on_http_filter_http_callout_done(FilterPointer, ModuleFilter, u64, u32, *mut c_void, usize, *mut c_void, usize);
    envoy_dynamic_module_on_http_filter_http_stream_headers(FilterPointer, ModuleFilter, u64, *mut c_void, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_data(FilterPointer, ModuleFilter, u64, *const c_void, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_trailers(FilterPointer, ModuleFilter, u64, *mut c_void, usize);
    envoy_dynamic_module_on_http_filter_http_stream_complete(FilterPointer, ModuleFilter, u64);
    envoy_dynamic_module_on_http_filter_http_stream_reset(FilterPointer, ModuleFilter, u64, u32);
    envoy_dynamic_module_on_http_filter_scheduled(FilterPointer, ModuleFilter, u64);
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(FilterPointer, ModuleFilter);
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(FilterPointer, ModuleFilter);
}
