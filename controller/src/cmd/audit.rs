//! `jmp-controller audit`: who did what, and when.

use http::Method;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, show, table};
use super::{Outcome, block_on};
use crate::admin::types::RecordView;
use crate::cli::Target;

/// Show what happened, the last of it last
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # What happened lately?
  jmp-controller audit
  # What became of a lease, and who had a hand in it?
  jmp-controller audit lease 019ab0c4-93a5-7cc8-b0a2-5f4c8f1f3c11
  # Everything there is on record, for a program
  jmp-controller audit --limit 10000 -o json")]
pub struct Cmd {
    /// Only about an object of this kind: client, exporter, lease, policy, key
    #[arg(requires = "name")]
    kind: Option<String>,

    /// The name of that object
    name: Option<String>,

    /// Its namespace; else the one of the configuration
    #[arg(short, long)]
    namespace: Option<String>,

    /// No more records than this
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// Only those before the one with this id
    #[arg(long, value_name = "ID")]
    before: Option<i64>,

    /// Print it for programs; `name` prints ids
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        block_on(async {
            let admin = Admin::find(target, self.namespace.as_deref()).await?;
            let done = self.show(&admin).await;
            admin.close().await;
            done
        })
    }

    async fn show(self, admin: &Admin) -> Outcome {
        let mut path = format!("/audit?most={}", self.limit);
        if let Some(before) = self.before {
            path.push_str(&format!("&before={before}"));
        }
        if let (Some(kind), Some(name)) = (&self.kind, &self.name) {
            let namespace = segment(admin.namespace())?;
            let (kind, name) = (segment(kind)?, segment(name)?);
            path.push_str(&format!("&kind={kind}&namespace={namespace}&name={name}"));
        }
        let mut all: Vec<RecordView> = admin.call(Method::GET, &path, NOTHING).await?;
        all.reverse();
        let ids: Vec<String> = all.iter().map(|record| record.id.to_string()).collect();
        let rows = all.iter().map(|record| {
            let object = format!("{} {}/{}", record.kind, record.namespace, record.name);
            [
                record.at.clone(),
                record.actor.clone(),
                record.what.clone(),
                object,
                record.detail.clone(),
            ]
        });
        show(self.output, &all, &ids.join("\n"), || {
            table(["TIME", "WHO", "WHAT", "OBJECT", "DETAIL"], rows)
        })
    }
}
