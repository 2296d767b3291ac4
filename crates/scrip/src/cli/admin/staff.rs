//! `scrip admin staff`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::partners::named;
use crate::cli::remote::{Remote, table, text};
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
    List {
        /// How many at most, 1 to 100
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// The `next` of the list before
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
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
            Action::List { limit, after } => {
                let after = after.as_ref().map(|after| format!("&after={after}"));
                let path = format!("staff?limit={limit}{}", after.unwrap_or_default());
                remote.tell(&admin.get(&path).await?, list);
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
    match text(answer, "/next") {
        "" => table(&rows),
        next => format!("{}\nmore: --after {next}", table(&rows)),
    }
}
