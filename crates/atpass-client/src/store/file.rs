//! A store in a folder: one file for each session.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::id::Did;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{PutOutcome, Record, SessionKey, SessionStore, StoreFailure};

/// Sessions in a folder that only its owner may read (mode 0700, files 0600), for programs on one
/// person's machine. Any number of processes may share it.
///
/// A write is a new file that takes the old one's place, on the disk before it is reported: a process
/// or machine that dies leaves the old file or the new one, never half of one.
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Folders>);

#[derive(Debug)]
struct Folders {
    sessions: PathBuf,
    pending: PathBuf,
    lock: PathBuf,
}

/// The first line of a file; the record follows.
#[derive(Serialize, Deserialize)]
struct Head {
    /// What it is the file of: its name has the hash only.
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    did: Option<Did>,
    #[serde(default)]
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<UnixTime>,
}

/// Expired logins that one new login clears away at most.
const MOST_SWEPT: usize = 100;

impl FileStore {
    /// In this folder, which is made if it isn't there. One that can only be read is opened as well;
    /// then each write fails.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreFailure> {
        let folder = folder.into();
        let folders = Arc::new(Folders {
            sessions: folder.join("sessions"),
            pending: folder.join("logins"),
            lock: folder.join("lock"),
        });
        let store = Self(folders);
        store
            .run(|folders| {
                let Err(failure) = folders.prepare() else {
                    return Ok(());
                };
                // Where nothing can be written, what is there can be read all the same.
                fs::read_dir(&folders.sessions).map_err(|_| failure.clone())?;
                tracing::debug!(%failure, "the sessions' folder can only be read");
                Ok(())
            })
            .await?;
        Ok(store)
    }

    /// Files block, so they are read and written beside the reactor.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folders) -> Result<T, StoreFailure> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let folders = self.0.clone();
        tokio::task::spawn_blocking(move || work(&folders))
            .await
            .map_err(|error| StoreFailure(error.to_string()))?
    }
}

#[async_trait]
impl SessionStore for FileStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure> {
        let key = key.clone();
        self.run(move |folders| {
            let found = read(&folders.session(&key))?;
            Ok(found.map(|(head, record)| (record, head.version)))
        })
        .await
    }

    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let (key, did, record) = (key.clone(), did.clone(), record.clone());
        self.run(move |folders| {
            let _lock = folders.lock()?;
            let path = folders.session(&key);
            let current = read(&path)?.map(|(head, _)| head.version);
            if current != expected {
                return Ok(PutOutcome::Conflict);
            }
            let version = current.map_or_else(first_version, |version| version.wrapping_add(1));
            let head = Head {
                key: key.as_str().to_owned(),
                did: Some(did),
                version,
                until: None,
            };
            write(&path, &head, &record).map_err(failed(&path))?;
            Ok(PutOutcome::Stored(version))
        })
        .await
    }

    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure> {
        let key = key.clone();
        self.run(move |folders| {
            let _lock = folders.lock()?;
            let path = folders.session(&key);
            if let Some(expected) = expected {
                let current = read(&path)?.map(|(head, _)| head.version);
                if current != Some(expected) {
                    return Ok(false);
                }
            }
            remove(&path)
        })
        .await
    }

    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        let did = did.cloned();
        self.run(move |folders| {
            let mut keys = Vec::new();
            for path in files(&folders.sessions)? {
                let head = match read(&path) {
                    Ok(Some((head, _))) => head,
                    // One that was removed just now is none.
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::warn!(%error, "a session that can't be read");
                        continue;
                    }
                };
                if did.is_none() || head.did == did {
                    keys.push(SessionKey::new(head.key));
                }
            }
            Ok(keys)
        })
        .await
    }

    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        let (name, record) = (name.to_owned(), record.clone());
        self.run(move |folders| {
            let _lock = folders.lock()?;
            let is_over = |path: &PathBuf| {
                read(path).is_ok_and(|found| {
                    found.is_none_or(|(head, _)| head.until.is_none_or(|until| until <= now))
                })
            };
            let old = files(&folders.pending)?.into_iter().filter(is_over);
            for path in old.take(MOST_SWEPT) {
                remove(&path)?;
            }
            let path = in_folder(&folders.pending, &name);
            let head = Head {
                key: name,
                did: None,
                version: 0,
                until: Some(until),
            };
            write(&path, &head, &record).map_err(failed(&path))
        })
        .await
    }

    async fn take_pending(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<Option<Record>, StoreFailure> {
        let name = name.to_owned();
        self.run(move |folders| {
            let _lock = folders.lock()?;
            let path = in_folder(&folders.pending, &name);
            let found = read(&path)?;
            remove(&path)?;
            Ok(found
                .filter(|(head, _)| head.until.is_some_and(|until| until > now))
                .map(|(_, record)| record))
        })
        .await
    }
}

impl Folders {
    fn session(&self, key: &SessionKey) -> PathBuf {
        in_folder(&self.sessions, key.as_str())
    }

    fn prepare(&self) -> Result<(), StoreFailure> {
        for path in [&self.sessions, &self.pending] {
            make_folder(path).map_err(failed(path))?;
        }
        let _lock = self.lock()?;
        remove_leftovers(self);
        Ok(())
    }

    /// Alone among all processes, until it is dropped.
    fn lock(&self) -> Result<File, StoreFailure> {
        let open = || {
            let file = private()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.lock)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(failed(&self.lock))
    }
}

/// A name that every file system takes, whatever the key is.
fn in_folder(folder: &Path, name: &str) -> PathBuf {
    folder.join(HEXLOWER.encode(&Secret::new(name).sha256()))
}

/// So that a version that was used before doesn't come back when a name does.
fn first_version() -> u64 {
    u64::from(u32::from_ne_bytes(random::bytes::<4>(&SystemRandom))) << 20
}

fn read(path: &Path) -> Result<Option<(Head, Record)>, StoreFailure> {
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    }
    let broken = || StoreFailure(format!("{}: not a session's file", path.display()));
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (head, record) = end
        .and_then(|end| bytes.split_at_checked(end))
        .ok_or_else(broken)?;
    let head = serde_json::from_slice(head).map_err(|_| broken())?;
    let record = record.get(1..).ok_or_else(broken)?.to_vec();
    Ok(Some((head, Record::new(record))))
}

/// On the disk when it returns.
fn write(path: &Path, head: &Head, record: &Record) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    let temporary = path.with_extension("new");
    let mut file = private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)?;
    let mut line = serde_json::to_vec(head)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.write_all(record.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    sync_folder(folder)
}

/// Whether there was one.
fn remove(path: &Path) -> Result<bool, StoreFailure> {
    let removed = fs::remove_file(path).and_then(|()| path.parent().map_or(Ok(()), sync_folder));
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(path)(error)),
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreFailure> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths
            .filter(|path| path.as_ref().map_or(true, |path| is_ours(path)))
            .collect()
    };
    list().map_err(failed(folder))
}

/// Whether it has a name that this store gives ([`in_folder`]): others leave files of their own in folders.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() == 64 && HEXLOWER.decode(name).is_ok()
}

/// What a process that died in the middle of a write has left. Under the lock nobody is writing.
fn remove_leftovers(folders: &Folders) {
    for folder in [&folders.sessions, &folders.pending] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "new") {
                // The next write would overwrite it anyway.
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> StoreFailure {
    let path = path.display().to_string();
    move |error| StoreFailure(format!("{path}: {error}"))
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The new name is on the disk as well (POSIX: a folder is a file that can be synchronised).
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
