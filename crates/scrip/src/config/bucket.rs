//! The bucket that keeps the goods, in the place of the folder.

use std::path::Path;

use super::raw::Raw;
use super::secret::Secret;
use crate::failure::{Failure, Outcome};

/// A bucket, and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAccount {
    /// Where the service stands.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// What all keys begin with: empty, or with a slash at its end.
    pub prefix: String,
    /// Whether the bucket's name stands in the path.
    pub path_style: bool,
    /// The name of the key.
    pub access_key: String,
    /// The key itself.
    pub secret: Secret,
}

impl BucketAccount {
    /// The bucket, if one is configured. Half of one is a mistake.
    pub fn of(raw: &Raw, folder: &Path) -> Outcome<Option<Self>> {
        let text = |name: &str| -> Outcome<Option<String>> {
            Ok(raw.text(&format!("objects.{name}"))?.filter(|text| !text.is_empty()))
        };
        // Read in any case: what is of the wrong type is wrong without a bucket, too.
        let (region, path_style) = (text("region")?, raw.flag("objects.path_style")?);
        let Some(bucket) = text("bucket")? else {
            let others = ["endpoint", "prefix", "access_key", "secret_key_file"];
            for name in others {
                if text(name)?.is_some() {
                    return Err(Failure::new(format!(
                        "objects.{name} is given, and no objects.bucket"
                    ))
                    .advise("Without a bucket the goods lie in the folder objects/."));
                }
            }
            return Ok(None);
        };
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = text("endpoint")?;
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let access_key = text("access_key")?
            .ok_or_else(|| lacks("access_key, or SCRIP_OBJECTS_ACCESS_KEY in the environment"))?;
        let secret = Secret::of(raw, folder, "objects.secret_key")?.ok_or_else(|| {
            lacks("secret_key_file, or SCRIP_OBJECTS_SECRET_KEY in the environment")
        })?;
        let path_style = path_style.unwrap_or(false);
        let prefix = prefix(&text("prefix")?.unwrap_or_default())?;
        Ok(Some(Self { endpoint, region, bucket, prefix, path_style, access_key, secret }))
    }
}

fn lacks(what: &str) -> Failure {
    Failure::new(format!("objects lacks {what}"))
        .advise("docs/downloads.md says what a bucket needs.")
}

/// A prefix with one slash at its end, or nothing.
fn prefix(text: &str) -> Outcome<String> {
    let text = text.trim_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.len() > 200 || !text.chars().all(is_plain) || text.contains("//") {
        return Err(Failure::new("objects.prefix must be at most 200 of a-z A-Z 0-9 - _ . and /"));
    }
    Ok(if text.is_empty() { String::new() } else { format!("{text}/") })
}
