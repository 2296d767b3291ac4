use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::machine;

const SIGNED: u64 = 1_795_000_000;
const WEEK: u64 = 7 * 86_400;

fn lease() -> Lease {
    Lease {
        issuer: "https://shop.example".into(),
        id: "lea_06bq3v8k2m9zc".into(),
        license: "lic_06bq3v8k2m9zc".into(),
        product: "prd_06bq3v8k2m9z0".into(),
        machine: machine("desk"),
        issued_at: SIGNED,
        expires_at: SIGNED + 86_400,
        units: Some(5),
        unit: None,
    }
}

/// A folder with a meter of five units, begun.
struct Desk {
    folder: TempDir,
    path: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = Meter::path_in(folder.path(), &lease());
        Meter::begin(&path, &lease(), SIGNED, WEEK).unwrap();
        Self { folder, path }
    }

    fn open(&self) -> Result<Meter, MeterError> {
        Meter::open(&self.path, &lease())
    }

    fn used(&self) -> u64 {
        self.open().unwrap().used()
    }

    fn aside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn units_are_counted_over_many_runs_and_never_beyond_the_last() {
    let desk = Desk::new();
    assert_eq!(desk.open().unwrap().take(2).unwrap(), 3);
    assert_eq!(desk.open().unwrap().take(0).unwrap(), 3);
    let mut meter = desk.open().unwrap();
    assert!(matches!(meter.take(4), Err(MeterError::Exhausted { left: 3 })), "all or none");
    assert!(matches!(meter.take(u64::MAX), Err(MeterError::Exhausted { left: 3 })));
    assert_eq!([1, 1, 1].map(|units| meter.take(units).unwrap()), [2, 1, 0]);
    let over = meter.take(1).unwrap_err();
    assert_eq!(over.reason(false), Some(Reason::ProcessingsExhausted));
    assert_eq!(over.reason(true), Some(Reason::UsesExhausted));
    assert_eq!((meter.used(), meter.left()), (5, 0));
    drop(meter);
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_lease_that_is_ended_counts_no_more() {
    let desk = Desk::new();
    desk.open().unwrap().take(2).unwrap();
    assert_eq!(desk.open().unwrap().end().unwrap(), 2);
    assert!(matches!(desk.open(), Err(MeterError::Ended { used: 2 })), "it says so again");
    let again = Meter::open_or_begin(&desk.path, &lease(), SIGNED, WEEK);
    assert!(matches!(again, Err(MeterError::Ended { used: 2 })));
}

#[test]
fn counting_begins_once_and_not_late() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meter");
    assert!(matches!(Meter::open(&path, &lease()), Err(MeterError::Absent)));
    let late = Meter::begin(&path, &lease(), SIGNED + WEEK + 1, WEEK);
    assert!(matches!(late, Err(MeterError::TooLate)));
    let plain = Lease { units: None, ..lease() };
    assert!(matches!(Meter::begin(&path, &plain, SIGNED, WEEK), Err(MeterError::NoUnits)));
    // What a crash in the middle of beginning leaves.
    fs::write(place::beside(&path, ".next"), "scrip-me").unwrap();
    Meter::open_or_begin(&path, &lease(), SIGNED + WEEK, WEEK).unwrap();
    assert!(matches!(Meter::begin(&path, &lease(), SIGNED, WEEK), Err(MeterError::Begun)));
    assert_eq!(Meter::open(&path, &lease()).unwrap().left(), 5);
}

#[test]
fn the_file_is_of_one_lease_on_one_machine() {
    let desk = Desk::new();
    let others = [
        Lease { id: "lea_06bq3v8k2m9zd".into(), ..lease() },
        Lease { machine: machine("another"), ..lease() },
        Lease { units: Some(6), ..lease() },
    ];
    for other in others {
        assert!(matches!(Meter::open(&desk.path, &other), Err(MeterError::Other)));
    }
    let odd = Lease { id: "../../etc/x".into(), ..lease() };
    assert_eq!(Meter::path_in(Path::new("a"), &odd), Path::new("a/______etc_x.meter"));
}

#[test]
fn who_has_the_meter_has_it_alone() {
    let desk = Desk::new();
    let mut first = desk.open().unwrap();
    assert!(matches!(desk.open(), Err(MeterError::Busy)));
    first.take(1).unwrap();
    assert!(matches!(desk.open(), Err(MeterError::Busy)), "also in the file that followed");
    drop(first);
    assert_eq!(desk.used(), 1);
}

/// Copies, moves, writes over, hard links: each at every turn of the meter.
#[cfg(unix)]
#[test]
fn a_file_that_was_kept_counts_nothing() {
    for turns in 0..3 {
        let desk = Desk::new();
        for _ in 0..turns {
            desk.open().unwrap().take(1).unwrap();
        }
        let (copy, link) = (desk.aside("copy"), desk.aside("link"));
        fs::copy(&desk.path, &copy).unwrap();
        fs::hard_link(&desk.path, &link).unwrap();
        assert!(matches!(Meter::open(&copy, &lease()), Err(MeterError::Copied)));
        desk.open().unwrap().take(1).unwrap();
        let now = desk.aside("now");
        fs::rename(&desk.path, &now).unwrap();

        fs::rename(&link, &desk.path).unwrap();
        assert!(matches!(desk.open(), Err(MeterError::Copied)), "spent");
        fs::rename(&copy, &desk.path).unwrap();
        assert!(matches!(desk.open(), Err(MeterError::Copied)), "another file");
        fs::rename(&now, &desk.path).unwrap();
        let earlier = fs::read(&desk.path).unwrap();
        desk.open().unwrap().take(1).unwrap();
        let good = fs::read(&desk.path).unwrap();
        fs::write(&desk.path, earlier).unwrap();
        assert!(matches!(desk.open(), Err(MeterError::Copied)), "written over in its place");
        fs::write(&desk.path, good).unwrap();
        assert_eq!(desk.used(), turns + 2, "and the honest one goes on");
    }
}

/// Stops a `take` behind each of its steps, as a crash would, and looks at what the next run finds.
#[test]
fn a_crash_loses_at_most_what_was_taken_and_gives_nothing_back() {
    let steps = [(Step::Made, 0), (Step::Written, 0), (Step::Marked, 1), (Step::Renamed, 1)];
    for (last, lost) in steps {
        let desk = Desk::new();
        let (mut worked, mut gone) = (0, 0);
        while worked + gone < 5 {
            let mut meter = desk.open().unwrap();
            let crash = |step| if step == last { Err(io::ErrorKind::Other.into()) } else { Ok(()) };
            let stopped = meter.advance(1, &mut { crash });
            assert!(matches!(stopped, Err(MeterError::Io(_))), "{last:?}");
            assert!(matches!(meter.take(1), Err(MeterError::Unsure)), "it must be read again");
            drop(meter);
            gone += lost;
            assert_eq!(desk.used(), worked + gone, "{last:?}");
            if worked + gone < 5 {
                desk.open().unwrap().take(1).unwrap();
                worked += 1;
            }
        }
        assert!(matches!(desk.open().unwrap().take(1), Err(MeterError::Exhausted { left: 0 })));
    }
}

/// A machine that loses power may have any first part of what was written last.
#[test]
fn a_torn_mark_is_no_mark_and_a_torn_count_is_never_believed() {
    for kept in 0..=SPENT.len() {
        let desk = Desk::new();
        let mut meter = desk.open().unwrap();
        let crash =
            |step| if step == Step::Written { Err(io::ErrorKind::Other.into()) } else { Ok(()) };
        meter.advance(1, &mut { crash }).unwrap_err();
        drop(meter);
        let mut torn = OpenOptions::new().append(true).open(&desk.path).unwrap();
        torn.write_all(&format!("\n{SPENT}").as_bytes()[..=kept]).unwrap();
        let spent = u64::from(kept == SPENT.len());
        assert_eq!(desk.used(), spent, "{kept}");
        assert_eq!(desk.open().unwrap().take(1).unwrap(), 4 - spent);
        assert_eq!(desk.used(), 1 + spent, "the next mark is read behind the torn one");
    }
    let desk = Desk::new();
    let mut meter = desk.open().unwrap();
    let crash = |step| if step == Step::Marked { Err(io::ErrorKind::Other.into()) } else { Ok(()) };
    meter.advance(1, &mut { crash }).unwrap_err();
    drop(meter);
    let next = place::beside(&desk.path, ".next");
    let whole = fs::read(&next).unwrap();
    for kept in 0..whole.len() {
        OpenOptions::new().write(true).open(&next).unwrap().set_len(kept as u64).unwrap();
        assert!(matches!(desk.open(), Err(MeterError::Damaged)), "{kept}");
        fs::write(&next, &whole).unwrap();
    }
    assert_eq!(desk.used(), 1);
}

#[test]
fn every_damaged_byte_is_refused() {
    let desk = Desk::new();
    desk.open().unwrap().take(2).unwrap();
    let good = fs::read(&desk.path).unwrap();
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            let Ok(bad) = String::from_utf8(bad) else { continue };
            assert_eq!(State::parse(&bad), None, "bit {bit} of byte {place}");
        }
        assert_eq!(State::parse(str::from_utf8(&good[..place]).unwrap()), None, "cut at {place}");
    }
    for bad in [&good[..0], &good[1..], &good[..good.len() - 1], &[0xff, 0xfe]] {
        fs::write(&desk.path, bad).unwrap();
        assert!(matches!(desk.open(), Err(MeterError::Damaged)));
    }
    fs::write(&desk.path, [good.as_slice(), b"more\n"].concat()).unwrap();
    assert!(matches!(desk.open(), Err(MeterError::Damaged)));
    fs::write(&desk.path, "x".repeat(10_000)).unwrap();
    assert!(matches!(desk.open(), Err(MeterError::Damaged)));
    fs::write(&desk.path, &good).unwrap();
    assert_eq!(desk.used(), 2);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text: String, near in "scrip-meter 1 [0-9a-f]{64} \\{.{0,80}\\}\n") {
        prop_assert_eq!(State::parse(&text), None);
        prop_assert_eq!(State::parse(&near), None);
    }
}

proptest! {
    // Each case waits for the disk many times.
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_taken_and_what_is_left_are_always_all(
        takes in prop::collection::vec((0_u64..3, any::<bool>()), 0..8),
    ) {
        let desk = Desk::new();
        let mut meter = desk.open().unwrap();
        let mut taken = 0;
        for (units, reopen) in takes {
            match meter.take(units) {
                Ok(left) => {
                    taken += units;
                    prop_assert_eq!(left, 5 - taken);
                }
                Err(MeterError::Exhausted { left }) => prop_assert!(units > left && left == 5 - taken),
                Err(other) => panic!("{other}"),
            }
            if reopen {
                drop(meter);
                meter = desk.open().unwrap();
            }
            prop_assert_eq!(meter.used(), taken);
        }
    }
}
