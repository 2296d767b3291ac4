//! The program that was bought is really run: it refuses without its code, counts offline, and goes on after an
//! extension. It has no network; the story carries papers between it and the shop, as Ada would.

use std::path::PathBuf;
use std::process::Stdio;

use scrip_license::{ActivationRequest, LicenseFile};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Said, Story};
use crate::failure::{Failure, Outcome};

/// What is drawn: bars of one and two.
const NUMBERS: &str = "1\n2\n";
const DRAWN: &str = "▁█";

/// A folder on Ada's machine, which has no network.
struct Desk {
    folder: TempDir,
    /// Her license there.
    id: String,
    /// What is in the license file.
    file: LicenseFile,
    /// What the machine asks for.
    request: Value,
}

/// How a run of the program went.
struct Run {
    drew: bool,
    said: String,
}

impl Desk {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn save(&self) -> Outcome {
        self.file.save(&self.at("tallow.license")).map_err(|error| Failure::of(&error))
    }

    /// Runs the program as it was downloaded.
    async fn run(&self, args: &[&str]) -> Outcome<Run> {
        let numbers =
            std::fs::File::open(self.at("numbers")).map_err(|error| Failure::of(&error))?;
        let mut command = Command::new(self.at("tallow"));
        let ran = command.args(args).stdin(Stdio::from(numbers)).output().await;
        let ran = ran.map_err(|error| Failure::of(&error))?;
        let text = if ran.status.success() { &ran.stdout } else { &ran.stderr };
        let said = String::from_utf8_lossy(text).trim().to_owned();
        Ok(Run { drew: ran.status.success() && said == DRAWN, said })
    }

    async fn draw(&self) -> Outcome<Run> {
        self.run(&["--line"]).await
    }
}

impl Run {
    /// Whether it refused with this reason.
    fn refused(&self, code: &str) -> bool {
        !self.drew && self.said.starts_with(&format!("tallow: {code}"))
    }
}

impl Story<'_> {
    /// Tells of the program. A folder that an earlier demo kept has none that asks for its code.
    pub(super) async fn program(&mut self, ada: &str) -> Outcome {
        let Some((offer, price)) = self.drawings().await? else { return Ok(()) };
        let mut desk = self.unpack(ada, &offer, &price).await?;
        self.activate_by_hand(&mut desk).await?;
        self.count_offline(&mut desk).await?;
        self.extend(ada, &mut desk, &offer, &price).await?;
        self.copy_the_counter(&desk).await?;
        self.give_drawings_back(&mut desk).await?;
        self.new_key(ada, &mut desk).await
    }

    /// The offer by the drawing, with its price.
    async fn drawings(&mut self) -> Outcome<Option<(String, Value)>> {
        let admin = self.town.vendor.admin_key.clone();
        let product = self.ask(&admin, "GET", "/v1/admin/products/tallow", Value::Null).await?;
        let mut offers = product.json["offers"].as_array().into_iter().flatten();
        let offer = offers.find(|offer| offer["key"] == "twenty-drawings");
        let offer = offer.and_then(|offer| Some((offer["id"].as_str()?, &offer["price"])));
        Ok(offer.map(|(id, price)| (id.to_owned(), price.clone())))
    }

    /// Ada buys and downloads it, and runs it without its code.
    async fn unpack(&mut self, ada: &str, offer: &str, price: &Value) -> Outcome<Desk> {
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": price, "allow_duplicate": true });
        let order = self.ask(ada, "POST", "/v1/purchases", body).await?;
        let license = &order.json["licenses"][0];
        let code = license["code"]["jws"].as_str().unwrap_or_default().to_owned();
        let mut files = license["files"].as_array().into_iter().flatten();
        let file = files.find(|file| file["name"] == "tallow").cloned().unwrap_or_default();
        let folder = tempfile::tempdir().map_err(|error| Failure::of(&error))?;
        let desk = Desk {
            folder,
            id: order.at("/licenses/0/id").to_owned(),
            file: LicenseFile::of_code(code),
            request: Value::Null,
        };
        let path = format!("/v1/downloads/{}", file["id"].as_str().unwrap_or_default());
        let program = self.program_of(&path, &desk.file.code).await?;
        install(&desk, &program).map_err(|error| Failure::of(&error))?;
        let run = desk.draw().await?;
        self.teller.step(
            "Ada buys a program by the drawing; without its code it refuses to run",
            run.refused("there is no license in "),
            &format!("POST /v1/purchases, twenty drawings with tallow; GET {path}; tallow --line"),
            &run.said,
        );
        Ok(desk)
    }

    async fn program_of(&self, path: &str, code: &str) -> Outcome<Vec<u8>> {
        let license = format!("License {code}");
        let headers = [("authorization", license.as_str())];
        let answer = self
            .client
            .request(http::Method::GET, path, &headers, scrip_client::Body::empty())
            .await
            .map_err(|error| Failure::of(&error))?;
        Ok(answer.body.to_vec())
    }

    /// The machine is activated by a line that is carried to the shop.
    async fn activate_by_hand(&mut self, desk: &mut Desk) -> Outcome {
        self.carry_chain(desk).await?;
        let refused = desk.draw().await?;
        let request = desk.run(&["--request"]).await?.said;
        let read: ActivationRequest = request.parse().map_err(|error| Failure::of(&error))?;
        desk.request = serde_json::to_value(&read).map_err(|error| Failure::of(&error))?;
        let body = desk.request.clone();
        let active = self.ask("", "POST", "/v1/licenses/activate", body).await?;
        let held = refused.refused("NOT_ACTIVATED") && active.json["valid"] == true;
        let answer = format!(
            "{}\n{}… is carried to the shop\n200 {}: {}",
            refused.said,
            super::short(&request),
            active.at("/code"),
            active.at("/activation/id"),
        );
        self.teller.step(
            "The machine has no network: a request is carried out, the signed answer back",
            held,
            "tallow --request; POST /v1/licenses/activate",
            &answer,
        );
        Ok(())
    }

    /// Leases drawings for the desk, and carries lease and chain of keys there.
    async fn lease(&mut self, desk: &mut Desk, units: u64) -> Outcome<Said> {
        let mut body = desk.request.clone();
        body["code"] = desk.file.code.as_str().into();
        body["key"] = self.key().into();
        body["units"] = units.into();
        let leased = self.ask("", "POST", "/v1/licenses/lease", body).await?;
        if let Some(lease) = leased.json["lease"].as_str() {
            desk.file.lease = Some(lease.to_owned());
        }
        self.carry_chain(desk).await?;
        Ok(leased)
    }

    /// Carries the chain of keys to the desk: the program was made when the shop had its first one.
    async fn carry_chain(&mut self, desk: &mut Desk) -> Outcome {
        let chain = self.ask("", "GET", "/v1/keys/chain", Value::Null).await?;
        let links = chain.json["keys"].as_array().into_iter().flatten();
        desk.file.keys = links.filter_map(|link| Some(link.as_str()?.to_owned())).collect();
        desk.save()
    }

    /// Two drawings are left; they are leased, drawn, and no third one is.
    async fn count_offline(&mut self, desk: &mut Desk) -> Outcome {
        let mut body = desk.request.clone();
        body["units"] = 18.into();
        body["key"] = self.key().into();
        let taken = self.ask("", "POST", "/v1/licenses/consume", body).await?;
        let leased = self.lease(desk, 2).await?;
        let runs = [desk.draw().await?, desk.draw().await?, desk.draw().await?];
        let more = self.lease(desk, 1).await?;
        let held = taken.json["license"]["left"] == 2
            && leased.json["valid"] == true
            && runs.iter().map(|run| run.drew).eq([true, true, false])
            && runs[2].refused("PROCESSINGS_EXHAUSTED")
            && more.at("/code") == "PROCESSINGS_EXHAUSTED";
        let answer = format!(
            "18 of 20 are consumed online, the last 2 leased\n{} {} and then: {}\nthe shop says so, too: {}",
            runs[0].said,
            runs[1].said,
            runs[2].said,
            more.at("/code")
        );
        self.teller.step(
            "Offline the program counts its drawings, and stops when they are used up",
            held,
            "POST /v1/licenses/consume, /lease; tallow --line, three times",
            &answer,
        );
        Ok(())
    }

    /// Twenty more, for tokens.
    async fn extend(&mut self, ada: &str, desk: &mut Desk, offer: &str, price: &Value) -> Outcome {
        let path = format!("/v1/licenses/{}/extend", desk.id);
        let body = json!({ "offer": offer, "expected_total": price });
        let extended = self.ask(ada, "POST", &path, body).await?;
        let leased = self.lease(desk, 5).await?;
        let run = desk.draw().await?;
        let held = extended.status == 201 && leased.json["license"]["left"] == 15 && run.drew;
        let answer = format!(
            "{} {}, {} left at the shop, 5 leased\n{}",
            extended.status,
            extended.at("/state"),
            leased.json["license"]["left"],
            run.said
        );
        self.teller.step(
            "Extended with tokens, it goes on",
            held,
            &format!("POST {path}; POST /v1/licenses/lease; tallow --line"),
            &answer,
        );
        Ok(())
    }

    /// What was counted cannot be taken back by an older copy of the file.
    async fn copy_the_counter(&mut self, desk: &Desk) -> Outcome {
        let failed = |error: std::io::Error| Failure::of(&error);
        let mut meter = None;
        for entry in std::fs::read_dir(desk.at("tallow.state")).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let used = std::fs::read_to_string(&path).unwrap_or_default();
            // The one that goes on: the first lease is used up.
            if path.extension().is_some_and(|ending| ending == "meter")
                && used.contains("\"units\":5")
            {
                meter = Some(path);
            }
        }
        let meter = meter.ok_or_else(|| Failure::new("the program has no counter"))?;
        let kept = std::fs::read(&meter).map_err(failed)?;
        let drew = desk.draw().await?.drew;
        let newest = std::fs::read(&meter).map_err(failed)?;
        std::fs::write(&meter, kept).map_err(failed)?;
        let refused = desk.draw().await?;
        std::fs::write(&meter, newest).map_err(failed)?;
        let status = desk.run(&["--status"]).await?.said;
        let status: Value = serde_json::from_str(&status).unwrap_or_default();
        let held = drew && refused.refused("LEASE_EXPIRED") && status["left"] == 3;
        self.teller.step(
            "An older copy of its counter gives no drawing back",
            held,
            "a copy of tallow.state is put back; tallow --line",
            &format!("{}\nwith the right file {} are left", refused.said, status["left"]),
        );
        Ok(())
    }

    /// What was leased and not used comes back.
    async fn give_drawings_back(&mut self, desk: &mut Desk) -> Outcome {
        let said = desk.run(&["--give-back"]).await?.said;
        let body: Value = serde_json::from_str(&said).unwrap_or_default();
        let used = body["used"].clone();
        let returned = self.ask("", "POST", "/v1/licenses/return", body).await?;
        let refused = desk.draw().await?;
        let held =
            used == 2 && returned.json["license"]["left"] == 18 && refused.refused("LEASE_EXPIRED");
        let answer = format!(
            "2 of 5 were used, {} are left at the shop\nthe program: {}",
            returned.json["license"]["left"], refused.said
        );
        self.teller.step(
            "The lease is returned: unused drawings come back",
            held,
            "tallow --give-back; POST /v1/licenses/return",
            &answer,
        );
        Ok(())
    }

    /// The shop's key is changed and the code issued again; the copy with the old key goes on, the old code does not.
    async fn new_key(&mut self, ada: &str, desk: &mut Desk) -> Outcome {
        let old = desk.file.code.clone();
        let admin = self.town.vendor.admin_key.clone();
        self.ask(&admin, "POST", "/v1/admin/keys/rotate", Value::Null).await?;
        let path = format!("/v1/licenses/{}/reissue", desk.id);
        let again = self.ask(ada, "POST", &path, json!({})).await?;
        again.at("/code/jws").clone_into(&mut desk.file.code);
        let leased = self.lease(desk, 3).await?;
        let chain = std::mem::take(&mut desk.file.keys);
        desk.save()?;
        let stranger = desk.draw().await?;
        desk.file.keys = chain;
        desk.save()?;
        let run = desk.draw().await?;
        let list = self.program_of("/v1/revocations", "").await?;
        desk.file.revocations = Some(String::from_utf8_lossy(&list).into_owned());
        let new = std::mem::replace(&mut desk.file.code, old);
        desk.save()?;
        let dead = desk.draw().await?;
        desk.file.code = new;
        desk.save()?;
        let listed = desk.draw().await?;
        let held = leased.json["valid"] == true
            && stranger.refused("BAD_SIGNATURE")
            && run.drew
            && dead.refused("SUPERSEDED")
            && listed.drew;
        let answer = format!(
            "without the chain of keys: {}\nwith it: {}\nthe old code, by the list: {}",
            stranger.said, run.said, dead.said
        );
        self.teller.step(
            "A new key signs a new code: the program, made before, follows the chain, offline",
            held,
            &format!(
                "POST /v1/admin/keys/rotate; POST {path}; GET /v1/keys/chain, /v1/revocations"
            ),
            &answer,
        );
        Ok(())
    }
}

/// Puts the program there, so that it can be run.
fn install(desk: &Desk, program: &[u8]) -> std::io::Result<()> {
    std::fs::write(desk.at("numbers"), NUMBERS)?;
    let path = desk.at("tallow");
    std::fs::write(&path, program)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
