//! The documents say what is true: links lead somewhere, samples are inputs of tests, and every code, note, metric and
//! member of the configuration has its row.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic in a test is a failed test"
)]

mod links;
mod reference;
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the file `name`, a path below the repository.
fn read(name: &str) -> String {
    let bytes = fs::read(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every file below `folder` whose name ends in one of `endings`, as paths below the repository. What is built,
/// installed or found by fuzzing is left out.
fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    const LEFT_OUT: [&str; 7] =
        ["target", ".git", "node_modules", "corpus", "artifacts", "__pycache__", ".pytest_cache"];
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if LEFT_OUT.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(below_root(&path));
            }
        }
    }
    found.sort();
    found
}

fn below_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// Every document.
fn pages() -> Vec<String> {
    let pages = files("", &[".md"]);
    assert!(pages.len() >= 20, "{pages:?}");
    pages
}

/// The documents that describe the product: not those of the tests.
fn product_pages() -> Vec<String> {
    pages()
        .into_iter()
        .filter(|page| !page.starts_with("tests/") || page == "tests/bench/README.md")
        .collect()
}

/// Where the relative path `link` of `page` leads.
fn target_of(page: &str, link: &str) -> PathBuf {
    root().join(page).parent().unwrap().join(link)
}

/// The cells of every row of the tables in the section `title` of `page`.
fn table(page: &str, title: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let section = text.split(&format!("\n{title}\n")).nth(1).unwrap_or_else(|| panic!("{page}: no {title}"));
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_readme_is_short() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 170, "{} lines", readme.lines().count());
    assert!(readme.len() <= 12 * 1024, "{} bytes", readme.len());
}

#[test]
fn every_page_begins_with_what_it_is_for() {
    for page in product_pages().iter().filter(|page| *page != "README.md") {
        let text = read(page);
        let first = text.lines().skip(1).find(|line| !line.is_empty()).unwrap();
        assert!(first.starts_with("This page"), "{page}: {first}");
    }
}

#[test]
fn the_index_links_every_page_for_operators() {
    let index = read("envoy/README.md");
    for page in files("envoy", &[".md"]).iter().filter(|page| *page != "envoy/README.md") {
        let link = page.strip_prefix("envoy/").unwrap();
        assert!(index.contains(&format!("({link})")), "envoy/README.md does not link {link}");
    }
}
