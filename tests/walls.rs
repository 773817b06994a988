//! The walls between the rooms of `src` (see `src/lib.rs`): who may name the host, and who may look at the world.

#![expect(clippy::unwrap_used, reason = "a panic in a test is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file, as a path below `src`, with its text without comments.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let length = text.split("#[cfg(test)]").next().map_or(0, |body| body.lines().count());
            assert!(length <= 400, "{} has {length} lines before its tests", path.display());
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            sources.push((name, code.join("\n")));
        }
    }
    assert!(sources.len() > 20);
    sources
}

fn is_host(name: &str) -> bool {
    name == "host.rs" || name.starts_with("host/")
}

#[test]
fn only_the_host_adapter_names_the_host() {
    for (name, code) in sources() {
        assert!(is_host(&name) || !code.contains("proxy_wasm"), "{name} names proxy_wasm");
    }
}

#[test]
fn only_the_host_adapter_looks_at_clock_and_environment_and_nobody_prints() {
    for (name, code) in sources() {
        for word in ["SystemTime", "Instant::now", "std::env", "thread_local!", "static mut", "RandomState"] {
            assert!(is_host(&name) || !code.contains(word), "{name} uses {word}");
        }
        for word in ["println!", "eprintln!", "dbg!", "std::fs", "std::net", "std::thread"] {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}

#[test]
fn leaves_know_no_other_room() {
    let leaves = ["json.rs", "sse.rs", "text.rs", "glob.rs", "note.rs", "object.rs", "metric.rs"];
    let allowed = ["crate::text", "crate::json", "crate::glob", "crate::object"];
    for (name, code) in sources() {
        let leaf = leaves.contains(&name.as_str())
            || name.starts_with("json/")
            || (name.starts_with("bedrock/") && !name.ends_with("tests.rs"));
        let body = code.split("#[cfg(test)]").next().expect("there is something before the tests");
        for used in body.split("crate::").skip(1).filter(|_| leaf) {
            let room = format!("crate::{}", used.split(|c: char| !c.is_alphanumeric()).next().unwrap());
            assert!(allowed.contains(&room.as_str()), "{name} knows {room}");
        }
    }
}
