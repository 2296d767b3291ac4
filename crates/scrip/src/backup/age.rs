//! The file format of a backup: age v1 (<https://age-encryption.org/v1>), encrypted to a passphrase.
//!
//! ```text
//! age-encryption.org/v1                     │ header: the file key, wrapped by a key that scrypt makes of the
//! -> scrypt <salt> 18                       │ passphrase; its MAC under the file key
//! <the wrapped file key>                    │
//! --- <MAC>                                 │
//! nonce (16 bytes), then chunks of 64 KiB   │ STREAM: each sealed by ChaCha20-Poly1305, numbered, the last one marked
//! ```
//! A published format, so that `age --decrypt` opens a backup without us. A chunk is believed only once it is whole, and
//! the end only by its mark: a flipped byte, chunks in another order and a cut file are all seen.

use std::io::{self, BufRead, BufReader, Read, Write};

use base64ct::{Base64Unpadded, Encoding};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac};
use scrip_domain::Entropy;
use sha2::Sha256;
use subtle::ConstantTimeEq;

const VERSION: &str = "age-encryption.org/v1";
/// What salts of scrypt begin with.
const LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// The work of scrypt: 2^18 blocks of 1 KiB, about a second, as the tool `age` has it.
const WORK: u8 = 18;
/// Above this a file is refused: it would take hours and all memory.
const MOST_WORK: u8 = 22;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// It is none of ours, or of a later version.
    #[error("this is no backup that is encrypted to a passphrase")]
    NoBackup,
    /// The passphrase is another one.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// It was changed, or is not whole.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Encrypts what is written to it.
pub struct Sealer<W: Write> {
    inner: W,
    stream: Stream,
    waiting: Vec<u8>,
}

/// Reads what was encrypted, chunk by chunk.
pub struct Opener<R: Read> {
    inner: BufReader<R>,
    stream: Stream,
    open: Vec<u8>,
    taken: usize,
    ended: bool,
}

struct Stream {
    cipher: ChaCha20Poly1305,
    number: u64,
}

impl Stream {
    fn new(file_key: &[u8; 16], nonce: [u8; 16]) -> Self {
        let key = hkdf(file_key, &nonce, b"payload");
        Self { cipher: ChaCha20Poly1305::new(&key.into()), number: 0 }
    }

    /// The nonce of the next chunk: its number, and whether it is the last.
    fn next(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.number += 1;
        nonce.into()
    }
}

impl<W: Write> Sealer<W> {
    /// Writes the header.
    pub fn begin(mut inner: W, passphrase: &str, entropy: &dyn Entropy) -> io::Result<Self> {
        let (mut file_key, mut salt, mut nonce) = ([0; 16], [0; 16], [0; 16]);
        [&mut file_key, &mut salt, &mut nonce].into_iter().for_each(|part| entropy.fill(part));
        let wrapped = wrapping_key(passphrase, &salt, WORK)
            .encrypt(&Nonce::default(), file_key.as_slice())
            .map_err(|_| io::Error::other("the file key cannot be wrapped"))?;
        let salt = Base64Unpadded::encode_string(&salt);
        let wrapped = Base64Unpadded::encode_string(&wrapped);
        let head = format!("{VERSION}\n-> scrypt {salt} {WORK}\n{wrapped}\n---");
        let mac = Base64Unpadded::encode_string(&header_mac(&file_key, &head));
        inner.write_all(format!("{head} {mac}\n").as_bytes())?;
        inner.write_all(&nonce)?;
        let stream = Stream::new(&file_key, nonce);
        Ok(Self { inner, stream, waiting: Vec::with_capacity(CHUNK) })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.stream.next(is_last);
        let sealed = self.stream.cipher.encrypt(&nonce, self.waiting.as_slice());
        let sealed = sealed.map_err(|_| io::Error::other("a chunk cannot be encrypted"))?;
        self.waiting.clear();
        self.inner.write_all(&sealed)
    }

    /// Writes the last chunk: without it the file is not whole.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until there is more: whether it is the last shows only then.
        if self.waiting.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let count = bytes.len().min(CHUNK - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read> Opener<R> {
    /// Reads the header.
    pub fn begin(inner: R, passphrase: &str) -> Result<Self, Unopened> {
        let mut inner = BufReader::with_capacity(2 * CHUNK, inner);
        let mut head = String::new();
        let mut line = |head: &mut String| -> Result<String, Unopened> {
            let mut line = Vec::new();
            (&mut inner).take(200).read_until(b'\n', &mut line)?;
            let line = String::from_utf8(line).map_err(|_| Unopened::NoBackup)?;
            head.push_str(&line);
            line.strip_suffix('\n').map(str::to_owned).ok_or(Unopened::NoBackup)
        };
        if line(&mut head)? != VERSION {
            return Err(Unopened::NoBackup);
        }
        let stanza = line(&mut head)?;
        let (salt, work) = stanza
            .strip_prefix("-> scrypt ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(Unopened::NoBackup)?;
        let salt: [u8; 16] = decoded(salt)?;
        let work: u8 = work.parse().map_err(|_| Unopened::NoBackup)?;
        if work == 0 || work > MOST_WORK {
            return Err(Unopened::NoBackup);
        }
        let wrapped: [u8; 32] = decoded(&line(&mut head)?)?;
        let end = line(&mut head)?;
        let mac: [u8; 32] = decoded(end.strip_prefix("--- ").ok_or(Unopened::NoBackup)?)?;
        let covered = head.rfind("--- ").and_then(|at| head.get(..at + 3)).unwrap_or_default();
        let file_key = wrapping_key(passphrase, &salt, work)
            .decrypt(&Nonce::default(), wrapped.as_slice())
            .map_err(|_| Unopened::Passphrase)?;
        let file_key: [u8; 16] = file_key.try_into().map_err(|_| Unopened::NoBackup)?;
        if !bool::from(header_mac(&file_key, covered).ct_eq(&mac)) {
            return Err(Unopened::Damaged("its head was changed"));
        }
        let mut nonce = [0; 16];
        inner.read_exact(&mut nonce).map_err(|_| Unopened::Damaged("it is cut off"))?;
        let stream = Stream::new(&file_key, nonce);
        Ok(Self { inner, stream, open: Vec::new(), taken: 0, ended: false })
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut sealed = Vec::with_capacity(CHUNK + TAG);
        (&mut self.inner).take((CHUNK + TAG) as u64).read_to_end(&mut sealed)?;
        let is_last = self.inner.fill_buf()?.is_empty();
        let is_first = self.stream.number == 0;
        let nonce = self.stream.next(is_last);
        let open = self.stream.cipher.decrypt(&nonce, sealed.as_slice());
        let why =
            if is_last { "its end is missing or changed" } else { "a part of it was changed" };
        self.open = open.map_err(|_| damaged(why))?;
        if is_last && self.open.is_empty() && !is_first {
            return Err(damaged("it has an end too many"));
        }
        self.taken = 0;
        self.ended = is_last;
        Ok(())
    }
}

/// What a reader tells of a damaged file, beneath the layers that know only of I/O.
fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Unopened::Damaged(why))
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.open.len() {
            if self.ended {
                return Ok(0);
            }
            self.next_chunk()?;
        }
        let rest = &self.open[self.taken..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

fn decoded<const N: usize>(text: &str) -> Result<[u8; N], Unopened> {
    let bytes = Base64Unpadded::decode_vec(text).map_err(|_| Unopened::NoBackup)?;
    bytes.try_into().map_err(|_| Unopened::NoBackup)
}

/// What wraps the file key: used once, so its nonce is zero.
fn wrapping_key(passphrase: &str, salt: &[u8; 16], work: u8) -> ChaCha20Poly1305 {
    let salt = [LABEL, salt].concat();
    let mut key = [0; 32];
    // The bounds of both are kept by the callers.
    let params = scrypt::Params::new(work, 8, 1).expect("a work within its bounds");
    scrypt::scrypt(passphrase.as_bytes(), &salt, &params, &mut key).expect("a key of 32 bytes");
    ChaCha20Poly1305::new(&key.into())
}

fn header_mac(file_key: &[u8; 16], head: &str) -> [u8; 32] {
    mac(&hkdf(file_key, &[], b"header"), &[head.as_bytes()])
}

/// HKDF-SHA-256 (RFC 5869), one block of it.
fn hkdf(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let extracted = mac(salt, &[secret]);
    mac(&extracted, &[info, &[1]])
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than the hash's block is padded with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance that is none.
    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
        }
    }

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::begin(Vec::new(), "correct horse", &Counting).unwrap();
        sealer.write_all(plain).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, Unopened> {
        let mut plain = Vec::new();
        Opener::begin(sealed, passphrase)?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    /// Deriving a key takes a second, so all that one file can show is asked of it.
    #[test]
    fn what_was_sealed_is_opened_whole_or_not_at_all() {
        let plain: Vec<u8> = (0..=250).cycle().take(CHUNK * 2 + 7).collect();
        let good = sealed(&plain);
        assert!(good.starts_with(b"age-encryption.org/v1\n-> scrypt AAECAwQFBgcICQoLDA0ODw 18\n"));
        assert_eq!(opened(&good, "correct horse").unwrap(), plain);
        assert!(matches!(opened(&good, "wrong horse"), Err(Unopened::Passphrase)));
        let body = good.len() - plain.len() - 3 * TAG;
        let mut flipped = good.clone();
        flipped[body + 100] ^= 1;
        assert!(opened(&flipped, "correct horse").unwrap_err().to_string().contains("changed"));
        let mut headless = good.clone();
        headless[body - 18] = b'\n';
        assert!(opened(&headless, "correct horse").is_err());
        for cut in [good.len() - 1, body + CHUNK + TAG, body + 5, body] {
            let cut = opened(&good[..cut], "correct horse").unwrap_err().to_string();
            assert!(cut.contains("end is missing"), "{cut}");
        }
    }

    #[test]
    fn whole_chunks_and_nothing_are_lengths_like_others() {
        for length in [0, CHUNK] {
            let plain = vec![7; length];
            assert_eq!(opened(&sealed(&plain), "correct horse").unwrap(), plain);
        }
    }

    #[test]
    fn what_is_no_backup_is_told_without_a_key() {
        for bad in ["", "PK", "age-encryption.org/v1\n-> X25519 abc\n", "age-encryption.org/v2\n"] {
            assert!(matches!(opened(bad.as_bytes(), "p"), Err(Unopened::NoBackup)), "{bad}");
        }
        let hours = "age-encryption.org/v1\n-> scrypt AAECAwQFBgcICQoLDA0ODw 30\n";
        assert!(matches!(opened(hours.as_bytes(), "p"), Err(Unopened::NoBackup)));
    }
}
