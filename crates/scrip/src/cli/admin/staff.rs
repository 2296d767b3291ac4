//! `scrip admin staff`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, named, paged, table, text};
use crate::failure::Outcome;

/// What to do with the people who work here.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin staff invite bea@shop.example --name Bea --role support"
)]
pub struct StaffArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Invite somebody; the link, good once for 72 hours, is printed this once
    #[command(
        after_help = "Example:\n  scrip admin staff invite bea@shop.example --name Bea --role support"
    )]
    Invite {
        /// The address that will sign in
        email: String,
        /// What the person is called
        #[arg(long)]
        name: String,
        /// What the person may do
        #[arg(long, value_parser = ROLES)]
        role: String,
    },
    /// List people, newest first, those who have left too
    #[command(after_help = "Example:\n  scrip admin staff list")]
    List(Paging),
    /// Give somebody another role
    #[command(after_help = "Example:\n  scrip admin staff role stf_06bq3v8k2m9zc finance")]
    Role {
        /// The person's id
        id: String,
        /// What the person may do from now on
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Take somebody's password and second factor away, and invite the person anew
    #[command(after_help = "Example:\n  scrip admin staff reset stf_06bq3v8k2m9zc")]
    Reset {
        /// The person's id
        id: String,
    },
    /// End somebody's work here, at once and for good
    #[command(after_help = "Example:\n  scrip admin staff end stf_06bq3v8k2m9zc")]
    End {
        /// The person's id
        id: String,
    },
}

const ROLES: [&str; 5] = ["owner", "finance", "catalogue", "support", "read_only"];

impl StaffArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::Invite { email, name, role } => {
                let body = json!({ "email": email, "name": name, "role": role });
                remote.tell(&admin.post("staff", &body).await?, invitation);
            }
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("staff")).await?, list);
            }
            Action::Role { id, role } => {
                let path = format!("staff/{}", named(id)?);
                let changed = admin.patch(&path, &json!({ "role": role })).await?;
                remote.tell(&changed, one);
            }
            Action::Reset { id } => {
                let path = format!("staff/{}/reset", named(id)?);
                remote.tell(&admin.post(&path, &json!({})).await?, invitation);
            }
            Action::End { id } => {
                remote.tell(&admin.delete(&format!("staff/{}", named(id)?)).await?, one);
            }
        }
        Ok(())
    }
}

/// What is given to the person.
fn invitation(invited: &Value) -> String {
    format!(
        "{}\nGood once, until {}, for {} ({}). It is not shown again.",
        text(invited, "/invitation"),
        text(invited, "/invited_until"),
        text(invited, "/email"),
        text(invited, "/id"),
    )
}

fn row(member: &Value) -> Vec<String> {
    ["/id", "/email", "/name", "/role", "/state"]
        .map(|pointer| text(member, pointer).to_owned())
        .to_vec()
}

fn head() -> Vec<String> {
    ["WHO", "E-MAIL", "NAME", "ROLE", "STATE"].map(str::to_owned).to_vec()
}

fn one(member: &Value) -> String {
    table(&[head(), row(member)])
}

fn list(answer: &Value) -> String {
    let mut rows = vec![head()];
    let data = answer.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    rows.extend(data.map(row));
    paged(answer, &rows)
}
