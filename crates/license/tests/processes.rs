//! The meter and real processes: two at once, and some that are killed in the middle.
//!
//! This program starts itself again, so it has a `main` of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use scrip_license::{Lease, Meter, MeterError, machine};

const SIGNED: u64 = 1_795_000_000;
const UNITS: u64 = 120;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "--hold", path] => hold(Path::new(path)),
        [_, "--work", path] => work(Path::new(path)),
        [_, "--share", path] => share(Path::new(path)),
        _ => {
            let tests: [(&str, fn()); 3] = [
                ("a second process is turned away", a_second_process_is_turned_away),
                ("a killed process gives no unit back", a_killed_process_gives_no_unit_back),
                ("many processes take each unit once", many_processes_take_each_unit_once),
            ];
            for (name, test) in tests {
                test();
                println!("test {name} ... ok");
            }
        }
    }
}

fn lease() -> Lease {
    Lease {
        issuer: "https://shop.example".into(),
        id: "lea_06bq3v8k2m9zc".into(),
        license: "lic_06bq3v8k2m9zc".into(),
        product: "prd_06bq3v8k2m9z0".into(),
        machine: machine("desk"),
        issued_at: SIGNED,
        expires_at: SIGNED + 86_400,
        units: Some(UNITS),
        unit: None,
    }
}

/// Opens the meter, says how that went, and keeps it until standard input ends.
fn hold(path: &Path) {
    let opened = Meter::open(path, &lease());
    let said = match &opened {
        Ok(_) => "open",
        Err(MeterError::Busy) => "busy",
        Err(_) => "failed",
    };
    println!("{said}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Takes a unit and does the work, which is to say so, until there are none.
fn work(path: &Path) {
    let mut meter = Meter::open(path, &lease()).unwrap();
    while meter.take(1).is_ok() {
        println!("worked");
        std::io::stdout().flush().unwrap();
    }
}

/// The same, among others who do it too.
fn share(path: &Path) {
    loop {
        match Meter::open(path, &lease()) {
            Ok(mut meter) => match meter.take(1) {
                Ok(_) => println!("worked"),
                Err(MeterError::Exhausted { .. }) => return,
                Err(other) => panic!("{other}"),
            },
            Err(MeterError::Busy) => std::thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    }
}

struct Desk {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = Meter::path_in(folder.path(), &lease());
        Meter::begin(&path, &lease(), SIGNED, 60).unwrap();
        Self { _folder: folder, path }
    }

    fn start(&self, verb: &str) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(verb).arg(&self.path).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    fn used(&self) -> u64 {
        Meter::open(&self.path, &lease()).unwrap().used()
    }
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn a_second_process_is_turned_away() {
    let desk = Desk::new();
    let mut first = desk.start("--hold");
    assert_eq!(line(&mut first), "open");
    let mut second = desk.start("--hold");
    assert_eq!(line(&mut second), "busy");
    // One that is killed lets go, like one that ends.
    first.kill().unwrap();
    first.wait().unwrap();
    let mut third = desk.start("--hold");
    assert_eq!(line(&mut third), "open");
    drop((second.stdin.take(), third.stdin.take()));
    second.wait().unwrap();
    third.wait().unwrap();
}

fn a_killed_process_gives_no_unit_back() {
    let desk = Desk::new();
    let (mut worked, mut killed) = (0, 0);
    while desk.used() < UNITS {
        let before = desk.used();
        let mut child = desk.start("--work");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed after so many pieces of work, wherever it is then.
        let mut seen = lines.by_ref().take(killed % 7).map(Result::unwrap).count();
        child.kill().unwrap();
        child.wait().unwrap();
        seen += lines.map(Result::unwrap).filter(|line| line == "worked").count();
        killed += 1;
        worked += seen as u64;
        let used = desk.used() - before;
        assert!(used >= seen as u64, "{seen} pieces of work were done for {used} units");
        assert!(used <= seen as u64 + 1, "{used} units are gone, and only {seen} pieces done");
    }
    assert!(worked <= UNITS, "{worked} of {UNITS}");
    assert!(killed > 10, "it was killed {killed} times");
}

fn many_processes_take_each_unit_once() {
    let desk = Desk::new();
    let children: Vec<Child> = (0..4).map(|_| desk.start("--share")).collect();
    let mut worked = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        worked += String::from_utf8(output.stdout).unwrap().lines().count();
    }
    assert_eq!(worked as u64, UNITS);
    assert_eq!(desk.used(), UNITS);
}
