//! `cargo xtask package`: a static binary, and a Debian package with it, the unit of systemd, and the guides.
//!
//! The binary is linked with musl, so one file runs on every Linux of its architecture, whatever that has for a C
//! library. The package is put together with Debian's own tools from `packaging/`. There is a plugin of cargo for that,
//! cargo-deb; it compiles for minutes on each new machine, for what is a page of code here.
//!
//! The same binary gives the same package, byte by byte: each date in it is that of the last commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::command::{Context, Failure, Outcome, hush, root, show, target_directory};
use crate::install;

mod notices;

/// The package of the version; with the next packaging of the same version it is 2.
const REVISION: u32 = 1;
const PROGRAM: &str = "usr/bin/scrip";
const GUIDES: &str = "usr/share/doc/scrip";

#[derive(Args)]
#[command(after_help = "\
Example:
  cargo xtask package
  apt install ./target/package/scrip_*.deb")]
pub struct Options {
    /// Pack this program, quickly and with little compression, instead of a static release build
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Put binary and package here instead of into `target/package`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    origin: Origin,
}

/// As Debian's tools have it from the environment.
#[derive(Args)]
struct Origin {
    /// Who publishes the package; without both, whoever made the last commit
    #[arg(long, env = "DEBFULLNAME")]
    name: Option<String>,
    /// Where they are written to
    #[arg(long, env = "DEBEMAIL")]
    email: Option<String>,
    /// The date of all that is in it, in seconds since 1970; without it, that of the last commit
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
    epoch: Option<u64>,
}

pub fn run(options: &Options) -> Outcome {
    // A C compiler of musl's for what is C in the binary: SQLite, the allocator, parts of the cryptography.
    install::debian(&["binutils", "dpkg-dev", "musl-tools"])?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => static_binary()?,
    };
    let out = match &options.out {
        Some(out) => out.clone(),
        None => target_directory()?.join("package"),
    };
    let tree = out.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree).context(tree.display())?;
    }
    let label = Label::new(&options.origin)?;
    fill(&tree, &binary, &label)?;
    describe(&tree, &label)?;
    let package = out.join(format!("scrip_{}_{}.deb", label.version, label.architecture));
    let compression: &[&str] =
        if options.binary.is_some() { &["-Zgzip", "-z1"] } else { &["-Zxz"] };
    let mut build = Command::new("dpkg-deb");
    build.args(compression).args(["--root-owner-group", "--build"]).arg(&tree).arg(&package);
    // What is compressed by several threads at once depends on how many there are.
    hush(build.env("SOURCE_DATE_EPOCH", &label.epoch).env("DPKG_DEB_THREADS_MAX", "1"))?;
    fs::rename(tree.join(PROGRAM), out.join("scrip")).context(out.display())?;
    fs::remove_dir_all(&tree).context(tree.display())?;
    println!("{}\n{}", out.join("scrip").display(), package.display());
    Ok(())
}

/// The target of musl, which Rust links statically.
fn static_target() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

fn static_binary() -> Outcome<PathBuf> {
    let target = static_target();
    let libraries =
        line(Command::new("rustc").args(["--print", "target-libdir", "--target", &target]))?;
    if !Path::new(&libraries).exists() {
        show(Command::new("rustup").args(["target", "add", &target]))?;
    }
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--package", "scrip", "--bin", "scrip", "--target", &target]);
    show(build.current_dir(root()))?;
    Ok(target_directory()?.join(target).join("release/scrip"))
}

/// What stands on the package.
struct Label {
    version: String,
    architecture: String,
    maintainer: String,
    /// Seconds since 1970.
    epoch: String,
}

impl Label {
    fn new(origin: &Origin) -> Outcome<Self> {
        let commit =
            |form: &str| line(Command::new("git").args(["log", "-1", form]).current_dir(root()));
        let maintainer = match (&origin.name, &origin.email) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            _ => commit("--format=%an <%ae>")?,
        };
        let epoch = match origin.epoch {
            Some(epoch) => epoch.to_string(),
            None => commit("--format=%ct")?,
        };
        Ok(Self {
            version: format!("{}-{REVISION}", env!("CARGO_PKG_VERSION")),
            architecture: line(Command::new("dpkg").arg("--print-architecture"))?,
            maintainer,
            epoch,
        })
    }

    /// Debian's own changelog, which tells of the packaging; Scrip's is beside it.
    fn changelog(&self) -> Outcome<String> {
        let date = format!("@{}", self.epoch);
        let date = line(Command::new("date").args(["--utc", "-R", "-d", &date]))?;
        let Self { version, maintainer, .. } = self;
        Ok(format!(
            "scrip ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- {maintainer}  {date}\n"
        ))
    }
}

/// The files that will lie on a machine.
fn fill(tree: &Path, binary: &Path, label: &Label) -> Outcome {
    let packaging = root().join("packaging");
    let program = tree.join(PROGRAM);
    room_for(&program)?;
    hush(Command::new("strip").arg("-o").arg(&program).arg(binary))?;
    copy(&packaging.join("scrip.service"), &tree.join("usr/lib/systemd/system/scrip.service"))?;
    copy(
        &packaging.join("debian/lintian-overrides"),
        &tree.join("usr/share/lintian/overrides/scrip"),
    )?;

    let guides = tree.join(GUIDES);
    // What the repository has; what tests and editors leave there is nobody else's.
    let listed =
        hush(Command::new("git").args(["ls-files", "."]).current_dir(root().join("docs")))?;
    for guide in listed.lines() {
        copy(&root().join("docs").join(guide), &guides.join(guide))?;
    }
    // It lies beside them here, under the name that Debian has for it.
    let operating = guides.join("operating.md");
    let text = fs::read_to_string(&operating).context(operating.display())?;
    write(&operating, &text.replace("](../CHANGELOG.md)", "](changelog.gz)"))?;

    let license = fs::read_to_string(root().join("LICENSE-MIT")).context("LICENSE-MIT")?;
    let copyright = packaging.join("debian/copyright");
    let copyright = fs::read_to_string(&copyright).context(copyright.display())?;
    write(&guides.join("copyright"), &copyright.replace("@mit@", &indented(&license)))?;
    write(&guides.join("third-party.txt"), &third_party()?)?;
    copy(&root().join("CHANGELOG.md"), &guides.join("changelog"))?;
    write(&guides.join("changelog.Debian"), &label.changelog()?)?;
    // Without name and date of the file, which would differ each time.
    let compress = ["--best", "--no-name", "changelog", "changelog.Debian", "third-party.txt"];
    hush(Command::new("gzip").args(compress).current_dir(&guides))?;
    // Whatever the machine that it is built on lets others do with new files.
    hush(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(tree))?;
    Ok(())
}

/// What others ask to be said of what is theirs in the binary: of crates, of Rust's own library, and of musl.
fn third_party() -> Outcome<String> {
    let read = |path: &Path| fs::read_to_string(path).context(path.display());
    let toolchain = line(Command::new("rustc").args(["--print", "sysroot"]))?;
    let library = read(&Path::new(&toolchain).join("share/doc/rust/COPYRIGHT-library.html"))?;
    let musl = read(Path::new("/usr/share/doc/musl/copyright"))?;
    let crates = notices::of_crates(&static_target())?;
    Ok(format!("musl\n\n{musl}\n\n{crates}The Rust standard library\n\n{library}"))
}

/// What dpkg is told of them, and does besides.
fn describe(tree: &Path, label: &Label) -> Outcome {
    let scripts = root().join("packaging/debian");
    let about = tree.join("DEBIAN");
    for name in ["postinst", "prerm", "postrm"] {
        copy(&scripts.join(name), &about.join(name))?;
    }
    let listed = hush(Command::new("find").args(["usr", "-type", "f"]).current_dir(tree))?;
    let mut files: Vec<&str> = listed.lines().collect();
    files.sort_unstable();
    write(&about.join("md5sums"), &hush(Command::new("md5sum").args(files).current_dir(tree))?)?;

    let template = scripts.join("control");
    let mut control = fs::read_to_string(&template).context(template.display())?;
    let size = hush(
        Command::new("du").args(["--summarize", "--apparent-size", "-k", "usr"]).current_dir(tree),
    )?;
    // The user is made with the one; the other has the `kill` by which the unit says that keys are to be read again.
    let depends = libraries(tree)? + "adduser, procps";
    for (name, value) in [
        ("@version@", label.version.as_str()),
        ("@architecture@", &label.architecture),
        ("@maintainer@", &label.maintainer),
        ("@size@", size.split_whitespace().next().unwrap_or("0")),
        ("@depends@", &depends),
    ] {
        control = control.replace(name, value);
    }
    write(&about.join("control"), &control)?;
    hush(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(&about))?;
    Ok(())
}

/// The packages of the libraries that the program really needs, as Debian finds them; none for a static one.
fn libraries(tree: &Path) -> Outcome<String> {
    // It wants to be called in the sources of a package of Debian.
    let control = tree.join("debian/control");
    write(&control, "Source: scrip\n\nPackage: scrip\nArchitecture: any\n")?;
    let program = format!("-e{PROGRAM}");
    let told = hush(Command::new("dpkg-shlibdeps").args(["-O", &program]).current_dir(tree))?;
    fs::remove_dir_all(tree.join("debian")).context(control.display())?;
    let list = told.trim().strip_prefix("shlibs:Depends=").unwrap_or_default();
    Ok(if list.is_empty() { String::new() } else { format!("{list}, ") })
}

/// A license as files of copyrights have it: each line set in, an empty one by a dot.
fn indented(text: &str) -> String {
    let indent = |line: &str| if line.is_empty() { " .".to_owned() } else { format!(" {line}") };
    text.trim_end().lines().map(indent).collect::<Vec<_>>().join("\n")
}

/// What a program prints, without the end of its line.
fn line(command: &mut Command) -> Outcome<String> {
    Ok(hush(command)?.trim_end().to_owned())
}

fn room_for(path: &Path) -> Outcome {
    let folder = path.parent().ok_or_else(|| Failure::new("a file lies in a folder"))?;
    fs::create_dir_all(folder).context(folder.display())
}

fn write(path: &Path, text: &str) -> Outcome {
    room_for(path)?;
    fs::write(path, text).context(path.display())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    room_for(to)?;
    fs::copy(from, to).context(from.display())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_license_is_set_in_as_debian_reads_it() {
        assert_eq!(indented("MIT License\n\nCopyright\n"), " MIT License\n .\n Copyright");
    }

    #[test]
    fn the_changelog_has_the_date_of_the_label() {
        let label = Label {
            version: "1.2.3-1".into(),
            architecture: "amd64".into(),
            maintainer: "Ada <ada@shop.example>".into(),
            epoch: "0".into(),
        };
        let changelog = label.changelog().unwrap();
        assert!(changelog.starts_with("scrip (1.2.3-1) unstable;"), "{changelog}");
        assert!(
            changelog.ends_with("\n -- Ada <ada@shop.example>  Thu, 01 Jan 1970 00:00:00 +0000\n"),
            "{changelog}"
        );
    }
}
