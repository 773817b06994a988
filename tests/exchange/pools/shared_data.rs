//! The data that all workers share: first writers, data of another version, and data that cannot be written.

use super::{answers, exchange_at, member};
use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use ai_bridge::pool::{LocalData, SharedData};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The bridge of a worker that shares `data` with the others, with a pool of the members a and b that keeps sessions.
fn bridge_sharing(data: impl SharedData + 'static) -> Rc<Bridge> {
    let provider =
        json!({"type": "anthropic", "name": "p", "start": "session", "pool": (["a", "b"].map(member))});
    let config = json!({"providers": [provider], "actor": {"header": "x-actor"}}).to_string();
    let config = Config::parse(config.as_bytes(), &|_| None).unwrap();
    Rc::new(Bridge::new(config).sharing(Rc::new(data)))
}

#[test]
fn the_first_writers_of_two_workers_do_not_overwrite_each_other() {
    type Values = BTreeMap<String, (Vec<u8>, u32)>;
    /// Envoy's shared data: version 0 is not compared.
    #[derive(Clone, Default)]
    struct Unconditional(Rc<RefCell<Values>>);
    impl SharedData for Unconditional {
        fn read(&self, key: &str) -> (Vec<u8>, u32) {
            self.0.borrow().get(key).cloned().unwrap_or_default()
        }

        fn write(&self, key: &str, value: &[u8], version: u32) -> bool {
            let mut data = self.0.borrow_mut();
            let current = data.get(key).map_or(0, |(_, version)| *version);
            if version != 0 && version != current {
                return false;
            }
            data.insert(key.to_owned(), (value.to_vec(), current + 1));
            true
        }
    }
    let shared = Unconditional::default();
    bridge_sharing(shared.clone());
    let before = shared.0.borrow().clone();
    assert_eq!(before.len(), 1 + 64, "the members, and the sessions that moved");
    assert!(before.values().all(|(value, version)| *value == [1] && *version == 1));
    bridge_sharing(shared.clone());
    assert_eq!(*shared.0.borrow(), before, "a later worker changes nothing");
}

#[test]
fn shared_data_of_another_version_means_that_every_member_is_usable() {
    struct Garbage(LocalData);
    impl SharedData for Garbage {
        fn read(&self, key: &str) -> (Vec<u8>, u32) {
            let (_, version) = self.0.read(key);
            (vec![9; 1000], version)
        }

        fn write(&self, _: &str, _: &[u8], _: u32) -> bool {
            false
        }
    }
    let bridge = bridge_sharing(Garbage(LocalData::default()));
    for second in 0..3 {
        let failing = answers(429, &[]);
        let (world, asked) =
            exchange_at(&bridge, second, &[("x-actor", "u")], &[("a", failing.clone()), ("b", failing)]);
        assert_eq!(asked.len(), 2);
        assert_eq!(world.client_headers.as_ref().unwrap().text("retry-after"), None);
    }
}

#[test]
fn where_shared_data_takes_no_more_requests_still_find_a_usable_member() {
    struct Full;
    impl SharedData for Full {
        fn read(&self, _: &str) -> (Vec<u8>, u32) {
            (vec![1], 1)
        }

        fn write(&self, _: &str, _: &[u8], _: u32) -> bool {
            false
        }
    }
    let bridge = bridge_sharing(Full);
    let home = exchange_at(&bridge, 0, &[("x-actor", "u")], &[]).1[0].member.clone();
    for second in 1..4 {
        let failing = answers(429, &[("retry-after", "60")]);
        let (world, asked) = exchange_at(&bridge, second, &[("x-actor", "u")], &[(&home, failing)]);
        let [first, other] = &asked[..] else { panic!("{} attempts", asked.len()) };
        assert_eq!(first.member, home, "nothing is remembered");
        let record = world.record();
        assert_eq!(record["response"]["status"], json!(200));
        assert_eq!(record["affinity"], json!({"member": other.member}), "the session did not move");
    }
}
