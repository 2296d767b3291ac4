use std::fs::{self, File};
use std::sync::Mutex;

use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::bucket::{Asked, Flow, Listed};
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

async fn put(objects: &Objects, bytes: &[u8], declared: Digest) -> Result<Stored, PutRefusal> {
    let parts = stream::iter(bytes.chunks(70_001).map(Ok::<_, ()>));
    objects.put(parts, declared).await.unwrap()
}

async fn keep(objects: &Objects, bytes: &[u8]) -> Stored {
    put(objects, bytes, digest(bytes)).await.unwrap()
}

async fn read(objects: &Objects, sha256: Digest, range: Range<u64>) -> Vec<u8> {
    let mut chunks = objects.get(sha256).await.unwrap().unwrap().chunks(range);
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await {
        all.extend_from_slice(chunk.unwrap().as_ref());
    }
    assert_eq!(chunks.remaining(), 0);
    all
}

/// A bucket in memory.
#[derive(Debug, Default)]
struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<String, Vec<u8>>,
    /// Uploads by name: their keys and parts.
    uploads: BTreeMap<String, (String, BTreeMap<u16, Vec<u8>>)>,
    begun: u32,
    /// How many bytes an answer brings before it breaks off.
    breaks_after: Option<usize>,
    /// How many answers break off so; then none.
    breaks: u32,
    /// No answer comes any more.
    is_gone: bool,
}

impl Memory {
    fn ask<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut Kept) -> T) -> Asked<'a, T> {
        let mut kept = self.0.lock().unwrap();
        let answer =
            if kept.is_gone { Err(Fault::Objects("gone".into())) } else { Ok(work(&mut kept)) };
        async { answer }.boxed()
    }

    fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().objects.keys().cloned().collect()
    }

    fn under_way(&self) -> usize {
        self.0.lock().unwrap().uploads.len()
    }
}

impl Bucket for Memory {
    fn size<'a>(&'a self, key: &'a str) -> Asked<'a, Option<u64>> {
        self.ask(|kept| kept.objects.get(key).map(|bytes| bytes.len() as u64))
    }

    fn read<'a>(&'a self, key: &'a str, range: Range<u64>) -> Asked<'a, Option<Flow>> {
        self.ask(|kept| {
            let bytes = kept.objects.get(key)?;
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            let mut pieces: Vec<io::Result<Bytes>> = bytes[range]
                .chunks(50_000)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect();
            if let Some(most) = kept.breaks_after.filter(|_| kept.breaks > 0) {
                kept.breaks -= 1;
                pieces.truncate(most / 50_000);
                // As an error, or as an end that comes too early: neither is the end of the object.
                if kept.breaks % 2 == 0 {
                    pieces.push(Err(io::ErrorKind::ConnectionReset.into()));
                }
            }
            Some(stream::iter(pieces).boxed())
        })
    }

    fn put<'a>(&'a self, key: &'a str, bytes: Bytes) -> Asked<'a, ()> {
        self.ask(|kept| drop(kept.objects.insert(key.to_owned(), bytes.into())))
    }

    fn delete<'a>(&'a self, key: &'a str) -> Asked<'a, ()> {
        self.ask(|kept| drop(kept.objects.remove(key)))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<String>) -> Asked<'a, Listed> {
        self.ask(|kept| {
            let from = after.unwrap_or_default();
            let own =
                kept.objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > from);
            let mut objects: Vec<_> =
                own.map(|(key, bytes)| (key.clone(), bytes.len() as u64)).collect();
            let more = objects.len() > 2;
            objects.truncate(2);
            let next = objects.last().filter(|_| more).map(|(key, _)| key.clone());
            Listed { objects, next }
        })
    }

    fn begin<'a>(&'a self, key: &'a str) -> Asked<'a, String> {
        self.ask(|kept| {
            kept.begun += 1;
            let name = format!("upload {}", kept.begun);
            kept.uploads.insert(name.clone(), (key.to_owned(), BTreeMap::new()));
            name
        })
    }

    fn part<'a>(
        &'a self,
        key: &'a str,
        upload: &'a str,
        part: u16,
        bytes: Bytes,
    ) -> Asked<'a, String> {
        self.ask(|kept| {
            let (of, parts) = kept.uploads.get_mut(upload).unwrap();
            assert_eq!(of, key);
            parts.insert(part, bytes.into());
            format!("tag {part}")
        })
    }

    fn complete<'a>(
        &'a self,
        key: &'a str,
        upload: &'a str,
        tags: &'a [String],
        size: u64,
    ) -> Asked<'a, ()> {
        self.ask(|kept| {
            let (of, parts) = kept.uploads.remove(upload).unwrap();
            assert_eq!(of, key);
            assert_eq!(parts.values().map(Vec::len).sum::<usize>() as u64, size);
            let expected: Vec<_> = parts.keys().map(|part| format!("tag {part}")).collect();
            assert_eq!(tags, expected);
            kept.objects.insert(of, parts.into_values().flatten().collect());
        })
    }

    fn abort<'a>(&'a self, _: &'a str, upload: &'a str) -> Asked<'a, ()> {
        self.ask(|kept| drop(kept.uploads.remove(upload)))
    }

    fn uploads<'a>(&'a self, key: &'a str) -> Asked<'a, Vec<String>> {
        self.ask(|kept| {
            let own = kept.uploads.iter().filter(|(_, (of, _))| of == key);
            own.map(|(name, _)| name.clone()).collect()
        })
    }
}

/// Where objects can lie; the folder goes with it.
struct Place {
    name: &'static str,
    objects: Objects,
    _folder: Option<tempfile::TempDir>,
}

fn in_folder(blocking: Blocking) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 0, blocking).unwrap();
    Place { name: "folder", objects, _folder: Some(folder) }
}

fn in_memory() -> (Arc<Memory>, Objects) {
    let memory = Arc::new(Memory::default());
    (memory.clone(), Objects::in_bucket(memory, 0))
}

fn places() -> [Place; 3] {
    let bucket = Place { name: "bucket", objects: in_memory().1, _folder: None };
    [in_folder(Blocking::Inline), in_folder(Blocking::Threads), bucket]
}

#[tokio::test]
async fn what_was_put_away_comes_back() {
    for Place { name, objects, _folder } in places() {
        for length in [0, 1, 70_001, 3 << 20, (3 << 20) + 17, 8 << 20, (16 << 20) + 3] {
            let content = bytes(length);
            let stored = keep(&objects, &content).await;
            assert_eq!(stored.sha256, digest(&content));
            assert_eq!(stored.size, length as u64);
            assert_eq!(objects.size(stored.sha256).await.unwrap(), Some(stored.size));
            let back = read(&objects, stored.sha256, 0..stored.size).await;
            assert!(back == content, "{name}: {length}");
        }
        assert_eq!(objects.all().await.unwrap().len(), 7, "{name}");
        assert_eq!(objects.size(digest(b"nothing")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_second_digest_is_known_of_what_was_uploaded_and_read_of_what_was_not() {
    let abc =
        "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
    let (memory, objects) = in_memory();
    let stored = keep(&objects, b"abc").await;
    assert_eq!(stored.sha512, abc);
    assert_eq!(objects.known_sha512(stored.sha256).as_deref(), Some(abc));
    // As after a restart.
    let objects = Objects::in_bucket(memory.clone(), 0);
    assert_eq!(objects.known_sha512(stored.sha256), None);
    assert_eq!(objects.sha512(stored.sha256).await.unwrap().as_deref(), Some(abc));
    assert_eq!(objects.sha512(digest(b"nothing")).await.unwrap(), None);
    // Damaged bytes have no second digest to tell.
    let key = memory.keys()[0].clone();
    memory.0.lock().unwrap().objects.insert(key, b"abd".to_vec());
    let objects = Objects::in_bucket(memory, 0);
    assert!(objects.sha512(stored.sha256).await.is_err());
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_object_and_repair_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 0, Blocking::Threads).unwrap();
    let content = bytes(2_000_000);
    let stored = keep(&objects, &content).await;
    let path = folder.path().join(&names(folder.path())[0]);
    fs::write(&path, b"damaged").unwrap();
    assert_eq!(keep(&objects, &content).await, stored);
    assert_eq!(names(folder.path()).len(), 1);
    assert!(fs::read(&path).unwrap() == content);

    let (memory, objects) = in_memory();
    let content = bytes(20 << 20);
    let stored = keep(&objects, &content).await;
    let key = memory.keys()[0].clone();
    memory.0.lock().unwrap().objects.insert(key.clone(), b"damaged".to_vec());
    assert_eq!(keep(&objects, &content).await, stored);
    assert_eq!(memory.keys(), [key]);
    assert!(read(&objects, stored.sha256, 0..stored.size).await == content);
}

#[test]
fn what_is_cut_or_has_another_digest_leaves_nothing_in_a_folder() {
    for blocking in [Blocking::Inline, Blocking::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let objects = Objects::open(folder.path(), 0, blocking).unwrap();
            leave_nothing(&objects, &bytes(2_500_000)).await;
        });
        // A thread may still be writing the last part of what was dropped: this waits for it.
        drop(runtime);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

/// Uploads that come to nothing, in every way.
async fn leave_nothing(objects: &Objects, content: &[u8]) {
    let cut = stream::iter([Ok(content), Err("connection reset")]);
    assert_eq!(objects.put(cut, digest(content)).await.unwrap(), Err(PutRefusal::Cut));
    let other = put(objects, content, digest(b"declared")).await;
    assert_eq!(other, Err(PutRefusal::OtherDigest(digest(content))));
    let mut dropped = objects.upload(digest(content));
    dropped.write(content).await.unwrap();
}

#[tokio::test]
async fn what_is_cut_or_has_another_digest_leaves_nothing_in_a_bucket() {
    for length in [100, 8 << 20, 17 << 20, 40 << 20] {
        let (memory, objects) = in_memory();
        leave_nothing(&objects, &bytes(length)).await;
        // It is thrown away beside us: we give way until it is.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(memory.keys(), Vec::<String>::new(), "{length}");
        assert_eq!(memory.under_way(), 0, "{length}");
    }
}

#[tokio::test]
async fn a_start_clears_away_what_died_unfinished_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 1, Blocking::Inline).unwrap();
    let stored = keep(&objects, b"kept").await;
    fs::write(folder.path().join("upload-1-9"), b"half").unwrap();
    fs::write(folder.path().join("upload-12-9"), b"another server's").unwrap();
    let looked = Objects::look(folder.path(), Blocking::Inline);
    assert_eq!(looked.all().await.unwrap(), BTreeMap::from([(stored.sha256, 4)]));
    assert_eq!(names(folder.path()).len(), 3, "who only looks changes nothing");
    let objects = Objects::open(folder.path(), 1, Blocking::Inline).unwrap();
    assert_eq!(read(&objects, stored.sha256, 0..4).await, b"kept");
    assert_eq!(names(folder.path()).len(), 2);
    assert_eq!(names(folder.path())[1], "upload-12-9");
}

#[tokio::test]
async fn a_start_aborts_the_uploads_of_a_server_that_died_and_of_no_other() {
    let memory = Arc::new(Memory::default());
    let server = |number| Objects::in_bucket(memory.clone(), number);
    let kept = keep(&server(1), &bytes(20 << 20)).await;
    let (one, other) = (bytes((20 << 20) + 1), bytes((20 << 20) + 2));
    let mut dies = server(1).upload(digest(&one));
    dies.write(&one).await.unwrap();
    let mut lives = server(12).upload(digest(&other));
    lives.write(&other).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(memory.under_way(), 2);
    // It dies without a chance to clear up.
    std::mem::forget(dies);
    server(1).clear().await.unwrap();
    assert_eq!(memory.under_way(), 1);
    let stored = lives.finish().await.unwrap().unwrap();
    assert_eq!(stored.sha256, digest(&other));
    let left: Vec<_> =
        memory.keys().into_iter().filter(|key| key.starts_with("uploads/")).collect();
    assert_eq!(left, Vec::<String>::new());
    let all = server(1).all().await.unwrap().into_keys().collect::<Vec<_>>();
    let mut expected = vec![kept.sha256, stored.sha256];
    expected.sort();
    assert_eq!(all, expected);
}

/// Takes bytes whose digest nobody declared.
async fn take(objects: &Objects, bytes: &[u8]) -> Result<Stored, PutRefusal> {
    objects.take(stream::iter(bytes.chunks(70_001).map(Ok::<_, ()>))).await.unwrap()
}

#[tokio::test]
async fn bytes_without_a_declared_digest_get_the_name_that_they_have() {
    for length in [0, 1, 900_000, 8 << 20, (17 << 20) + 5] {
        let content = bytes(length);
        for Place { objects, _folder, .. } in places() {
            for _ in 0..2 {
                let stored = take(&objects, &content).await.unwrap();
                assert_eq!(stored.sha256, digest(&content), "{length}");
                assert_eq!(stored.size, length as u64);
                assert_eq!(objects.known_sha512(stored.sha256), Some(stored.sha512));
            }
            let whole = 0..length as u64;
            assert!(read(&objects, digest(&content), whole).await == content, "{length}");
        }
    }
    let (memory, objects) = in_memory();
    let stored = take(&objects, &bytes(20 << 20)).await.unwrap();
    assert_eq!(memory.keys(), [format!("objects/{}", path_of(stored.sha256))]);
    assert_eq!(memory.under_way(), 0);
}

#[tokio::test]
async fn what_is_cut_before_it_has_a_name_leaves_nothing() {
    for length in [100, 8 << 20, 17 << 20] {
        let content = bytes(length);
        let parts = content.chunks(70_001).map(Ok).chain([Err("cut")]);
        let (memory, objects) = in_memory();
        assert_eq!(objects.take(stream::iter(parts.clone())).await.unwrap(), Err(PutRefusal::Cut));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(memory.keys(), Vec::<String>::new(), "{length}");
        assert_eq!(memory.under_way(), 0, "{length}");
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(folder.path(), 0, Blocking::Inline).unwrap();
        assert_eq!(objects.take(stream::iter(parts)).await.unwrap(), Err(PutRefusal::Cut));
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{length}");
    }
}

#[tokio::test]
async fn a_start_clears_away_what_died_without_a_name() {
    let memory = Arc::new(Memory::default());
    let home = InBucket::new(memory.clone(), 1);
    let mut dies = home.nameless();
    dies.write(&bytes(20 << 20)).await.unwrap();
    tokio::task::yield_now().await;
    std::mem::forget(dies);
    assert_eq!(memory.under_way(), 1);
    // One died after it was complete, and before it had its name.
    memory.put("uploads/1-7-nameless/bytes", Bytes::from_static(b"whole")).await.unwrap();
    memory.put("uploads/12-7-nameless/bytes", Bytes::from_static(b"not ours")).await.unwrap();
    Objects::in_bucket(memory.clone(), 1).clear().await.unwrap();
    assert_eq!(memory.under_way(), 0);
    assert_eq!(memory.keys(), ["uploads/12-7-nameless/bytes"]);
}

#[tokio::test]
async fn a_start_leaves_what_another_server_uploads_too() {
    let memory = Arc::new(Memory::default());
    let server = |number| Objects::in_bucket(memory.clone(), number);
    let same = bytes(20 << 20);
    let mut uploads = [1, 2].map(|number| server(number).upload(digest(&same)));
    for upload in &mut uploads {
        upload.write(&same).await.unwrap();
    }
    tokio::task::yield_now().await;
    let [dies, lives] = uploads;
    std::mem::forget(dies);
    server(1).clear().await.unwrap();
    let stored = lives.finish().await.unwrap().unwrap();
    assert_eq!(stored.sha256, digest(&same));
    let left = memory.keys().into_iter().any(|key| key.starts_with("uploads/"));
    assert!(!left, "each marker goes with its server");
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error_not_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path(), 0, Blocking::Threads).unwrap();
    let stored = keep(&objects, &bytes(900_000)).await;
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

#[tokio::test]
async fn a_bucket_that_breaks_off_is_asked_again_from_there() {
    let (memory, objects) = in_memory();
    let content = bytes(1_000_000);
    let stored = keep(&objects, &content).await;
    {
        let mut kept = memory.0.lock().unwrap();
        (kept.breaks_after, kept.breaks) = (Some(100_000), 6);
    }
    assert!(read(&objects, stored.sha256, 1..999_999).await == content[1..999_999]);
    assert_eq!(memory.0.lock().unwrap().breaks, 0);
}

/// Who reads sees an error, and never an end before the end.
#[tokio::test]
async fn a_bucket_that_is_gone_is_an_error_not_an_end() {
    let (memory, objects) = in_memory();
    let stored = keep(&objects, &bytes(1_000_000)).await;
    for breaks in [7, 8] {
        let object = objects.get(stored.sha256).await.unwrap().unwrap();
        {
            let mut kept = memory.0.lock().unwrap();
            // It still gives a little, then nothing at all, as often as it is asked.
            (kept.breaks_after, kept.breaks) = (Some(0), breaks);
        }
        let mut chunks = object.chunks(0..stored.size);
        assert!(chunks.next().await.unwrap().is_err());
        assert_eq!(chunks.remaining(), stored.size);
    }
    memory.0.lock().unwrap().breaks = 0;
    let object = objects.get(stored.sha256).await.unwrap().unwrap();
    let mut chunks = object.chunks(0..stored.size);
    assert!(chunks.next().await.unwrap().is_ok());
    memory.0.lock().unwrap().is_gone = true;
    let mut seen = 0;
    // What had come was on its way; the rest is not asked for any more once an answer breaks.
    while let Some(Ok(chunk)) = chunks.next().await {
        seen += chunk.as_ref().len();
    }
    assert!(seen < 1_000_000);
    assert!(matches!(objects.size(stored.sha256).await, Err(Fault::Objects(_))));
    assert!(objects.put(stream::iter([Ok::<_, ()>(b"x")]), digest(b"x")).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_range_is_that_part(start in 0_u64..700_000, length in 0_u64..700_000) {
        let content = bytes(700_000);
        let end = (start + length).min(700_000);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let parts = runtime.block_on(async {
            let mut parts = Vec::new();
            for Place { objects, _folder, .. } in places() {
                let stored = keep(&objects, &content).await;
                parts.push(read(&objects, stored.sha256, start..end).await);
            }
            parts
        });
        let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
        for part in parts {
            prop_assert!(part == content[start..end]);
        }
    }
}
