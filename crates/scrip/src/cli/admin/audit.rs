//! `scrip admin audit`.

use clap::Args;
use serde_json::Value;

use crate::cli::remote::{Paging, Remote, paged, text};
use crate::failure::Outcome;

/// Which part of the audit log.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin audit --limit 100
  scrip admin audit --json | jq '.data[] | select(.act == \"offer.changed\")'")]
pub struct AuditArgs {
    #[command(flatten)]
    page: Paging,
}

impl AuditArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        remote.tell(&remote.admin()?.get(&self.page.of("audit")).await?, list);
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
    paged(answer, &rows)
}
