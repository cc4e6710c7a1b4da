//! Links in documents, and whether there is something where they lead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// What a document says outside of blocks of code, and what of it can be linked to.
#[derive(Debug, Default)]
struct Page {
    links: Vec<(usize, String)>,
    anchors: BTreeSet<String>,
}

/// The links of some documents that lead nowhere, each with its place. Other sites are not asked.
///
/// # Errors
/// A document that cannot be read.
pub fn broken(documents: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut pages: BTreeMap<PathBuf, Page> = BTreeMap::new();
    let mut broken = Vec::new();
    for document in documents {
        let links = page(&mut pages, document)?.links.clone();
        for (line, link) in links {
            if let Err(why) = follow(&mut pages, document, &link) {
                broken.push(format!("{}:{line}: {link}: {why}", document.display()));
            }
        }
    }
    Ok(broken)
}

fn follow(pages: &mut BTreeMap<PathBuf, Page>, document: &Path, link: &str) -> anyhow::Result<()> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return Ok(());
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => document.to_path_buf(),
        path => document.with_file_name(path),
    };
    if !target.exists() {
        bail!("there is no such file");
    }
    let is_page = target.extension().is_some_and(|extension| extension == "md");
    if !anchor.is_empty() && is_page && !page(pages, &target)?.anchors.contains(anchor) {
        bail!("no heading there has this name");
    }
    Ok(())
}

fn page<'a>(pages: &'a mut BTreeMap<PathBuf, Page>, path: &Path) -> anyhow::Result<&'a Page> {
    if !pages.contains_key(path) {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        pages.insert(path.to_path_buf(), Page::read(&text));
    }
    pages.get(path).context("it was just read")
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut in_code = false;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
                continue;
            }
            if in_code {
                continue;
            }
            page.links.extend(links_of(line).map(|link| (number, link)));
            let heading = line.trim_start_matches('#');
            if heading.len() < line.len() && heading.starts_with(' ') {
                let name = anchor_of(heading);
                let before = names.entry(name.clone()).or_default();
                page.anchors.insert(match *before {
                    0 => name,
                    before => format!("{name}-{before}"),
                });
                *before += 1;
            }
        }
        page
    }
}

/// The targets of `[text](target)` in a line, those in `code` apart.
fn links_of(line: &str) -> impl Iterator<Item = String> {
    let prose: Vec<&str> = line.split('`').step_by(2).collect();
    let prose = prose.join("`");
    let links: Vec<String> = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect();
    links.into_iter()
}

/// The name by which a heading is linked to.
fn anchor_of(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_found_with_its_line() -> anyhow::Result<()> {
        let directory = tempfile::tempdir()?;
        let [page, other] = ["page.md", "other.md"].map(|name| directory.path().join(name));
        fs::write(&other, "# The `tx_get` method: what, and why\n## Again\n## Again\n")?;
        fs::write(
            &page,
            "[a](other.md) [b](other.md#the-tx_get-method-what-and-why) [c](other.md#again-1)\n\
             # Here\n[d](#here) [e](https://example.org/#x) `[f](none.md)`\n```\n[g](none.md)\n```\n\
             [h](none.md)\n[i](other.md#again-2) and [j](#there)\n",
        )?;
        let broken = broken(&[page])?;
        let ends: Vec<String> = broken
            .iter()
            .filter_map(|fault| Some(fault.split_once("page.md:")?.1.to_owned()))
            .collect();
        assert_eq!(
            ends,
            [
                "7: none.md: there is no such file",
                "8: other.md#again-2: no heading there has this name",
                "8: #there: no heading there has this name",
            ]
        );
        Ok(())
    }
}
