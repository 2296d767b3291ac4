//! The program as it is sold: made for a vendor, run as a process, with papers that were carried to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use scrip_license::{
    Activation, ActivationRequest, Claims, KeySet, Lease, LicenseFile, Limits, Revocations,
    SigningKey, Successor, Terms, machine,
};
use serde_json::{Value, json};

const VENDOR: &str = "ven_06bq3v8k2m9zc";
const SHOP: &str = "https://shop.example";
const PRODUCT: &str = "prd_06bq3v8k2m9z0";
const LICENSE: &str = "lic_06bq3v8k2m9zc";

/// A file that is open for writing cannot be run, and a process that starts has for a moment all open files of this one:
/// nobody starts one while a program is written.
static ALONE: Mutex<()> = Mutex::new(());

/// A customer's folder with a copy of the program, and the vendor's key.
struct Desk {
    folder: tempfile::TempDir,
    key: SigningKey,
    now: u64,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed([7; 32]);
        let keys: KeySet = [key.public().clone()].into_iter().collect();
        let vendor = json!({ "issuer": VENDOR, "shop": SHOP, "product": PRODUCT, "keys": keys });
        make(&folder.path().join("tallow"), &vendor.to_string());
        #[expect(clippy::disallowed_methods, reason = "the program that runs has a real clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { folder, key, now }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn claims(&self, terms: Terms) -> Claims {
        Claims {
            issuer: VENDOR.into(),
            subject: "buyer".into(),
            id: Claims::issue_id(LICENSE, 1),
            license: LICENSE.into(),
            issued_at: self.now - 60,
            not_before: self.now - 60,
            expires_at: None,
            order: "ord_06bq3v8k2m9zb".into(),
            product: PRODUCT.into(),
            offer: "ofr_06bq3v8k2m9z1".into(),
            terms,
            limits: Limits::default(),
            manifest: None,
            activation: terms.start_with_activation().then_some(Activation::Required),
        }
    }

    fn code(&self, terms: Terms) -> String {
        self.claims(terms).sign(&self.key).unwrap()
    }

    fn counted(&self) -> String {
        self.code(Terms::Processings { count: 100, unit: Some("drawings".parse().unwrap()) })
    }

    fn lease(&self, name: &str, units: u64) -> Lease {
        let request = self.run(&["--request"]);
        assert!(request.status.success(), "{request:?}");
        let request: ActivationRequest = said(&request).parse().unwrap();
        assert_eq!(request.product.as_deref(), Some(PRODUCT));
        Lease {
            issuer: VENDOR.into(),
            id: name.into(),
            license: LICENSE.into(),
            product: PRODUCT.into(),
            machine: machine(&request.fingerprint),
            issued_at: self.now - 30,
            expires_at: self.now + 86_400,
            units: Some(units),
            unit: Some("drawings".parse().unwrap()),
        }
    }

    fn license(&self, file: &LicenseFile) {
        file.save(&self.at("tallow.license")).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let numbers = self.at("numbers");
        fs::write(&numbers, "1\n2\n").unwrap();
        let mut command = Command::new(self.at("tallow"));
        command.args(args).stdin(Stdio::from(fs::File::open(numbers).unwrap()));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn().unwrap();
        drop(alone);
        child.wait_with_output().unwrap()
    }

    fn draws(&self) {
        let run = self.run(&["--line"]);
        assert_eq!(said(&run), "▁█", "{run:?}");
    }

    fn refuses(&self, code: &str) {
        let run = self.run(&["--line"]);
        let why = String::from_utf8(run.stderr.clone()).unwrap();
        assert!(!run.status.success() && run.stdout.is_empty(), "{run:?}");
        assert!(why.starts_with(&format!("tallow: {code}")), "{why}");
    }
}

fn said(run: &Output) -> String {
    String::from_utf8(run.stdout.clone()).unwrap().trim().to_owned()
}

/// The vendor's last step before the program is sold.
fn make(program: &Path, vendor: &str) {
    let mut bytes = fs::read(env!("CARGO_BIN_EXE_tallow")).unwrap();
    let mark = b"tallow is a program of: ";
    let places: Vec<usize> =
        (0..bytes.len() - mark.len()).filter(|at| bytes[*at..].starts_with(mark)).collect();
    let [at] = *places else { panic!("one place, not {places:?}") };
    let start = at + mark.len();
    bytes[start..start + vendor.len()].copy_from_slice(vendor.as_bytes());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(program, bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn it_refuses_without_its_code_and_runs_with_it() {
    let desk = Desk::new();
    desk.refuses("there is no license in ");
    desk.license(&LicenseFile::of_code("no code at all"));
    desk.refuses("UNKNOWN_CODE");
    let other = Claims { product: "prd_06bq3v8k2m9z1".into(), ..desk.claims(Terms::Perpetual) };
    desk.license(&LicenseFile::of_code(other.sign(&desk.key).unwrap()));
    desk.refuses("WRONG_PRODUCT");
    let ended = Claims { expires_at: Some(desk.now - 1), ..desk.claims(Terms::Perpetual) };
    desk.license(&LicenseFile::of_code(ended.sign(&desk.key).unwrap()));
    desk.refuses("EXPIRED");
    fs::write(desk.at("tallow.license"), desk.code(Terms::Perpetual)).unwrap();
    desk.draws();
    let got = desk.at(&format!("{PRODUCT}.license"));
    fs::rename(desk.at("tallow.license"), &got).unwrap();
    desk.draws();
    let elsewhere = desk.at("mine.license");
    fs::rename(got, &elsewhere).unwrap();
    desk.refuses("there is no license in ");
    let run = desk.run(&["--line", "--license", elsewhere.to_str().unwrap()]);
    assert_eq!(said(&run), "▁█");
}

#[test]
fn it_counts_drawings_offline_stops_and_goes_on_with_another_lease() {
    let desk = Desk::new();
    desk.license(&LicenseFile::of_code(desk.counted()));
    desk.refuses("NOT_ACTIVATED");
    let first = desk.lease("lea_06bq3v8k2m9zd", 2);
    let file = LicenseFile {
        lease: Some(first.sign(&desk.key).unwrap()),
        ..LicenseFile::of_code(desk.counted())
    };
    desk.license(&file);
    desk.draws();
    // Nothing was drawn, so nothing was taken.
    assert!(!desk.run(&["/no/such/file"]).status.success());
    let status: Value = serde_json::from_str(&said(&desk.run(&["--status"]))).unwrap();
    assert_eq!((&status["used"], &status["left"]), (&json!(1), &json!(1)));
    desk.draws();
    desk.refuses("PROCESSINGS_EXHAUSTED");

    let more = desk.lease("lea_06bq3v8k2m9ze", 3);
    desk.license(&LicenseFile { lease: Some(more.sign(&desk.key).unwrap()), ..file });
    desk.draws();
    let back: Value = serde_json::from_str(&said(&desk.run(&["--give-back"]))).unwrap();
    assert_eq!((&back["lease"], &back["used"]), (&json!("lea_06bq3v8k2m9ze"), &json!(1)));
    desk.refuses("LEASE_EXPIRED");
    let again: Value = serde_json::from_str(&said(&desk.run(&["--give-back"]))).unwrap();
    assert_eq!(again, back, "asked twice, it says the same");
}

#[cfg(unix)]
#[test]
fn a_copied_counter_gives_no_drawing_back() {
    let desk = Desk::new();
    desk.license(&LicenseFile::of_code(desk.counted()));
    let lease = desk.lease("lea_06bq3v8k2m9zd", 3).sign(&desk.key).unwrap();
    desk.license(&LicenseFile { lease: Some(lease), ..LicenseFile::of_code(desk.counted()) });
    desk.draws();
    let meter = desk.at("tallow.state/lea_06bq3v8k2m9zd.meter");
    let kept = fs::read(&meter).unwrap();
    desk.draws();
    fs::write(&meter, kept).unwrap();
    desk.refuses("LEASE_EXPIRED: the file is a copy");
}

#[test]
fn a_lease_of_another_machine_and_a_dead_code_are_refused() {
    let desk = Desk::new();
    desk.license(&LicenseFile::of_code(desk.counted()));
    let other = Lease { machine: machine("another"), ..desk.lease("lea_06bq3v8k2m9zd", 3) };
    let lease = Some(other.sign(&desk.key).unwrap());
    desk.license(&LicenseFile { lease, ..LicenseFile::of_code(desk.counted()) });
    desk.refuses("WRONG_MACHINE");

    let code = desk.code(Terms::Perpetual);
    let dead = [(LICENSE.to_owned(), (1, scrip_license::Reason::Refunded))];
    let list = Revocations {
        issuer: VENDOR.into(),
        issued_at: desk.now,
        product: None,
        dead: dead.into(),
        ended: std::iter::empty().collect(),
    };
    let revocations = Some(list.sign(&desk.key).unwrap());
    desk.license(&LicenseFile { revocations, ..LicenseFile::of_code(code) });
    desk.refuses("REFUNDED");
}

#[test]
fn a_copy_with_an_old_key_takes_a_code_of_the_new_one_along_the_chain() {
    let mut desk = Desk::new();
    let next = SigningKey::from_seed([8; 32]);
    let link = Successor { issuer: VENDOR.into(), jwk: next.public().clone() };
    let link = link.sign(&desk.key).unwrap();
    desk.key = next;
    let code = desk.code(Terms::Perpetual);
    desk.license(&LicenseFile::of_code(code.clone()));
    desk.refuses("BAD_SIGNATURE");
    desk.license(&LicenseFile { keys: vec![link], ..LicenseFile::of_code(code) });
    desk.draws();
}

#[test]
fn a_copy_that_was_not_stamped_asks_the_file_beside_it() {
    let desk = Desk::new();
    make(&desk.at("tallow"), "");
    desk.license(&LicenseFile::of_code(desk.code(Terms::Perpetual)));
    desk.refuses("no vendor has made this copy");
    let keys: KeySet = [desk.key.public().clone()].into_iter().collect();
    let vendor = json!({ "issuer": VENDOR, "shop": SHOP, "product": PRODUCT, "keys": keys });
    fs::write(desk.at("tallow.vendor"), vendor.to_string()).unwrap();
    desk.draws();
    make(&desk.at("tallow"), "another vendor's");
    desk.refuses("no vendor has made this copy");
}
