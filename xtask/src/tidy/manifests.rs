//! Dependencies that say why they are there, and migrations that come in pairs.

use std::collections::BTreeSet;

use super::Finding;
use super::project::Project;

pub fn comments(project: &Project) -> Vec<Finding> {
    let Some(manifest) = project.file("Cargo.toml") else {
        return vec![Finding::at("Cargo.toml", 0, "is missing")];
    };
    let mut findings = Vec::new();
    let mut table = "";
    for (number, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            table = line;
        }
        let is_entry = table == "[workspace.dependencies]" && line.contains(" = ");
        // Our own crates explain themselves.
        let is_ours = line.contains("{ path = ");
        if is_entry && !is_ours && !line.starts_with('#') && !line.contains(" # ") {
            findings.push(Finding::at(&manifest.path, number + 1, format!("no reason: {line}")));
        }
    }
    findings
}

pub fn migrations(project: &Project) -> Vec<Finding> {
    let names = |engine: &str| -> BTreeSet<String> {
        let folder = format!("crates/storage/migrations/{engine}/");
        let names = project.files.iter().filter_map(|file| file.path.strip_prefix(&folder));
        names.map(str::to_owned).collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    let single = sqlite.symmetric_difference(&postgres);
    single.map(|name| Finding::at(name, 0, "exists for one database only")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let found = |line: &str| {
            let text = format!("[workspace.dependencies]\n{line}\n[profile.dev]\ndebug = 1\n");
            comments(&Project::of(&[("Cargo.toml", &text)])).len()
        };
        assert_eq!(found("serde = \"1\""), 1);
        assert_eq!(found("serde = { version = \"1\" }"), 1);
        assert_eq!(found("serde = \"1\" # the standard"), 0);
        assert_eq!(found("scrip-domain = { path = \"crates/domain\" }"), 0);
        assert_eq!(comments(&Project::of(&[])).len(), 1);
    }

    #[test]
    fn a_migration_for_one_database_is_found() {
        let pair = |sqlite: &str, postgres: &str| {
            let path = |engine, name| format!("crates/storage/migrations/{engine}/{name}");
            let (sqlite, postgres) = (path("sqlite", sqlite), path("postgres", postgres));
            migrations(&Project::of(&[(&sqlite, ""), (&postgres, "")])).len()
        };
        assert_eq!(pair("0001_books.sql", "0001_books.sql"), 0);
        assert_eq!(pair("0001_books.sql", "0001_book.sql"), 2);
        let one = [("crates/storage/migrations/sqlite/0001.sql", "")];
        assert_eq!(migrations(&Project::of(&one)).len(), 1);
    }
}
