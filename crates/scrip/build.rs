//! Puts the demo's goods into the binary, so that `scrip demo` works wherever the binary is: the files
//! of `demo/catalog` and `demo/belle`, and the sample program, built for the same machine.
//!
//! The program is a crate of this workspace with dependencies of its own, and stable Cargo cannot
//! make one binary a dependency of another. So Cargo is asked a second time from here, offline, in a
//! target folder of its own: the lock on ours is held by who called us.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for us by the Cargo that called, and wrong for the one that we call.
const OURS: &[&str] = &["RUSTC_WORKSPACE_WRAPPER", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"];

fn main() {
    let workspace = Path::new(&told("CARGO_MANIFEST_DIR")).join("../..");
    let workspace = workspace.canonicalize().expect("the workspace is two folders up");
    let out = PathBuf::from(told("OUT_DIR"));
    let program = text(&program(&workspace, &out));
    let platform = format!(
        "{}-{}",
        told("CARGO_CFG_TARGET_OS").display(),
        told("CARGO_CFG_TARGET_ARCH").display()
    );
    let mut list = format!(
        "/// The sample program.\npub const PROGRAM: &[u8] = include_bytes!({program:?});\n\
         /// The platform that it runs on.\npub const PLATFORM: &str = {platform:?};\n"
    );
    let folders =
        [("FILES", "sample catalogue", "catalog"), ("BELLE", "second vendor's goods", "belle")];
    for (constant, what, folder) in folders {
        let goods = workspace.join("demo").join(folder);
        writeln!(
            list,
            "/// The files of the {what} by their paths.\npub const {constant}: &[(&str, &[u8])] = &["
        )
        .expect("texts take everything");
        for path in files(&goods) {
            let name = text(path.strip_prefix(&goods).expect("it is in there"));
            let path = text(&path);
            writeln!(list, "    ({name:?}, include_bytes!({path:?})),")
                .expect("texts take everything");
        }
        list.push_str("];\n");
    }
    fs::write(out.join("goods.rs"), list).expect("the list of goods is written");
    for watched in [
        "demo/catalog",
        "demo/belle",
        "crates/sample",
        "crates/license/src",
        "crates/scrip/build.rs",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
}

/// Builds the sample program, and says where it is.
fn program(workspace: &Path, out: &Path) -> PathBuf {
    let target = told("TARGET");
    let folder = out.join("sample");
    let mut cargo = Command::new(told("CARGO"));
    cargo
        .current_dir(workspace)
        .args(["build", "--quiet", "--offline", "--locked", "--package", "scrip-sample"])
        .args(["--profile", "sample", "--target"])
        .arg(&target)
        .arg("--target-dir")
        .arg(&folder);
    OURS.iter().for_each(|name| {
        cargo.env_remove(name);
    });
    let status = cargo.status().expect("Cargo can be called a second time");
    assert!(status.success(), "the sample program (crates/sample) does not build");
    folder.join(target).join("sample/tallow")
}

fn text(path: &Path) -> String {
    path.to_str().expect("the path of the workspace is text").to_owned()
}

/// All files below a folder, in an order that does not depend on the disk.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of goods is there");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    entries.sort();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.into_iter().flat_map(below).collect()
}

#[expect(clippy::disallowed_methods, reason = "this is how Cargo talks to build scripts")]
fn told(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("Cargo says nothing of {name}"))
}
