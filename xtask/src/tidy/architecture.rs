//! ARCHITECTURE.md names only what exists. Looked at are words in backticks that are paths of ours or
//! names of our packages; code blocks, and patterns such as `web/src/<noun>.rs`, are not.

use super::Finding;
use super::project::Project;

const PAGE: &str = "ARCHITECTURE.md";

/// Top folders whose mention is a path for certain.
const FOLDERS: &[&str] = &["crates/", "xtask/", "tests/", "docs/", ".ci/"];

/// A path without its top folder, as people write it, is looked for below these too.
const ABOVE: &[&str] = &["", "crates/"];

pub fn names(project: &Project) -> Vec<Finding> {
    let Some(page) = project.file(PAGE) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut in_block = false;
    for (number, line) in page.text.lines().enumerate() {
        in_block ^= line.trim_start().starts_with("```");
        let spans = line.split('`').skip(1).step_by(2).filter(|_| !in_block);
        let gone = spans.filter(|span| !exists(project, span));
        findings.extend(gone.map(|span| Finding::at(PAGE, number + 1, format!("no `{span}`"))));
    }
    findings
}

fn exists(project: &Project, span: &str) -> bool {
    // `crates/web/src/routes.rs:12` points at a line.
    let name = span.split(':').next().unwrap_or(span).trim_end_matches('/');
    if name.contains(['<', '*', '{', ' ', '(']) {
        return true;
    }
    if FOLDERS.iter().any(|folder| format!("{name}/").starts_with(folder)) {
        return project.files.iter().any(|file| is_at(&file.path, name));
    }
    if super::project::has_ending(name, "rs") {
        let below = format!("/{name}");
        return project.files.iter().any(|file| {
            ABOVE.iter().any(|above| file.path == format!("{above}{name}"))
                || file.path.ends_with(&below)
        });
    }
    let is_package = name.strip_prefix("scrip-").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_lowercase())
    });
    !is_package || project.packages.iter().any(|package| package.name == name)
}

/// Whether `path` is the file `name`, or lies in the folder `name`.
fn is_at(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_found() {
        let found = |text: &str| {
            let purchase = ("crates/engine/src/purchase.rs", "");
            names(&Project::of(&[(PAGE, text), purchase])).len()
        };
        for bad in ["crates/ghost", "crates/engine/src/sale.rs", "sale.rs", "engine/src/sale.rs"] {
            assert_eq!(found(&format!("see `{bad}` there")), 1, "{bad}");
        }
        for bad in ["scrip-ghost", "crates/eng", "tests/ghost/"] {
            assert_eq!(found(&format!("`{bad}`")), 1, "{bad}");
        }
        for good in [
            "crates/engine",
            "crates/engine/",
            "crates/engine/src/purchase.rs:12",
            "engine/src/purchase.rs",
            "purchase.rs",
            "web/src/<noun>.rs",
            "= ANY($1)",
            "scrip-license+jwt",
        ] {
            assert_eq!(found(&format!("see `{good}` there")), 0, "{good}");
        }
        assert_eq!(found("```\n`sale.rs`\n```\n`sale.rs`"), 1);
    }
}
