//! Callbacks that are missing, repeated or out of order cause no panic and no second record.

use proptest::prelude::*;
use world::{CONFIGURATION, World, bridge, head};

#[derive(Clone, Debug)]
enum Callback {
    Request(usize, bool),
    Upload(Vec<u8>, bool),
    RequestTrailers,
    Answer(usize, bool),
    Download(Vec<u8>, bool),
    ResponseTrailers,
    Finish,
}

const REQUESTS: [&str; 4] =
    ["POST /anthropic/v1/messages", "GET /anthropic/v1/models", "POST /openai/v1/responses", "GET /nowhere"];

const ANSWERS: [(&str, &str); 4] = [
    ("200", "text/event-stream"),
    ("200", "application/json"),
    ("500", "application/json"),
    ("garbage", "\u{e9}"),
];

fn callback() -> impl Strategy<Value = Callback> {
    let piece = prop_oneof![
        Just(b"{".to_vec()),
        Just(b"{\"model\":\"a\",\"stream\":true}".to_vec()),
        Just(b"data: {\"type\":\"message_stop\"}\n\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop_oneof![
        (0..REQUESTS.len(), any::<bool>()).prop_map(|(at, end)| Callback::Request(at, end)),
        (piece.clone(), any::<bool>()).prop_map(|(piece, end)| Callback::Upload(piece, end)),
        Just(Callback::RequestTrailers),
        (0..ANSWERS.len(), any::<bool>()).prop_map(|(at, end)| Callback::Answer(at, end)),
        (piece, any::<bool>()).prop_map(|(piece, end)| Callback::Download(piece, end)),
        Just(Callback::ResponseTrailers),
        Just(Callback::Finish),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_callbacks_leaves_one_record_at_most(callbacks in prop::collection::vec(callback(), 0..12)) {
        let mut world = World::new(&bridge(CONFIGURATION));
        for callback in callbacks {
            match callback {
                Callback::Request(at, end) => world.request(head(REQUESTS[at], &[]), end),
                Callback::Upload(piece, end) => world.upload(&piece, end),
                Callback::RequestTrailers => world.request_trailers(),
                Callback::Answer(at, end) => {
                    let (status, kind) = ANSWERS[at];
                    world.answer(head(status, &[("content-type", kind)]), end)
                }
                Callback::Download(piece, end) => world.download(&piece, end),
                Callback::ResponseTrailers => world.response_trailers(),
                Callback::Finish => world.done(),
            };
        }
        world.done().done();
        prop_assert!(world.records <= 1);
    }
}

#[test]
fn a_second_end_of_the_stream_publishes_nothing() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
    world.done().done().done();
    assert_eq!(world.records, 1);
}
