//! The notices of those whose programs are in the binary: most licenses ask for no more than that they come along.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::command::{Context, Failure, Outcome, root};

/// Each notice once, below the names of all that have it in these very words, of a binary for `platform`.
pub fn of_crates(platform: &str) -> Outcome<String> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .other_options(["--filter-platform", platform].map(str::to_owned))
        .exec()
        .context("cargo metadata")?;
    let mut notices = BTreeMap::<String, Vec<String>>::new();
    for package in compiled_in(&metadata)? {
        let license = package.license.as_deref().unwrap_or("see below");
        let name = format!("{} {} ({license})", package.name, package.version);
        notices.entry(notice(package)?).or_default().push(name);
    }
    Ok(together(notices))
}

/// All crates of others that the binary is compiled from, by name.
fn compiled_in(metadata: &Metadata) -> Outcome<Vec<&Package>> {
    let resolve = metadata.resolve.as_ref().ok_or_else(|| Failure::new("nothing is resolved"))?;
    let ours = metadata.workspace_packages();
    let binary = ours.iter().find(|package| package.name.as_str() == "scrip");
    let binary = binary.ok_or_else(|| Failure::new("no package is called `scrip`"))?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::<&PackageId>::new();
    let mut waiting = VecDeque::from([&binary.id]);
    while let Some(id) = waiting.pop_front() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.get(id).ok_or_else(|| Failure(format!("{id} is not resolved")))?;
        let is_linked = |kind: &DependencyKind| *kind == DependencyKind::Normal;
        let linked =
            node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|of| is_linked(&of.kind)));
        waiting.extend(linked.map(|dep| &dep.pkg));
    }
    let is_theirs = |package: &&Package| package.source.is_some() && seen.contains(&package.id);
    let mut all: Vec<&Package> = metadata.packages.iter().filter(is_theirs).collect();
    all.sort_by_key(|package| (&package.name, &package.version));
    Ok(all)
}

/// What a crate brings along: its licenses, but for the text of Apache's, which systems have, where there is another.
fn notice(package: &Package) -> Outcome<String> {
    let folder =
        package.manifest_path.parent().ok_or_else(|| Failure::new("a file lies in a folder"))?;
    let mut files = Vec::<PathBuf>::new();
    for entry in fs::read_dir(folder).context(folder)? {
        let path = entry.context(folder)?.path();
        if path.is_file() && is_license(&path) {
            files.push(path);
        }
    }
    files.sort();
    let is_apache = |path: &Path| path.to_string_lossy().to_uppercase().contains("APACHE");
    if files.iter().any(|path| !is_apache(path)) {
        files.retain(|path| !is_apache(path));
    }
    let texts: Outcome<Vec<String>> =
        files.iter().map(|path| fs::read_to_string(path).context(path.display())).collect();
    let text = texts?.iter().map(|text| text.trim()).collect::<Vec<_>>().join("\n\n");
    Ok(if text.is_empty() { format!("By {}", package.authors.join(", ")) } else { text })
}

fn is_license(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"]
        .iter()
        .any(|beginning| name.starts_with(beginning))
}

fn together(notices: BTreeMap<String, Vec<String>>) -> String {
    let mut all: Vec<(String, String)> =
        notices.into_iter().map(|(text, names)| (names.join("\n"), text)).collect();
    all.sort();
    let line = "-".repeat(78);
    all.iter().map(|(names, text)| format!("{names}\n\n{text}\n\n{line}\n\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_of_others_in_the_binary_is_named_with_its_words() {
        let all = of_crates(&crate::package::static_target()).unwrap();
        for name in
            ["tokio 1.", "rusqlite 0.", "ring 0.", "Copyright", "Permission is hereby granted"]
        {
            assert!(all.contains(name), "{name}");
        }
        for name in ["scrip-domain", "proptest", "criterion"] {
            assert!(!all.contains(&format!("\n{name} ")), "{name} is ours, or for tests only");
        }
    }

    #[test]
    fn those_with_the_same_words_stand_above_them_once() {
        let notices = BTreeMap::from([
            ("MIT".to_owned(), vec!["a 1".to_owned(), "c 1".to_owned()]),
            ("BSD".to_owned(), vec!["b 1".to_owned()]),
        ]);
        let line = "-".repeat(78);
        assert_eq!(
            together(notices),
            format!("a 1\nc 1\n\nMIT\n\n{line}\n\nb 1\n\nBSD\n\n{line}\n\n")
        );
    }
}
