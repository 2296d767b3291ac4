//! Who may depend on whom. A crate that is not in the table is a finding: new crates take their place
//! in the line on purpose.

use cargo_metadata::DependencyKind::Development;

use super::Finding;
use super::project::{Package, Project};

/// Each crate with those of ours that it may link, and that its tests may use besides.
const LINE: &[(&str, &[&str], &[&str])] = &[
    ("scrip-license", &[], &[]),
    // How servers sign requests to each other: pure, over HTTP's types.
    ("scrip-signature", &["scrip-license"], &[]),
    ("scrip-domain", &["scrip-license"], &[]),
    ("scrip-storage", &["scrip-license", "scrip-domain"], &[]),
    ("scrip-engine", &["scrip-license", "scrip-domain", "scrip-storage"], &[]),
    // Pages and API are thin sides over the engine: no way around it to storage.
    (
        "scrip-web",
        &["scrip-license", "scrip-signature", "scrip-domain", "scrip-engine"],
        &["scrip-testkit"],
    ),
    // Types of the wire, and nothing of the server: an integrator's program links it.
    ("scrip-client", &[], &[]),
    // One exchange with somebody outside: what Stripe, bureaus and webhooks are reached by.
    ("scrip-https", &["scrip-domain"], &[]),
    // A processor behind the engine's port; only the binary knows which one it is.
    ("scrip-stripe", &["scrip-domain", "scrip-engine", "scrip-https"], &[]),
    // An external bureau behind the engine's port.
    ("scrip-bureau", &["scrip-domain", "scrip-engine", "scrip-https"], &[]),
    // Buckets that keep objects, behind the engine's port.
    ("scrip-s3", &["scrip-domain", "scrip-engine", "scrip-https"], &[]),
    // A mail server behind the engine's port.
    ("scrip-mail", &["scrip-domain", "scrip-engine"], &[]),
    // Other servers of Scrip behind the engine's ports.
    ("scrip-peer", PEER, &[]),
    ("scrip", WIRED, &[]),
    ("scrip-testkit", SHIPPED, &[]),
    ("scrip-sim", SIMULATED, &[]),
    // A sold program, which stands for those of Scrip's users.
    ("scrip-sample", &["scrip-license"], &[]),
    ("xtask", &[], &[]),
];

const PEER: &[&str] =
    &["scrip-license", "scrip-signature", "scrip-domain", "scrip-engine", "scrip-https"];
/// What the binary wires together.
const WIRED: &[&str] = &[
    "scrip-license",
    "scrip-domain",
    "scrip-storage",
    "scrip-engine",
    "scrip-stripe",
    "scrip-bureau",
    "scrip-s3",
    "scrip-mail",
    "scrip-peer",
    "scrip-https",
    "scrip-web",
    "scrip-client",
];
/// A whole server without a network, and what brings one to another.
const SHIPPED: &[&str] = &[
    "scrip-license",
    "scrip-domain",
    "scrip-storage",
    "scrip-engine",
    "scrip-https",
    "scrip-peer",
    "scrip-web",
];
const SIMULATED: &[&str] = &[
    "scrip-license",
    "scrip-domain",
    "scrip-storage",
    "scrip-engine",
    "scrip-https",
    "scrip-peer",
    "scrip-web",
    "scrip-client",
    "scrip-testkit",
];

/// A foreign crate and the only ones of ours that may name it in their manifest.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["scrip-storage"]),
    ("tokio-postgres", &["scrip-storage"]),
    ("axum", &["scrip-web", "scrip-testkit", "scrip-sim"]),
    ("maud", &["scrip-web", "scrip-testkit", "scrip-sim"]),
    ("utoipa", &["scrip-web", "scrip-testkit", "scrip-sim"]),
    ("getrandom", &["scrip"]),
];

/// What crates without a world may not link, not even through another crate.
const WORLD: &[&str] =
    &["tokio", "rusqlite", "tokio-postgres", "axum", "hyper", "rand", "getrandom"];
const WITHOUT_WORLD: &[&str] = &["scrip-license", "scrip-signature", "scrip-domain"];

pub fn ours(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &project.packages {
        let Some((_, linked, tested)) = LINE.iter().find(|(name, ..)| *name == package.name) else {
            findings.push(found(package, "stands in no place of the line (xtask: arrows.rs)"));
            continue;
        };
        let ours = package
            .dependencies
            .iter()
            .filter(|(name, _)| project.packages.iter().any(|package| package.name == *name));
        for (name, kind) in ours {
            let name = name.as_str();
            let in_tests = *kind == Development && tested.contains(&name);
            if !linked.contains(&name) && !in_tests {
                findings.push(found(package, &format!("may not depend on {name} ({kind})")));
            }
        }
    }
    findings
}

/// An arrow that nobody uses allows what nobody has thought about.
pub fn unused(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &project.packages {
        let Some((_, linked, tested)) = LINE.iter().find(|(name, ..)| *name == package.name) else {
            continue;
        };
        let used = |to: &str, in_tests: bool| {
            let dependencies = package.dependencies.iter();
            dependencies
                .filter(|(_, kind)| in_tests == (*kind == Development))
                .any(|(name, _)| name == to)
        };
        let allowed = linked.iter().map(|to| (to, false)).chain(tested.iter().map(|to| (to, true)));
        for (to, _) in allowed.filter(|(to, in_tests)| !used(to, *in_tests)) {
            findings.push(found(package, &format!("does not depend on {to} (xtask: arrows.rs)")));
        }
    }
    findings
}

pub fn foreign(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &project.packages {
        for (library, homes) in HOMES {
            let named = package.dependencies.iter().any(|(name, _)| name == library);
            if named && !homes.contains(&package.name.as_str()) {
                findings
                    .push(found(package, &format!("{library} is for {} only", homes.join(", "))));
            }
        }
        if WITHOUT_WORLD.contains(&package.name.as_str()) {
            let linked = WORLD.iter().filter(|library| package.links.contains(**library));
            findings.extend(linked.map(|library| {
                found(package, &format!("links {library}, if only through another crate"))
            }));
        }
    }
    findings
}

fn found(package: &Package, text: &str) -> Finding {
    Finding::at(&package.name, 0, text)
}

#[cfg(test)]
mod tests {
    use cargo_metadata::DependencyKind::{self, Normal};

    use super::*;

    /// The whole line without dependencies, and `package` with one.
    fn project(package: &str, dependency: &str, kind: DependencyKind) -> Project {
        let names = LINE.iter().map(|(name, ..)| *name).chain([package]);
        let packages = names.map(|name| {
            let own =
                if name == package { vec![(dependency.to_owned(), kind)] } else { Vec::new() };
            let links = own.iter().map(|(name, _)| name.clone()).collect();
            Package { name: name.to_owned(), dependencies: own, links }
        });
        Project { files: Vec::new(), packages: packages.collect() }
    }

    #[test]
    fn an_arrow_against_the_line_is_found() {
        let broken = |package, name, kind| !ours(&project(package, name, kind)).is_empty();
        assert!(broken("scrip-domain", "scrip-storage", Normal));
        assert!(broken("scrip-domain", "scrip-storage", Development));
        assert!(broken("scrip-web", "scrip-testkit", Normal));
        assert!(broken("scrip-client", "scrip-engine", Normal));
        assert!(broken("scrip", "scrip-sim", Normal));
        assert!(broken("scrip-surprise", "serde", Normal));
        assert!(!broken("scrip-web", "scrip-testkit", Development));
        assert!(!broken("scrip-sim", "scrip-testkit", Normal));
        assert!(!broken("scrip-engine", "scrip-storage", Normal));
    }

    #[test]
    fn an_arrow_of_nobodys_is_found() {
        let found = unused(&project("scrip-domain", "scrip-license", Normal));
        assert!(!found.iter().any(|finding| finding.to_string().contains("scrip-domain:")));
        let found = unused(&project("scrip-domain", "scrip-license", Development));
        assert!(found.iter().any(|finding| finding.to_string().contains("scrip-domain:")));
    }

    #[test]
    fn a_library_away_from_home_is_found() {
        let broken = |package, name| !foreign(&project(package, name, Normal)).is_empty();
        assert!(broken("scrip-engine", "rusqlite"));
        assert!(broken("scrip-storage", "axum"));
        assert!(broken("scrip-domain", "tokio"), "by what it links");
        assert!(broken("scrip-engine", "getrandom"));
        assert!(!broken("scrip-storage", "tokio-postgres"));
        assert!(!broken("scrip", "getrandom"));
    }
}
