//! The walls between the rooms of `src` (see `src/lib.rs`): which room may use which, which file may name the host, a
//! clock or a provider type, and how long a file may be.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a panic in a test is a failed test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms that each room may use. A room is a file of `src` with the folder of the same name.
const ROOMS: &[(&str, &[&str])] = &[
    ("answer", &["note", "text", "usage"]),
    ("api", &["answer", "dialect", "json", "limits", "fnv", "note", "sse", "text", "usage"]),
    ("bedrock", &["dialect", "glob", "json"]),
    (
        "bridge",
        &[
            "answer",
            "api",
            "budget",
            "caller",
            "config",
            "credential",
            "headers",
            "limits",
            "pool",
            "price",
            "provider",
            "record",
            "route",
            "values",
        ],
    ),
    ("budget", &["api", "dialect", "headers", "step", "timestamp"]),
    ("caller", &["headers", "json", "text"]),
    (
        "config",
        &[
            "bedrock",
            "budget",
            "caller",
            "credential",
            "glob",
            "headers",
            "json",
            "limits",
            "percent",
            "price",
            "provider",
            "record",
            "usage",
            "values",
        ],
    ),
    ("credential", &["headers", "query"]),
    ("dialect", &["json"]),
    (
        "exchange",
        &[
            "answer",
            "api",
            "bedrock",
            "bridge",
            "budget",
            "caller",
            "credential",
            "dialect",
            "headers",
            "json",
            "metric",
            "note",
            "pool",
            "price",
            "provider",
            "record",
            "reply",
            "route",
            "step",
            "text",
            "timestamp",
            "usage",
            "values",
        ],
    ),
    ("fnv", &[]),
    ("glob", &[]),
    ("headers", &["glob"]),
    (
        "host",
        &[
            "bridge", "config", "exchange", "fnv", "headers", "metric", "note", "pool", "reply", "step",
            "values",
        ],
    ),
    ("json", &[]),
    ("limits", &[]),
    ("metric", &["fnv", "headers", "text"]),
    ("note", &[]),
    ("percent", &[]),
    ("pool", &["credential", "fnv", "headers", "json", "metric", "percent", "provider", "route", "text"]),
    ("price", &["glob", "usage"]),
    ("provider", &["api", "bedrock", "credential", "dialect", "glob", "percent", "query", "text"]),
    ("query", &["percent"]),
    ("record", &["answer", "caller", "credential", "json", "limits", "note", "text", "timestamp", "usage"]),
    ("reply", &["api", "credential", "dialect", "headers", "json", "route", "step", "text"]),
    ("route", &["api", "dialect", "percent", "provider", "query", "text"]),
    ("sse", &[]),
    ("step", &["headers", "metric", "values"]),
    ("text", &["json"]),
    ("timestamp", &[]),
    ("usage", &["json", "text"]),
    ("values", &["json"]),
];

/// A file of `src`.
struct Source {
    /// Below `src`, such as `route/hygiene.rs`.
    path: String,
    /// The module's path, such as `["route", "hygiene"]`.
    module: Vec<String>,
    /// The text without comments and without what follows `#[cfg(test)]`.
    code: String,
}

/// Every file of `src` except `lib.rs` and files of tests.
fn sources() -> Vec<Source> {
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
            let body = text.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(
                only_tests_follow(&text[body.len()..]),
                "{}: code behind `#[cfg(test)]` would not be read here",
                path.display()
            );
            let code: Vec<&str> = body.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let path = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let module: Vec<String> =
                path.strip_suffix(".rs").unwrap().split('/').map(str::to_owned).collect();
            let is_test = module.iter().any(|name| name == "tests");
            if path != "lib.rs" && !is_test {
                let length = body.lines().count();
                assert!(length <= 400, "{path} has {length} lines before its tests");
                sources.push(Source { path, module, code: code.join("\n") });
            }
        }
    }
    assert!(sources.len() > 20);
    sources
}

/// Whether each item at the left margin of `text`, which begins at a file's first `#[cfg(test)]`, is for tests.
fn only_tests_follow(text: &str) -> bool {
    const ITEMS: [&str; 11] =
        ["pub", "fn", "impl", "struct", "enum", "const", "static", "mod", "use", "type", "macro_rules"];
    let lines: Vec<&str> = text.lines().collect();
    let is_item =
        |line: &str| ITEMS.contains(&line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap());
    let for_tests = |at: usize| {
        lines[..at].iter().rev().find(|line| !line.starts_with("#[expect")) == Some(&"#[cfg(test)]")
    };
    (0..lines.len()).all(|at| !is_item(lines[at]) || for_tests(at))
}

#[test]
fn code_behind_an_attribute_for_tests_is_found() {
    assert!(only_tests_follow(""));
    assert!(only_tests_follow("#[cfg(test)]\nuse a::b;\n\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n"));
    for code in ["pub(super) fn c() {}", "impl C {", "const C: u8 = 1;"] {
        assert!(!only_tests_follow(&format!("#[cfg(test)]\nuse a::b;\n\n{code}\n")), "{code}");
        assert!(!only_tests_follow(&format!("#[cfg(test)]\n    d();\n}}\n\n{code}\n")), "{code}");
    }
}

/// The paths in `code` that begin with `crate::` or `super::`, without that beginning. `module` is the path of the file.
fn paths(module: &[String], code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    for (at, word) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = &code[..at];
        if before.ends_with(is_name) || before.ends_with("super::") {
            continue;
        }
        let mut rest = &code[at..];
        let mut base = module.to_vec();
        if word == "crate::" {
            base.clear();
            rest = &rest[word.len()..];
        }
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        expand(&base, rest, &mut found);
    }
    found
}

/// Adds the paths of the use tree at the beginning of `text`, each behind `base`; returns the text after the tree.
fn expand<'t>(base: &[String], text: &'t str, found: &mut Vec<Vec<String>>) -> &'t str {
    let mut path = base.to_vec();
    let mut text = text.trim_start();
    loop {
        if let Some(mut rest) = text.strip_prefix('{') {
            loop {
                rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                if let Some(after) = rest.strip_prefix('}') {
                    return after;
                }
                let after = expand(&path, rest, found);
                // Something else than a name, such as `*` or `as`.
                rest = if after.len() < rest.len() { after } else { &rest[1..] };
            }
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        path.push(text[..end].to_owned());
        text = &text[end..];
        match text.strip_prefix("::") {
            Some(rest) => text = rest,
            None => break,
        }
    }
    found.push(path);
    text
}

/// From each file or folder to the others of the same folder that it uses: the paths of both, such as `route` and
/// `provider`, or `config/limits` and `config/node`. A file may use its children and its parents.
fn edges() -> BTreeSet<(String, String)> {
    let sources = sources();
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| source.module.as_slice()).collect();
    let mut edges = BTreeSet::new();
    for source in &sources {
        for path in paths(&source.module, &source.code) {
            let target = (1..=path.len()).rev().map(|length| &path[..length]);
            let Some(target) = target.into_iter().find(|target| modules.contains(target)) else { continue };
            let common = source.module.iter().zip(target).take_while(|(from, to)| from == to).count();
            if common < source.module.len() && common < target.len() {
                edges.insert((source.module[..=common].join("/"), target[..=common].join("/")));
            }
        }
    }
    edges
}

#[test]
fn a_room_uses_only_the_rooms_that_the_table_permits() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in edges() {
        if !from.contains('/') {
            used.entry(from).or_default().insert(to);
        }
    }
    for (room, permitted) in ROOMS {
        let permitted: BTreeSet<String> = permitted.iter().map(|room| (*room).to_owned()).collect();
        let used = used.remove(*room).unwrap_or_default();
        assert_eq!(used, permitted, "{room}: the rooms that it uses, and those that the table permits");
    }
    assert!(used.is_empty(), "not in the table: {used:?}");
}

#[test]
fn neither_rooms_nor_files_of_a_folder_form_a_circle() {
    let mut edges = edges();
    // A file that uses no other is in no circle. Without the edges to such files, further files use no other.
    loop {
        let users: BTreeSet<String> = edges.iter().map(|(from, _)| from.clone()).collect();
        let before = edges.len();
        edges.retain(|(_, to)| users.contains(to));
        if edges.len() == before {
            break;
        }
    }
    // The same for files that no other uses: only circles are left.
    loop {
        let used: BTreeSet<String> = edges.iter().map(|(_, to)| to.clone()).collect();
        let before = edges.len();
        edges.retain(|(from, _)| used.contains(from));
        if edges.len() == before {
            break;
        }
    }
    assert!(edges.is_empty(), "{edges:?}");
}

#[test]
fn use_trees_are_read_to_their_last_name() {
    let module = ["a".to_owned(), "b".to_owned()];
    let code = "use crate::c::{self, d::{E, f}, g as h};\nuse super::i::J;\nfn k() { super::super::l::m(); }";
    let mut found: Vec<String> = paths(&module, code).iter().map(|path| path.join("::")).collect();
    found.sort();
    assert_eq!(found, ["a::i::J", "c::as", "c::d::E", "c::d::f", "c::g", "c::h", "c::self", "l::m"]);
}

fn is_host(path: &str) -> bool {
    path == "host.rs" || path.starts_with("host/")
}

#[test]
fn only_the_host_adapter_names_the_host() {
    for Source { path, code, .. } in sources() {
        assert!(is_host(&path) || !code.contains("proxy_wasm"), "{path} names proxy_wasm");
    }
}

#[test]
fn unsafe_code_is_only_where_a_host_calls_and_is_called() {
    const FILES: [&str; 4] =
        ["host/native/abi.rs", "host/native/calls.rs", "host/native/hooks.rs", "host/wasm/monotonic.rs"];
    for Source { path, code, .. } in sources() {
        let is_unsafe = code.contains("unsafe");
        assert_eq!(is_unsafe, FILES.contains(&path.as_str()), "{path}");
        assert!(!is_unsafe || code.contains("unsafe_code,"), "{path}: it expects the lint with a reason");
    }
}

#[test]
fn each_unsafe_call_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/native");
    for name in ["abi.rs", "calls.rs", "hooks.rs"] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let is_block = line.contains("unsafe {") && !line.trim_start().starts_with("//");
            let before = &lines[at.saturating_sub(6)..at];
            assert!(!is_block || before.iter().any(|line| line.contains("SAFETY: ")), "{name}:{}", at + 1);
        }
    }
}

#[test]
fn only_byte_classes_has_vector_instructions() {
    for Source { path, code, .. } in sources() {
        for word in ["core::arch", "std::arch", "fearless_simd"] {
            assert!(path.starts_with("json/byte_classes/") || !code.contains(word), "{path} uses {word}");
        }
    }
}

#[test]
fn only_the_host_adapter_reads_clock_and_environment_and_no_file_prints() {
    for Source { path, code, .. } in sources() {
        for word in ["SystemTime", "Instant::now", "std::env", "thread_local!", "static mut", "RandomState"] {
            assert!(is_host(&path) || !code.contains(word), "{path} uses {word}");
        }
        for word in ["println!", "eprintln!", "dbg!", "std::fs", "std::net"] {
            assert!(!code.contains(word), "{path} uses {word}");
        }
        assert!(path == "host/native/ticker.rs" || !code.contains("std::thread"), "{path} uses std::thread");
    }
}

#[test]
fn a_provider_type_is_named_in_one_file_only() {
    for Source { path, code, .. } in sources() {
        for rest in code.split("ProviderType::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            // `ALL` and functions name no type.
            let is_variant = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
            assert!(!is_variant, "{path} names ProviderType::{name}: read its profile");
        }
        if path == "provider.rs" {
            for kind in ["Anthropic", "OpenAi", "Copilot", "Azure", "Vertex", "Gemini"] {
                let places = code.matches(&format!("Self::{kind}")).count();
                assert_eq!(places, 2, "{kind}: once in ALL, and one arm");
            }
        } else {
            assert!(!code.contains("ProviderType::{") && !code.contains("ProviderType::*"), "{path}");
        }
    }
}
