//! Where the goods lie: in the folder, or in the bucket that the configuration names.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use scrip_domain::Entropy;
use scrip_engine::objects::bucket::Bucket;
use scrip_engine::{Fault, Objects};
use scrip_s3::{S3, Settings};
use scrip_storage::Blocking;

use crate::clock::SystemClock;
use crate::config::{BucketAccount, Config};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};

/// How long a start waits for the bucket.
const CLEARING: Duration = Duration::from_secs(5);

/// The objects of a server that starts: what it left unfinished when it died is cleared away.
pub async fn open(config: &Config) -> Outcome<Objects> {
    let Some(bucket) = bucket(config)? else {
        let folder = config.data.join("objects");
        let objects = Objects::open(&folder, config.server_number, Blocking::Threads);
        return objects.map_err(|fault| Failure::of(&fault));
    };
    let objects = Objects::in_bucket(bucket, config.server_number);
    // A shop sells while its bucket is away, and does not wait for one that says nothing. It is done before anything can
    // be uploaded: later it would throw away what this process begins.
    let cleared = match tokio::time::timeout(CLEARING, objects.clear()).await {
        Ok(cleared) => cleared,
        Err(_) => Err(Fault::Objects("the bucket of objects says nothing".to_owned())),
    };
    if let Err(fault) = cleared {
        tracing::warn!(%fault, "what was being uploaded when the server ended is cleared away at the next start");
    }
    Ok(objects)
}

/// The objects of a server that may be running.
pub fn look(config: &Config) -> Outcome<Objects> {
    Ok(match bucket(config)? {
        Some(bucket) => Objects::in_bucket(bucket, config.server_number),
        None => Objects::look(&config.data.join("objects"), Blocking::Inline),
    })
}

/// The bucket; none where the goods lie in the folder. Nothing is asked of the network.
pub fn bucket(config: &Config) -> Outcome<Option<Arc<dyn Bucket>>> {
    config.bucket.as_ref().map(s3).transpose()
}

fn s3(account: &BucketAccount) -> Outcome<Arc<dyn Bucket>> {
    let secret_key = account.secret.read()?;
    let settings = Settings {
        endpoint: account.endpoint.clone(),
        region: account.region.clone(),
        bucket: account.bucket.clone(),
        prefix: account.prefix.clone(),
        path_style: account.path_style,
        access_key: account.access_key.clone(),
        secret_key,
    };
    let s3 = S3::new(settings, Arc::new(SystemClock)).map_err(|error| {
        let failure = Failure::of(&error);
        Failure::new(format!("objects: {failure}"))
    })?;
    Ok(Arc::new(s3))
}

/// Puts everything that is `here` where it is not yet `there`.
pub async fn copy(here: &Objects, there: &Objects) -> Outcome {
    let failed = |fault: Fault| Failure::of(&fault);
    let known = there.all().await.map_err(failed)?;
    for (name, size) in here.all().await.map_err(failed)? {
        if known.get(&name) == Some(&size) {
            continue;
        }
        let Some(object) = here.get(name).await.map_err(failed)? else { continue };
        let put = there.put(object.chunks(0..object.size()), name).await.map_err(failed)?;
        put.map_err(|_| Failure::new(format!("the object {name} cannot be read, or is damaged")))?;
    }
    Ok(())
}

/// Proves that a bucket keeps an object, gives a part of it back, and deletes it; and that uploads in parts can be begun,
/// listed and thrown away.
pub async fn prove(bucket: &dyn Bucket) -> Outcome {
    let mut name = [0; 8];
    SystemEntropy.fill(&mut name);
    let key = format!("uploads/check-{:016x}", u64::from_be_bytes(name));
    let cannot = |what: &'static str| {
        move |fault: Fault| {
            Failure::new(format!("the bucket cannot {what}: {fault}"))
                .advise("docs/downloads.md says what its key must be allowed.")
        }
    };
    bucket
        .put(&key, b"scrip config check".as_slice().into())
        .await
        .map_err(cannot("keep an object"))?;
    let read = read(bucket, &key).await.map_err(cannot("read an object"));
    let deleted = bucket.delete(&key).await.map_err(cannot("delete an object"));
    let listed = bucket.list("uploads/check-", None).await.map_err(cannot("list objects"));
    let upload = bucket.begin(&key).await.map_err(cannot("begin an upload in parts"))?;
    let uploads = bucket.uploads(&key).await.map_err(cannot("list uploads in parts"));
    bucket.abort(&key, &upload).await.map_err(cannot("throw an upload away"))?;
    uploads?;
    let read = read?;
    deleted?;
    if read != b"config" {
        return Err(Failure::new("the bucket gives other bytes than were asked for"));
    }
    if listed?.objects.iter().any(|(left, _)| *left == key) {
        return Err(Failure::new("the bucket keeps what was deleted"));
    }
    Ok(())
}

/// Some bytes from the middle.
async fn read(bucket: &dyn Bucket, key: &str) -> Result<Vec<u8>, Fault> {
    let gone = || Fault::Objects("it does not have what it was given".to_owned());
    let mut flow = bucket.read(key, 6..12).await?.ok_or_else(gone)?;
    let mut bytes = Vec::new();
    while let Some(piece) = flow.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| Fault::Objects(error.to_string()))?);
    }
    Ok(bytes)
}
