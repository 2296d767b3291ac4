//! `scrip get`: cut lines, a killed client, what is there already, what a server says that cannot be believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use scrip_client::Client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::shop::{Folder, Server, run, said, scrip};

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes in which every place can be told from its neighbours.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

/// A shop that has sold two files, and the buyer's folder.
struct Sold {
    folder: Folder,
    server: Server,
    song: Vec<u8>,
    short: String,
    jws: String,
    license: String,
    product: String,
    home: TempDir,
}

fn upload(server: &Server, admin: &str, content: &[u8]) {
    let client = Client::new(&server.url).unwrap().bearer(admin);
    let path = format!("/v1/admin/objects/{}", hex(content));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let put = client.request(Method::PUT, &path, &[], content.to_vec());
    assert!(runtime.block_on(put).unwrap().status.is_success());
}

impl Sold {
    fn new(length: usize) -> Self {
        let folder = Folder::new();
        let server = folder.serve();
        let admin = folder.admin_key.clone();
        let song = bytes(length);
        upload(&server, &admin, &song);
        upload(&server, &admin, b"la la la");
        let put = |path: &str, body: Value| {
            server.call(Method::PUT, &format!("/v1/admin/products/song{path}"), &admin, "-", &body)
        };
        put("", json!({"kind": "download", "title": "Song"}));
        let files = json!([
            {"name": "Song of the sea.wav", "sha256": hex(&song)},
            {"name": "words.txt", "sha256": hex(b"la la la")},
        ]);
        put("/releases/stable/1.0", json!({"files": files, "publish": true}));
        let price = json!({"amount": 7, "unit": "TOK"});
        let offer = put("/offers/one", json!({"price": price, "terms": {"kind": "perpetual"}}));
        server.call(Method::POST, "/v1/admin/products/song/publish", &admin, "-", &Value::Null);
        let body = json!({"email": "ada@example.org", "password": "correct horse"});
        let opened = server.call(Method::POST, "/v1/accounts", "", "-", &body);
        let account = opened["account"]["id"].as_str().unwrap();
        let given = json!({"tokens": {"amount": 7, "unit": "TOK"}, "reason": "a test"});
        let path = format!("/v1/admin/accounts/{account}/adjust");
        server.call(Method::POST, &path, &admin, "-", &given);
        let body = json!({"lines": [{"offer": offer["id"]}], "expected_total": price});
        let token = opened["token"].as_str().unwrap();
        let order = server.call(Method::POST, "/v1/purchases", token, "buy", &body);
        let text = |pointer: &str| order.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        Self {
            short: text("/licenses/0/code/short"),
            jws: text("/licenses/0/code/jws"),
            license: text("/licenses/0/id"),
            product: text("/licenses/0/product"),
            home: tempfile::tempdir().unwrap(),
            folder,
            server,
            song,
        }
    }

    fn out(&self) -> PathBuf {
        self.home.path().join("downloads")
    }

    fn args<'a>(code: &'a str, server: &'a str, out: &'a Path) -> Vec<&'a str> {
        vec!["get", code, "--server", server, "--out", out.to_str().unwrap()]
    }

    fn get(&self, code: &str, more: &[&str]) -> (String, i32) {
        let out = self.out();
        let mut args = Self::args(code, &self.server.url, &out);
        args.extend(more);
        said(&run(&args))
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.out()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn part(&self) -> PathBuf {
        self.out().join(format!("Song of the sea.wav.{}.part", &hex(&self.song)[..12]))
    }

    fn song(&self) -> Vec<u8> {
        fs::read(self.out().join("Song of the sea.wav")).unwrap()
    }

    /// The object of the song, as the server keeps it.
    fn object(&self) -> PathBuf {
        let name = hex(&self.song);
        self.folder.path("objects").join(&name[..2]).join(name)
    }
}

#[test]
fn a_code_in_either_form_brings_its_files() {
    let sold = Sold::new(3_000_000);
    let (text, code) = sold.get(&sold.short, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("Song of the sea.wav is downloaded and whole, 3000000 bytes"), "{text}");
    assert_eq!(sold.names(), ["Song of the sea.wav", "words.txt"]);
    assert!(sold.song() == sold.song);
    let (text, code) = sold.get(&sold.jws, &["--json"]);
    assert_eq!(code, 0, "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["files"][1]["was"], "there");
    assert_eq!(told["files"][1]["sha256"], hex(b"la la la"));
    assert_eq!(told["license"], *sold.license);
    let name = format!("{}.license", sold.product);
    assert_eq!(told["license_file"], *name);
    let kept = fs::read(sold.out().join(&name)).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["code"], *sold.jws);
    assert!(kept["keys"].is_array());
    fs::remove_dir_all(sold.out()).unwrap();
    let (text, code) = sold.get(&sold.short, &["--file", "words.txt"]);
    assert_eq!((code, sold.names()), (0, vec!["words.txt".to_owned()]), "{text}");
    let (text, code) = sold.get(&sold.short, &["--file", "other.txt"]);
    assert_eq!(
        (code, text.contains("There is: Song of the sea.wav, words.txt")),
        (2, true),
        "{text}"
    );
}

#[test]
fn a_code_from_standard_input_is_seen_by_nobody_else() {
    use std::io::Write;
    let sold = Sold::new(10);
    let out = sold.out();
    let mut command = scrip(&Sold::args("-", &sold.server.url, &out));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "  {}  ", sold.short).unwrap();
    let (text, code) = said(&child.wait_with_output().unwrap());
    assert_eq!((code, sold.names().len()), (0, 2), "{text}");
}

#[test]
fn what_is_wrong_is_told_by_sentence_and_exit_code() {
    let sold = Sold::new(100_000);
    let is = |(text, code): (String, i32), expected: i32, sentence: &str| {
        assert!(code == expected && text.contains(sentence), "{code}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    };
    let mut wrong = sold.short.clone();
    wrong.replace_range(0..1, if wrong.starts_with('0') { "1" } else { "0" });
    is(sold.get(&wrong, &[]), 3, "knows no such code");
    is(sold.get("nonsense", &[]), 3, "knows no such code");
    is(said(&run(&["get", &sold.short])), 2, "--server");
    is(said(&run(&["get", &sold.jws])), 2, "--server");
    is(said(&run(&["get", &sold.short, "--server", "shop.example"])), 2, "https://");
    let away = ["get", &sold.short, "--server", "http://127.0.0.1:9"];
    is(said(&run(&away)), 4, "no connection");
    // Another file of the same name, and a link that leads elsewhere: both stay as they are.
    fs::create_dir_all(sold.out()).unwrap();
    let mine = sold.out().join("words.txt");
    fs::write(&mine, "mine, mine").unwrap();
    is(sold.get(&sold.short, &[]), 6, "is there already, and is another file");
    assert_eq!(fs::read(&mine).unwrap(), b"mine, mine");
    fs::remove_file(&mine).unwrap();
    let elsewhere = sold.home.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, &mine).unwrap();
    is(sold.get(&sold.short, &[]), 6, "is there already");
    assert!(!elsewhere.exists());
    fs::remove_file(&mine).unwrap();
    let license = sold.out().join(format!("{}.license", sold.product));
    fs::write(&license, "notes of mine").unwrap();
    is(sold.get(&sold.jws, &[]), 6, "is of another license");
    assert_eq!(fs::read(&license).unwrap(), b"notes of mine");
    fs::remove_dir_all(sold.out()).unwrap();
    fs::write(sold.out(), "a file").unwrap();
    is(sold.get(&sold.short, &[]), 6, "cannot make the folder");
    fs::remove_file(sold.out()).unwrap();
    // As many bytes, and others.
    let mut damaged = sold.song.clone();
    damaged[50_000] ^= 1;
    fs::write(sold.object(), &damaged).unwrap();
    is(sold.get(&sold.short, &[]), 5, "has not the SHA-256");
    assert_eq!(sold.names(), Vec::<String>::new(), "nothing of it stays");
    fs::write(sold.object(), &sold.song).unwrap();
    is(sold.get(&sold.short, &[]), 0, "whole");
    let path = format!("/v1/admin/licenses/{}/revoke", sold.license);
    let (status, _) =
        sold.server.ask(Method::POST, &path, &sold.folder.admin_key, "-", &json!({"reason": "x"}));
    assert_eq!(status, 200);
    is(sold.get(&sold.short, &[]), 3, "taken the license back");
}

/// A disk that is full, as a limit on the size of files makes one.
#[test]
fn a_full_disk_is_told_and_what_is_there_is_gone_on_from() {
    let sold = Sold::new(3_000_000);
    let binary = env!("CARGO_BIN_EXE_scrip");
    let out = sold.out();
    let args = Sold::args(&sold.short, &sold.server.url, &out);
    // 1024 blocks of 1 KiB; without the signal that usually comes with it.
    let line = format!("trap '' XFSZ; ulimit -f 1024; exec {binary} \"$@\"");
    let limited =
        std::process::Command::new("bash").args(["-c", &line, "scrip"]).args(&args).output();
    let (text, code) = said(&limited.unwrap());
    assert_eq!((code, text.contains("the disk is full")), (6, true), "{text}");
    let kept = fs::read(sold.part()).unwrap();
    assert!(!kept.is_empty() && kept[..] == sold.song[..kept.len()], "{}", kept.len());
    let (text, code) = sold.get(&sold.short, &[]);
    assert_eq!((code, text.contains("is resumed and whole")), (0, true), "{text}");
    assert!(sold.song() == sold.song);
}

/// A line to the server that carries so many bytes of an answer and breaks, so often.
struct Line {
    url: String,
    breaks: Arc<AtomicU64>,
    /// Requests that went on somewhere, by their `Range`.
    resumed: Arc<AtomicU64>,
    /// Nothing more is carried until it is let through.
    holds: Arc<AtomicBool>,
    _runtime: tokio::runtime::Runtime,
}

impl Line {
    fn to(server: &Server, most: usize, breaks: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let to = server.url.strip_prefix("http://").unwrap().to_owned();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (breaks, resumed) = (Arc::new(AtomicU64::new(breaks)), Arc::new(AtomicU64::new(0)));
        let holds = Arc::new(AtomicBool::new(false));
        let line = (breaks.clone(), resumed.clone(), holds.clone());
        runtime.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(&to).await.unwrap();
                let (breaks, resumed, holds) = line.clone();
                tokio::spawn(
                    async move { carry(near, far, most, &breaks, &resumed, &holds).await },
                );
            }
        });
        Self { url, breaks, resumed, holds, _runtime: runtime }
    }
}

async fn carry(
    near: TcpStream,
    far: TcpStream,
    most: usize,
    breaks: &AtomicU64,
    resumed: &AtomicU64,
    holds: &AtomicBool,
) {
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let mut asked = vec![0; 16_384];
    let mut answered = vec![0; 65_536];
    let mut carried = 0;
    loop {
        tokio::select! {
            count = near_in.read(&mut asked) => {
                let Ok(count @ 1..) = count else { return };
                let text = String::from_utf8_lossy(&asked[..count]).to_lowercase();
                if text.contains("\r\nrange: bytes=") && text.contains("\r\nif-range: \"") {
                    resumed.fetch_add(1, Ordering::SeqCst);
                }
                carried = 0;
                if far_out.write_all(&asked[..count]).await.is_err() { return }
            }
            count = far_in.read(&mut answered) => {
                let Ok(count @ 1..) = count else { return };
                carried += count;
                if carried > most && holds.load(Ordering::SeqCst) {
                    return std::future::pending().await;
                }
                let has_left = |left: u64| left.checked_sub(1);
                if carried > most
                    && breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, has_left).is_ok()
                {
                    return;
                }
                if near_out.write_all(&answered[..count]).await.is_err() { return }
            }
        }
    }
}

#[test]
fn a_line_that_breaks_is_gone_on_with() {
    let sold = Sold::new(6_000_000);
    let line = Line::to(&sold.server, 1_500_000, 3);
    let out = sold.out();
    let (text, code) = said(&run(&Sold::args(&sold.short, &line.url, &out)));
    assert_eq!(code, 0, "{text}");
    assert!(sold.song() == sold.song);
    assert_eq!(sold.names(), ["Song of the sea.wav", "words.txt"]);
    assert_eq!(line.breaks.load(Ordering::SeqCst), 0);
    assert_eq!(line.resumed.load(Ordering::SeqCst), 3, "each time from where it was");
}

#[test]
fn killed_it_goes_on_where_it_was() {
    let sold = Sold::new(6_000_000);
    let line = Line::to(&sold.server, 3_000_000, 0);
    line.holds.store(true, Ordering::SeqCst);
    let out = sold.out();
    let mut command = scrip(&Sold::args(&sold.short, &line.url, &out));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = tokio::time::Instant::now();
    while fs::metadata(sold.part()).map_or(0, |part| part.len()) < 1_000_000 {
        assert!(begin.elapsed().as_secs() < 20, "nothing comes");
    }
    let second: Output = run(&Sold::args(&sold.short, &sold.server.url, &out));
    let (text, code) = said(&second);
    assert_eq!((code, text.contains("another `scrip get` is writing")), (1, true), "{text}");
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    assert!(!sold.out().join("Song of the sea.wav").exists());
    let before = line.resumed.load(Ordering::SeqCst);
    line.holds.store(false, Ordering::SeqCst);
    let (text, code) = said(&run(&Sold::args(&sold.short, &line.url, &out)));
    assert_eq!((code, text.contains("is resumed and whole")), (0, true), "{text}");
    assert_eq!(line.resumed.load(Ordering::SeqCst), before + 1);
    assert!(sold.song() == sold.song);
    assert_eq!(sold.names(), ["Song of the sea.wav", "words.txt"]);
}

#[test]
fn a_damaged_part_is_fetched_anew_and_one_that_is_too_long_too() {
    let sold = Sold::new(500_000);
    fs::create_dir_all(sold.out()).unwrap();
    let mut longer = sold.song.clone();
    longer.push(0);
    for left in [b"not of this song".to_vec(), longer, sold.song.clone()] {
        fs::write(sold.part(), left).unwrap();
        let (text, code) = sold.get(&sold.short, &[]);
        assert_eq!(code, 0, "{text}");
        assert!(sold.song() == sold.song);
        assert_eq!(sold.names().len(), 2);
        fs::remove_dir_all(sold.out()).unwrap();
        fs::create_dir_all(sold.out()).unwrap();
    }
    // A part that is a link leads nowhere.
    let elsewhere = sold.home.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, sold.part()).unwrap();
    let (text, code) = sold.get(&sold.short, &[]);
    assert_eq!((code, elsewhere.exists()), (6, false), "{text}");
}

/// A server that is none of ours, or one that lies: what it says is looked at before anything is written.
#[test]
fn what_a_server_says_cannot_lead_out_of_the_folder() {
    let sold = Sold::new(10);
    for (name, size) in [("../climbs.txt", 4), ("/tmp/scrip-climbs.txt", 4), ("fine.txt", 3)] {
        let license = json!({"id": "lic_1", "product": "prd_1", "files": [
            {"id": "fil_1", "name": name, "size": size, "sha256": hex(b"evil")}
        ]});
        let verdict = json!({"valid": true, "code": "VALID", "license": license}).to_string();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = vec![0; 16_384];
                let count = stream.read(&mut asked).await.unwrap();
                let body =
                    if asked[..count].starts_with(b"POST") { verdict.as_str() } else { "evil" };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}",
                    body.len()
                );
                stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
            }
        });
        let out = sold.out();
        let (text, code) = said(&run(&Sold::args("0123", &url, &out)));
        assert_eq!(code, 5, "{name}: {text}");
        assert!(!sold.home.path().join("climbs.txt").exists());
        assert!(!Path::new("/tmp/scrip-climbs.txt").exists());
        assert!(!sold.out().join("fine.txt").exists());
    }
}
