//! Installing what a test needs and the machine lacks: Debian packages into the system, Python and
//! Node packages into folders under `target/`. Each is pinned by a file in the repository, and done
//! again only when that file changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::command::{Context, Failure, Outcome, exists, hush, is_root};

/// Debian packages, installed unless dpkg already has them.
pub fn debian(packages: &[&str]) -> Outcome {
    let missing: Vec<&str> = packages.iter().copied().filter(|name| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("    installing Debian packages: {}", missing.join(" "));
    refresh_lists()?;
    hush(apt_get()?.args(["install", "--yes", "--no-install-recommends"]).args(&missing))?;
    Ok(())
}

fn installed(package: &str) -> bool {
    let query = ["-W", "-f", "${db:Status-Status}", package];
    hush(Command::new("dpkg-query").args(query)).is_ok_and(|status| status == "installed")
}

/// Package lists are fetched once per run: a new machine has none.
fn refresh_lists() -> Outcome {
    static REFRESHED: OnceLock<()> = OnceLock::new();
    if REFRESHED.get().is_none() {
        hush(apt_get()?.args(["update", "--quiet"]))?;
        REFRESHED.get_or_init(|| ());
    }
    Ok(())
}

fn apt_get() -> Outcome<Command> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if exists("sudo") {
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    } else {
        return Err(Failure::new("installing needs root or sudo, and there is neither"));
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

/// A Python environment under `home` with exactly what `requirements` pins; returns its `bin`.
pub fn python(home: &Path, requirements: &Path) -> Outcome<PathBuf> {
    let bin = home.join("bin");
    once(home, &[requirements], || {
        println!("    installing Python packages of {}", requirements.display());
        hush(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home))?;
        let install = ["install", "--quiet", "--disable-pip-version-check", "--requirement"];
        hush(Command::new(bin.join("pip")).args(install).arg(requirements))?;
        Ok(())
    })?;
    Ok(bin)
}

/// The Node modules that `package-lock.json` of `project` pins, in `home/node_modules`. A link to them
/// is put into `project`, because ES modules are looked up from the script's own folder only.
pub fn node(home: &Path, project: &Path) -> Outcome<PathBuf> {
    let modules = home.join("node_modules");
    let (package, lock) = (project.join("package.json"), project.join("package-lock.json"));
    once(home, &[&package, &lock], || {
        println!("    installing Node packages of {}", package.display());
        fs::create_dir_all(home).context(home.display())?;
        for file in [&package, &lock] {
            let name = file.file_name().expect("both were joined with a name");
            fs::copy(file, home.join(name)).context(file.display())?;
        }
        // No install scripts: they run foreign code and download what no lock file pins.
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        hush(Command::new("npm").args(install).current_dir(home))?;
        fs::create_dir_all(&modules).context(modules.display())
    })?;
    let link = project.join("node_modules");
    if !link.exists() {
        // A link whose target went away with `target/` does not exist, yet stands in the way.
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&modules, &link).context(link.display())?;
    }
    Ok(modules)
}

/// Does `install` unless `home` bears the mark that it was done for these very files. The mark is
/// written last, so that an interrupted installation is done again.
fn once(home: &Path, pins: &[&Path], install: impl FnOnce() -> Outcome) -> Outcome {
    let mut wanted = String::new();
    for pin in pins {
        wanted += &fs::read_to_string(pin).context(pin.display())?;
    }
    let mark = home.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&mark, wanted).context(mark.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installs_again_only_when_a_pin_changed_or_the_first_try_failed() {
        let home = std::env::temp_dir().join(format!("scrip-install-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let pin = home.join("requirements.txt");
        fs::write(&pin, "six==1").unwrap();
        let mut runs = 0;
        assert!(once(&home, &[&pin], || Err(Failure::new("no network"))).is_err());
        let mut install = || {
            let count = || {
                runs += 1;
                Ok(())
            };
            once(&home, &[&pin], count).unwrap();
        };
        install();
        install();
        fs::write(&pin, "six==2").unwrap();
        install();
        assert_eq!(runs, 2);
        fs::remove_dir_all(&home).unwrap();
    }
}
