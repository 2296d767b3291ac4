//! `scrip admin audit`.

use clap::Args;
use serde_json::Value;

use crate::cli::remote::{Remote, table, text};
use crate::failure::Outcome;

/// Which part of the audit log.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin audit --limit 100
  scrip admin audit --json | jq '.data[] | select(.act == \"offer.changed\")'")]
pub struct AuditArgs {
    /// How many at most, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// The `next` of the list before
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl AuditArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let after = self.after.as_ref().map(|after| format!("&after={after}"));
        let path = format!("audit?limit={}{}", self.limit, after.unwrap_or_default());
        remote.tell(&remote.admin()?.get(&path).await?, list);
        Ok(())
    }
}

fn list(answer: &Value) -> String {
    let mut rows = vec![["WHEN", "WHO", "WHAT", "ON", "CHANGED"].map(str::to_owned).to_vec()];
    for act in answer.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
        let cells = ["/at", "/actor", "/act", "/subject"].map(|pointer| text(act, pointer));
        let mut row = cells.map(str::to_owned).to_vec();
        let changed = act.pointer("/changes").and_then(Value::as_object);
        let members: Vec<_> = changed.into_iter().flatten().map(|(name, _)| &**name).collect();
        row.push(members.join(", "));
        rows.push(row);
    }
    match text(answer, "/next") {
        "" => table(&rows),
        next => format!("{}\nmore: --after {next}", table(&rows)),
    }
}
