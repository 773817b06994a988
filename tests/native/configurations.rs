//! Configurations: refused ones, and one that several threads share.

use crate::envoy::LOG;
use crate::module::{
    CHAT, Configuration, EVENTS, JSON, REQUEST, Stream, envoy_dynamic_module_on_program_init, parts,
};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn an_invalid_configuration_is_refused_with_every_problem_in_the_log() {
    let refused = Configuration::new(r#"{"providers": [{"type": "openai", "nmae": "x"}], "limts": {}}"#);
    assert!(refused.0.is_null());
    assert!(LOG.lock().is_ok());
}

#[test]
fn one_configuration_serves_many_threads_and_outlives_none_of_its_streams() {
    for _ in 0..20 {
        let configuration = Configuration::new(JSON);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let stream = Stream::new(&configuration, CHAT);
                        stream.request_headers();
                        stream.request_body(&parts(REQUEST, 30), true);
                        stream.response_headers("text/event-stream");
                        stream.response_body(&parts(EVENTS, 50), true);
                        stream.complete();
                        assert_eq!(stream.record().unwrap()["outcome"], "completed");
                    }
                });
            }
        });
    }
}

#[test]
fn a_stream_that_outlives_its_configuration_still_leaves_its_record() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    drop(configuration);
    // The next one takes its place on this thread.
    let next = Configuration::new(JSON);
    drop(Stream::new(&next, CHAT));
    stream.request_body(&parts(REQUEST, 30), true);
    stream.response_headers("text/event-stream");
    stream.response_body(&parts(EVENTS, 50), true);
    stream.complete();
    assert_eq!(stream.record().unwrap()["outcome"], "completed");
    assert_eq!(stream.filter.measured.get(), 3);
}

#[test]
fn configurations_come_and_go_while_other_threads_stream() {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let configuration = Configuration::new(JSON);
                    for _ in 0..20 {
                        let stream = Stream::new(&configuration, CHAT);
                        stream.request_headers();
                        stream.request_body(&[REQUEST], true);
                        stream.response_headers("text/event-stream");
                        stream.response_body(&[EVENTS], true);
                        stream.complete();
                        assert_eq!((stream.filter.records.get(), stream.filter.measured.get()), (1, 3));
                    }
                }
            });
        }
        for _ in 0..200 {
            drop(Configuration::new(JSON));
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_envoy_that_lacks_what_1_39_exports_is_refused() {
    // The test program exports none of the functions that it stands in for.
    // SAFETY: Envoy calls this once, before anything else; here it only looks for functions and sets the log.
    assert!(unsafe { envoy_dynamic_module_on_program_init() }.is_null());
    let log = LOG.lock().unwrap();
    assert!(log.iter().any(|line| line.contains("not loaded: this module needs Envoy 1.39 or later")));
}
