//! What the rules look at: the files of the repository and the packages of the workspace, loaded once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use super::rust::{self, Token};
use crate::command::{Context, Failure, Outcome, hush, root};

pub struct Project {
    pub files: Vec<File>,
    pub packages: Vec<Package>,
}

pub struct File {
    /// Relative to the workspace, with slashes.
    pub path: String,
    pub text: String,
    /// Empty unless the file is Rust.
    pub tokens: Vec<Token>,
}

/// A package of the workspace.
pub struct Package {
    pub name: String,
    pub dependencies: Vec<(String, DependencyKind)>,
    /// Everything that it links, however far away.
    pub links: BTreeSet<String>,
}

impl Project {
    pub fn load() -> Outcome<Self> {
        let mut files = Vec::new();
        for path in paths()? {
            let bytes = match std::fs::read(root().join(&path)) {
                Ok(bytes) => bytes,
                // Deleted and not yet committed: git still lists it.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Failure(format!("{path}: {error}"))),
            };
            // Pictures and the like have no words to check, but their names count.
            let text = String::from_utf8(bytes).unwrap_or_default();
            files.push(File::new(path, text)?);
        }
        let metadata =
            MetadataCommand::new().current_dir(root()).exec().context("cargo metadata")?;
        Ok(Self { files, packages: packages(&metadata) })
    }

    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    fn new(path: String, text: String) -> Outcome<Self> {
        let tokens = if has_ending(&path, "rs") {
            rust::tokens(&text, is_test_path(&path)).context(&path)?
        } else {
            Vec::new()
        };
        Ok(Self { path, text, tokens })
    }

    pub fn is_rust(&self) -> bool {
        has_ending(&self.path, "rs")
    }

    /// `engine` for `crates/engine/src/purchase.rs`; the empty text outside of `crates`.
    pub fn home(&self) -> &str {
        let below = self.path.strip_prefix("crates/");
        below.and_then(|rest| rest.split('/').next()).unwrap_or("")
    }
}

pub fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == ending)
}

fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
}

/// Tracked files and those that would be with the next `git add`; without git, as in an unpacked
/// archive, all files outside of the folders that hold products.
fn paths() -> Outcome<Vec<String>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let Ok(listed) = hush(Command::new("git").args(list).current_dir(root())) else {
        let mut found = Vec::new();
        walk(root(), "", &mut found)?;
        return Ok(found);
    };
    let unique: BTreeSet<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    // A link has no text of its own, and may lead to a folder.
    let is_file = |path: &&str| !root().join(path).is_symlink();
    Ok(unique.into_iter().filter(is_file).map(str::to_owned).collect())
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Outcome {
    for entry in std::fs::read_dir(folder).context(folder.display())? {
        let entry = entry.context(folder.display())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().context(&name)?;
        if kind.is_file() {
            found.push(format!("{prefix}{name}"));
        } else if kind.is_dir() && !matches!(&*name, ".git" | "target" | "node_modules") {
            walk(&entry.path(), &format!("{prefix}{name}/"), found)?;
        }
    }
    Ok(())
}

fn packages(metadata: &Metadata) -> Vec<Package> {
    let links = normal_links(metadata);
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let own = metadata.workspace_packages().into_iter();
    own.map(|package| Package {
        name: package.name.to_string(),
        dependencies: package.dependencies.iter().map(|d| (d.name.clone(), d.kind)).collect(),
        links: reachable(&package.id, &links).iter().map(|id| names[id].to_owned()).collect(),
    })
    .collect()
}

type Links<'a> = BTreeMap<&'a PackageId, Vec<&'a PackageId>>;

/// Who links whom: without dependencies of tests, of build scripts and of other systems.
fn normal_links(metadata: &Metadata) -> Links<'_> {
    let mut links = Links::new();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        let normal = node.deps.iter().filter(|dependency| {
            let mut kinds = dependency.dep_kinds.iter();
            kinds.any(|kind| kind.kind == DependencyKind::Normal && kind.target.is_none())
        });
        links.insert(&node.id, normal.map(|dependency| &dependency.pkg).collect());
    }
    links
}

fn reachable<'a>(from: &'a PackageId, links: &Links<'a>) -> BTreeSet<&'a PackageId> {
    let mut reached = BTreeSet::new();
    let mut ahead = vec![from];
    while let Some(package) = ahead.pop() {
        if reached.insert(package) {
            ahead.extend(links.get(package).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
impl Project {
    /// A made-up repository for tests of rules.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| {
            File::new((*path).to_owned(), (*text).to_owned()).expect("the test's Rust is valid")
        };
        Self { files: files.iter().map(file).collect(), packages: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_this_repository() {
        let project = Project::load().unwrap();
        assert!(
            project.file("xtask/src/tidy/project.rs").is_some_and(|file| !file.tokens.is_empty())
        );
        let scrip = project.packages.iter().find(|package| package.name == "scrip").unwrap();
        assert!(scrip.links.contains("scrip-license"), "links go further than one step");
    }

    #[test]
    fn without_git_no_file_is_lost() {
        let mut walked = Vec::new();
        walk(root(), "", &mut walked).unwrap();
        let lost: Vec<String> =
            paths().unwrap().into_iter().filter(|path| !walked.contains(path)).collect();
        assert!(lost.iter().all(|path| !root().join(path).exists()), "{lost:?}");
    }

    #[test]
    fn test_code_is_known_by_its_path() {
        assert!(is_test_path("crates/web/tests/orders.rs"));
        assert!(is_test_path("crates/engine/src/purchase/tests.rs"));
        assert!(!is_test_path("crates/testkit/src/lib.rs"));
    }
}
