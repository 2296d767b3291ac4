use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// What lies in `folder` and below, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(fs::read_dir(&path).unwrap().map(|entry| {
                entry.unwrap().path().strip_prefix(folder).unwrap().display().to_string()
            }));
        } else {
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    names.sort();
    names
}

/// Bytes in which every place can be told from its neighbours.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

async fn put(
    objects: &Objects,
    bytes: &[u8],
    declared: Option<Digest>,
) -> Result<Stored, PutRefusal> {
    let parts = stream::iter(bytes.chunks(70_001).map(Ok::<_, ()>));
    objects.put(parts, declared).await.unwrap()
}

async fn read(objects: &Objects, sha256: Digest, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut chunks = objects.get(sha256).await.unwrap().unwrap().chunks(range);
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await {
        all.extend_from_slice(chunk.unwrap().as_ref());
    }
    all
}

#[tokio::test]
async fn what_was_put_away_comes_back() {
    for blocking in [Blocking::Inline, Blocking::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(folder.path(), 0, blocking).unwrap();
        for length in [0, 1, 70_001, 3 * 1024 * 1024, 3 * 1024 * 1024 + 17] {
            let content = bytes(length);
            let stored = put(&objects, &content, Some(digest(&content))).await.unwrap();
            assert_eq!(stored.sha256, digest(&content));
            assert_eq!(stored.size, length as u64);
            assert_eq!(objects.size(stored.sha256).await.unwrap(), Some(stored.size));
            assert!(read(&objects, stored.sha256, 0..stored.size).await == content);
        }
        let name = digest(b"").to_string();
        assert!(names(folder.path()).contains(&format!("e3/{name}")));
        assert_eq!(objects.size(digest(b"nothing")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_object_and_repair_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 0, Blocking::Threads).unwrap();
    let content = bytes(2_000_000);
    let stored = put(&objects, &content, None).await.unwrap();
    let path = folder.path().join(&names(folder.path())[0]);
    fs::write(&path, b"damaged").unwrap();
    assert_eq!(put(&objects, &content, None).await, Ok(stored));
    assert_eq!(names(folder.path()).len(), 1);
    assert!(fs::read(&path).unwrap() == content);
}

#[test]
fn what_is_cut_or_has_another_digest_leaves_nothing() {
    for blocking in [Blocking::Inline, Blocking::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let objects = Objects::open(folder.path(), 0, blocking).unwrap();
            let content = bytes(2_500_000);
            let cut = stream::iter([Ok(content.as_slice()), Err("connection reset")]);
            assert_eq!(objects.put(cut, None).await.unwrap(), Err(PutRefusal::Cut));
            let other = put(&objects, &content, Some(digest(b"declared"))).await;
            assert_eq!(other, Err(PutRefusal::OtherDigest(digest(&content))));
            let mut dropped = objects.upload();
            dropped.write(&content).await.unwrap();
        });
        // A thread may still be writing the last part of what was dropped: this waits for it.
        drop(runtime);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_start_clears_away_what_died_unfinished_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 1, Blocking::Inline).unwrap();
    let stored = put(&objects, b"kept", None).await.unwrap();
    fs::write(folder.path().join("upload-1-9"), b"half").unwrap();
    fs::write(folder.path().join("upload-12-9"), b"another server's").unwrap();
    let objects = Objects::open(folder.path(), 1, Blocking::Inline).unwrap();
    assert_eq!(read(&objects, stored.sha256, 0..4).await, b"kept");
    assert_eq!(names(folder.path()).len(), 2);
    assert_eq!(names(folder.path())[1], "upload-12-9");
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error_not_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 0, Blocking::Threads).unwrap();
    let stored = put(&objects, &bytes(900_000), None).await.unwrap();
    let mut chunks = objects.get(stored.sha256).await.unwrap().unwrap().chunks(0..900_000);
    assert!(chunks.next().await.unwrap().is_ok());
    let path = folder.path().join(&names(folder.path())[0]);
    File::options().write(true).open(path).unwrap().set_len(300_000).unwrap();
    let mut failed = false;
    while let Some(chunk) = chunks.next().await {
        failed |= chunk.is_err();
        if failed {
            break;
        }
    }
    assert!(failed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_range_is_that_part(start in 0_u64..700_000, length in 0_u64..700_000, inline: bool) {
        let content = bytes(700_000);
        let end = (start + length).min(700_000);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let blocking = if inline { Blocking::Inline } else { Blocking::Threads };
        let part = runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let objects = Objects::open(folder.path(), 0, blocking).unwrap();
            let stored = put(&objects, &content, None).await.unwrap();
            read(&objects, stored.sha256, start..end).await
        });
        let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
        prop_assert!(part == content[start..end]);
    }
}
