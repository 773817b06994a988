//! Links between documents, and what sources cite.

use super::{below_root, files, pages, read, root, target_of};
use std::collections::BTreeSet;

/// How GitHub makes the anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The headings of a page, without lines of its code blocks.
fn headings(page: &str) -> Vec<String> {
    let mut is_code = false;
    let text = read(page);
    let lines = text.lines().filter(|line| {
        is_code ^= line.trim_start().starts_with("```");
        !is_code && line.starts_with('#')
    });
    lines.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
}

fn has_anchor(page: &str, wanted: &str) -> bool {
    headings(page).iter().any(|heading| anchor(heading) == wanted)
}

#[test]
fn every_relative_link_and_anchor_of_every_page_leads_somewhere() {
    let mut checked = 0;
    for page in pages() {
        let text = read(&page);
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&page) } else { target_of(&page, file) };
            assert!(target.exists(), "{page}: {link}");
            if !place.is_empty() {
                let target = below_root(&target.canonicalize().unwrap());
                assert!(has_anchor(&target, place), "{page}: {link}");
            }
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked}");
}

/// Every `envoy/….md`, `tests/….md` or document at the root that `text` names, with the anchor behind it, if any.
fn citations(text: &str) -> BTreeSet<(String, String)> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    let is_anchor = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(".md") {
        let (before, after) = text.split_at(at + ".md".len());
        let path = before.rsplit(|c| !is_path(c)).next().unwrap();
        let anchored = after.strip_prefix('#').and_then(|rest| rest.split(|c| !is_anchor(c)).next());
        if ["envoy/", "tests/"].iter().any(|folder| path.starts_with(folder)) {
            found.insert((path.to_owned(), anchored.unwrap_or_default().to_owned()));
        }
    }
    found
}

#[test]
fn every_document_and_anchor_that_a_source_cites_exists() {
    for file in files("", &[""]).iter().filter(|file| !file.ends_with(".md")) {
        for (page, place) in citations(&read(file)) {
            assert!(root().join(&page).exists(), "{file} cites {page}");
            assert!(place.is_empty() || has_anchor(&page, &place), "{file} cites {page}#{place}");
        }
    }
}

#[test]
fn citations_are_found() {
    let text = "see envoy/behaviour.md#the-record, `envoy/keys/README.md`; not README.md or x.mdx";
    let expected = [("envoy/behaviour.md", "the-record"), ("envoy/keys/README.md", "")];
    let expected = expected.map(|(page, place)| (page.to_owned(), place.to_owned()));
    assert_eq!(citations(text), BTreeSet::from(expected));
}

#[test]
fn the_contents_of_the_behaviour_page_name_every_section_in_order() {
    let page = read("envoy/behaviour.md");
    let contents = page.lines().find(|line| line.starts_with('[')).unwrap();
    let named: Vec<String> =
        contents.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect();
    let sections: Vec<String> =
        page.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    assert_eq!(named, sections);
    assert_eq!(sections.len(), 20);
}

/// Rules are public: no file cites a text that is not in the repository.
#[test]
fn nothing_cites_a_text_that_is_not_in_the_tree() {
    // In pieces, so that this file has none of them.
    let specification = ["contra", "ct "].concat();
    let others = [["house", ".md"].concat(), ["design", ".md"].concat()];
    let mut found = Vec::new();
    for file in files("", &[""]) {
        for (number, line) in read(&file).lines().enumerate() {
            let lower = line.to_lowercase();
            let cites_section = lower
                .split(&specification)
                .skip(1)
                .any(|rest| rest.starts_with(|c: char| c == '§' || c.is_ascii_digit()));
            if cites_section || others.iter().any(|name| lower.contains(name.as_str())) {
                found.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
