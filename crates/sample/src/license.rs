//! May this copy run? Everything that a sold program does with `scrip-license`, and nothing else.

use std::fs;
use std::path::PathBuf;

use scrip_license::{
    ActivationRequest, Claims, ClockFile, Expect, Lease, LicenseFile, Meter, MeterError, Offline,
    Policy, Reason, Revocations, Terms, machine,
};
use serde_json::json;

use crate::vendor::Vendor;

/// A license that was found good.
#[derive(Debug)]
pub struct License {
    claims: Claims,
    /// When the lease ends, if there is one.
    until: Option<u64>,
    /// Counts drawings, where they are counted.
    meter: Option<Meter>,
}

/// Where the license is, and what is kept beside it.
struct Papers {
    vendor: Vendor,
    path: PathBuf,
    file: LicenseFile,
    /// The clock's file and the meters.
    state: PathBuf,
}

impl License {
    /// Looks at the license file at `path`, or beside the program; refuses in a sentence.
    pub fn find(path: Option<&str>, now: u64) -> Result<Self, String> {
        let papers = Papers::read(path)?;
        let policy = Policy::default();
        let (claims, lease, now) = papers.judge(policy, now).map_err(|no| papers.say(no))?;
        let counted = claims.terms.count().is_some();
        let until = lease.as_ref().map(|lease| lease.expires_at);
        let meter = match lease {
            Some(lease) if counted => {
                let path = Meter::path_in(&papers.state, &lease);
                let opened = Meter::open_or_begin(&path, &lease, now, policy.begin_within_seconds);
                Some(opened.map_err(|error| papers.uncounted(&error))?)
            }
            _ => None,
        };
        Ok(Self { claims, until, meter })
    }

    /// Before a drawing is made: counts it, where drawings are counted.
    pub fn draw(&mut self) -> Result<(), String> {
        let Some(meter) = &mut self.meter else { return Ok(()) };
        match meter.take(1) {
            Ok(_) => Ok(()),
            Err(error) => {
                let what = match &error {
                    MeterError::Exhausted { .. } => "all drawings are used up".to_owned(),
                    other => format!("the drawings cannot be counted: {other}"),
                };
                let uses = matches!(self.claims.terms, Terms::Uses { .. });
                Err(error
                    .reason(uses)
                    .map_or_else(|| what.clone(), |code| format!("{code}: {what}")))
            }
        }
    }

    /// What there is, as JSON.
    pub fn status(&self) -> String {
        let meter = self.meter.as_ref();
        let status = json!({
            "license": self.claims.license, "terms": self.claims.terms, "lease_until": self.until,
            "used": meter.map(Meter::used), "left": meter.map(Meter::left),
        });
        status.to_string()
    }
}

/// What whoever has a network takes to the shop, so that this machine is activated.
pub fn request(path: Option<&str>) -> Result<String, String> {
    let papers = Papers::read(path)?;
    let request = ActivationRequest {
        code: papers.file.code,
        fingerprint: fingerprint(),
        name: None,
        product: Some(papers.vendor.product),
    };
    Ok(request.to_string())
}

/// Ends the lease, and gives what the shop is told so that the rest comes back.
pub fn give_back(path: Option<&str>) -> Result<String, String> {
    let papers = Papers::read(path)?;
    let text = papers.file.lease.as_deref().ok_or("there is no lease to give back")?;
    let keys = papers.file.keys_from(&papers.vendor.keys, &papers.vendor.issuer);
    let lease: Lease = scrip_license::jws::verify(text.trim(), Lease::TYP, &keys)
        .map_err(|error| format!("the lease cannot be read: {error}"))?;
    let meter = Meter::open(&Meter::path_in(&papers.state, &lease), &lease);
    let used = match meter.and_then(Meter::end) {
        Ok(used) | Err(MeterError::Ended { used }) => used,
        Err(error) => return Err(format!("the lease cannot be given back: {error}")),
    };
    Ok(json!({ "code": papers.file.code, "lease": lease.id, "used": used }).to_string())
}

impl Papers {
    fn read(path: Option<&str>) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let vendor = Vendor::of_this_copy(&program);
        let vendor = vendor.ok_or("no vendor has made this copy of tallow")?;
        let path = path.map_or_else(|| vendor.beside(&program), PathBuf::from);
        let file = LicenseFile::load(&path).map_err(|error| {
            let path = path.display();
            format!("there is no license in {path} ({error}); get one at {}", vendor.shop)
        })?;
        let state = path.with_extension("state");
        fs::create_dir_all(&state)
            .map_err(|error| format!("cannot write {}: {error}", state.display()))?;
        Ok(Self { vendor, path, file, state })
    }

    /// The code and its lease, if they are good, and the time to go by.
    fn judge(&self, policy: Policy, now: u64) -> Result<(Claims, Option<Lease>, u64), Reason> {
        let Vendor { issuer, product, keys, .. } = &self.vendor;
        let keys = self.file.keys_from(keys, issuer);
        let list = self.file.revocations.as_deref();
        let list = list.and_then(|list| Revocations::read(list, &keys).ok());
        let lease = self.file.lease.as_deref();
        let machine = machine(&fingerprint());
        let offline = Offline {
            keys: &keys,
            expect: Expect { issuer: Some(issuer), product: Some(product) },
            machine,
            revocations: list.as_ref(),
            policy,
        };
        // A disk that is full or read-only is no reason to refuse a paying customer a look at the clock.
        let now = match ClockFile::open(self.state.join("clock"), machine) {
            Ok(mut clock) => {
                let told = offline.signed_at(lease).map(|signed| clock.told(signed, now));
                told.transpose().ok();
                clock.at(now, &policy).unwrap_or(Ok(now))?
            }
            Err(_) => now,
        };
        let permit = offline.check(&self.file.code, lease, now);
        match permit.claims {
            Some(claims) if permit.reason == Reason::Valid => Ok((claims, permit.lease, now)),
            _ => Err(permit.reason),
        }
    }

    /// Why not, for a person, beginning with the stable code.
    fn say(&self, reason: Reason) -> String {
        let shop = &self.vendor.shop;
        let why = match reason {
            Reason::Expired => "the license has ended; extend it",
            Reason::NotStarted | Reason::ClockRollback => "the clock of this machine is wrong",
            Reason::NotActivated => {
                "this machine must be activated first: carry what `tallow --request` says"
            }
            Reason::LeaseExpired => "the leave to work offline has ended; fetch another",
            Reason::WrongMachine => "the lease is for another machine",
            Reason::WrongProduct => "the code is for another product",
            Reason::Superseded => "the license has a newer code",
            Reason::Revoked | Reason::Refunded | Reason::Suspended => "the license was taken back",
            _ => "the code is not a good one",
        };
        format!("{reason}: {why} ({}, {shop})", self.path.display())
    }

    fn uncounted(&self, error: &MeterError) -> String {
        match error.reason(false) {
            Some(reason) => format!("{reason}: {error} ({})", self.vendor.shop),
            None => format!("the drawings cannot be counted: {error}"),
        }
    }
}

/// What tells this machine from others: the name that Linux gives it when it is set up.
fn fingerprint() -> String {
    let files = ["/etc/machine-id", "/proc/sys/kernel/hostname"];
    let names = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let mut names = names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    names.next().unwrap_or_else(|| "a machine without a name".to_owned())
}
