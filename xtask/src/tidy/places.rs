//! Addresses and paths that belong to a machine and not to the project, and checks that nobody runs.

use super::Finding;
use super::project::{Project, has_ending};
use crate::foreign;

/// Hosts of package registries. Put together here, or this file would break its own rule.
const HOSTS: &[&str] = &[
    concat!("registry.npm", "js.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("deb.deb", "ian.org"),
    concat!("security.deb", "ian.org"),
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("://cra", "tes.io"),
];

/// Absolute paths of one machine, and a neighbour of the repository.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("../sha", "red")];

pub fn hosts_and_paths(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &project.files {
        for (number, line) in file.text.lines().enumerate() {
            let hosts = HOSTS.iter().filter(|host| line.contains(**host));
            let paths = PATHS.iter().filter(|path| begins_in(line, path));
            findings
                .extend(hosts.chain(paths).map(|name| Finding::at(&file.path, number + 1, *name)));
        }
    }
    findings
}

/// Whether the path stands there from its beginning, not as the middle of a longer one.
fn begins_in(line: &str, path: &str) -> bool {
    let longer =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '>' | '*' | ')');
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(longer))
}

pub fn lock_files(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    let locks = project
        .files
        .iter()
        .filter(|file| has_ending(&file.path, "json") && file.path.ends_with("package-lock.json"));
    for file in locks {
        for (number, line) in file.text.lines().enumerate() {
            if line.contains("\"resolved\"") && line.contains("://") {
                findings.push(Finding::at(&file.path, number + 1, "`resolved` names a host"));
            }
        }
    }
    findings
}

/// Scripts of the folders of checks stand in the table, unless another script imports them: those have a
/// name that begins with an underscore.
pub fn foreign_checks(project: &Project) -> Vec<Finding> {
    let is_script = |path: &str| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        foreign::FOLDERS.contains(&folder)
            && !name.starts_with('_')
            && ["py", "mjs", "sh"].iter().any(|ending| has_ending(name, ending))
    };
    let listed = |path: &str| foreign::CHECKS.iter().any(|check| check.script == path);
    let lost = project.files.iter().filter(|file| is_script(&file.path) && !listed(&file.path));
    lost.map(|file| Finding::at(&file.path, 0, "is not in CHECKS of xtask's foreign.rs")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: fn(&Project) -> Vec<Finding>, path: &str, text: &str) -> usize {
        check(&Project::of(&[(path, text)])).len()
    }

    #[test]
    fn hosts_and_machine_paths_are_found() {
        for name in HOSTS.iter().chain(PATHS) {
            assert_eq!(found(hosts_and_paths, "docs/a.md", &format!("see {name}x")), 1, "{name}");
        }
        for good in ["crates.io has it", "frame/work/a", "$HOME/work/a", "target/root/"] {
            assert_eq!(found(hosts_and_paths, "docs/a.md", good), 0, "{good}");
        }
        let cargo = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert_eq!(found(hosts_and_paths, "Cargo.lock", cargo), 0);
    }

    #[test]
    fn a_download_address_in_a_lock_file_is_found() {
        let lock = "tests/foreign/package-lock.json";
        assert_eq!(found(lock_files, lock, "\"resolved\": \"https://mirror.example/a.tgz\","), 1);
        assert_eq!(found(lock_files, lock, "\"version\": \"1.0.0\","), 0);
    }

    #[test]
    fn a_script_that_never_runs_is_found() {
        assert_eq!(found(foreign_checks, "tests/foreign/surprise.py", ""), 1);
        assert_eq!(found(foreign_checks, "tests/browser/surprise.mjs", ""), 1);
        assert_eq!(found(foreign_checks, "tests/foreign/_shop.py", ""), 0);
        assert_eq!(found(foreign_checks, "tests/foreign/requirements.txt", ""), 0);
    }
}
