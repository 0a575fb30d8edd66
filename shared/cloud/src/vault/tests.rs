//! What the vault opens, and everything it must not.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::clock::ManualClock;
use domain::{Clock, ConnectionId, Secret, TokenSet, WorkspaceId};
use jiff::{SignedDuration, Timestamp};

use super::*;

/// A key service that counts how often it is asked and can be made to fail.
struct Counted {
    inner: LocalKeys,
    asked: AtomicUsize,
    out_of_reach: AtomicUsize,
}

#[async_trait]
impl KeyService for Counted {
    async fn generate(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        self.inner.generate(context).await
    }

    async fn unwrap(&self, context: &EncryptionContext, wrapped: &[u8]) -> Result<PlainKey, VaultError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.out_of_reach.load(Ordering::Relaxed) > 0 {
            return Err(VaultError::Unavailable("ThrottlingException".to_owned()));
        }
        self.inner.unwrap(context, wrapped).await
    }

    fn key_version(&self) -> &str {
        self.inner.key_version()
    }
}

struct House {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    clock: Arc<ManualClock>,
    keys: Arc<Counted>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault/keys.json");
        let keys = Arc::new(Counted {
            inner: LocalKeys::open_or_create(&path).unwrap(),
            asked: AtomicUsize::new(0),
            out_of_reach: AtomicUsize::new(0),
        });
        let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
        Self { _folder: folder, path, clock, keys }
    }

    /// A process that has just started: nothing in memory.
    fn vault(&self) -> Vault {
        Vault::new(Arc::clone(&self.keys) as Arc<dyn KeyService>, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    fn asked(&self) -> usize {
        self.keys.asked.load(Ordering::Relaxed)
    }
}

fn owner(workspace: &str, connection: &str) -> EncryptionContext {
    let connection = ConnectionId::parse(connection).unwrap();
    EncryptionContext::for_connection(&WorkspaceId::parse(workspace).unwrap(), &connection)
}

fn mine() -> EncryptionContext {
    owner("acme", "conn_t1_INSTAGRAM_1")
}

fn tokens(access: &str) -> TokenSet {
    TokenSet {
        access: Secret::new(access),
        refresh: Some(Secret::new("refresh-me")),
        expires_at: Some("2026-05-01T00:00:00Z".parse().unwrap()),
        issued_at: Timestamp::UNIX_EPOCH,
        scopes: vec!["read".to_owned()],
        extra: BTreeMap::from([("dpop".to_owned(), Secret::new("key"))]),
    }
}

#[tokio::test]
async fn tokens_come_back_as_they_went_in() {
    let house = House::new();
    let sealed = house.vault().seal_tokens(&mine(), &tokens("secret-access")).await.unwrap();
    let row = serde_json::to_string(&sealed).unwrap();
    assert!(!row.contains("secret-access") && !row.contains("refresh-me"));
    assert!(!format!("{sealed:?}").contains("data"));
    let read: Sealed = serde_json::from_str(&row).unwrap();
    assert_eq!(house.vault().open_tokens(&mine(), &read).await.unwrap(), tokens("secret-access"));
}

#[tokio::test]
async fn an_envelope_goes_through_a_row_of_the_table() {
    let house = House::new();
    let secrets = BTreeMap::from([("verifier".to_owned(), Secret::new("v")), ("client".to_owned(), Secret::new("c"))]);
    let context = EncryptionContext::for_subject("-", "oauth-state#ab12");
    let sealed = house.vault().seal_map(&context, &secrets).await.unwrap();
    let item: crate::table::Item = serde_dynamo::to_item(&sealed).unwrap();
    let read: Sealed = serde_dynamo::from_item(item).unwrap();
    assert_eq!(house.vault().open_map(&context, &read).await.unwrap(), secrets);
}

#[tokio::test]
async fn an_envelope_copied_to_another_owner_does_not_open() {
    let house = House::new();
    let vault = house.vault();
    let sealed = vault.seal(&mine(), b"secret").await.unwrap();
    for other in [
        owner("acme2", "conn_t1_INSTAGRAM_1"),
        owner("acme", "conn_t1_INSTAGRAM_2"),
        owner("acme", "conn_t2_INSTAGRAM_1"),
        EncryptionContext::for_subject("acme", "conn_t1_INSTAGRAM_1"),
        EncryptionContext::for_subject("acme", ""),
    ] {
        // Both with the key in memory under its right owner and in a process that has to unwrap it.
        for vault in [&vault, &house.vault()] {
            assert!(matches!(vault.open(&other, &sealed).await, Err(VaultError::Corrupt(_))), "{other:?}");
            assert!(matches!(vault.reseal(&other, &sealed, b"new").await, Err(VaultError::Corrupt(_))), "{other:?}");
        }
    }
    // A data key of their own does not open what was sealed for someone else, either.
    let other = owner("acme", "conn_t1_INSTAGRAM_2");
    let theirs = vault.seal(&other, b"theirs").await.unwrap();
    let mixed = Sealed { wrapped_key: theirs.wrapped_key, ..sealed };
    assert!(matches!(vault.open(&other, &mixed).await, Err(VaultError::Corrupt(_))));
    assert!(matches!(vault.reseal(&other, &mixed, b"new").await, Err(VaultError::Corrupt(_))));
}

#[test]
fn no_two_contexts_have_the_same_encoding() {
    let one = envelope::associated_data(&EncryptionContext::for_subject("a", "bc"));
    let other = envelope::associated_data(&EncryptionContext::for_subject("ab", "c"));
    assert_ne!(one, other);
    // Nor do they share a data key in memory.
    let name = |subject| envelope::key_name(&EncryptionContext::for_subject("a", subject), b"wrapped");
    assert_ne!(name("b"), name("c"));
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_noticed() {
    let house = House::new();
    let sealed = house.vault().seal(&mine(), b"secret").await.unwrap();
    type Part = fn(&mut Sealed) -> &mut Vec<u8>;
    let parts: [Part; 3] = [|s| &mut s.data, |s| &mut s.nonce, |s| &mut s.wrapped_key];
    for part in parts {
        let length = part(&mut sealed.clone()).len();
        for index in 0..length {
            let mut changed = sealed.clone();
            part(&mut changed)[index] ^= 1;
            assert!(house.vault().open(&mine(), &changed).await.is_err());
        }
        for keep in [0, 1, length - 1] {
            let mut cut = sealed.clone();
            part(&mut cut).truncate(keep);
            assert!(matches!(house.vault().open(&mine(), &cut).await, Err(VaultError::Corrupt(_))));
        }
    }
}

#[tokio::test]
async fn an_unknown_version_is_refused_without_asking_the_key_service() {
    let house = House::new();
    let vault = house.vault();
    let sealed = Sealed { v: 2, ..vault.seal(&mine(), b"secret").await.unwrap() };
    assert_eq!(vault.open(&mine(), &sealed).await.unwrap_err(), VaultError::Corrupt("unknown envelope version"));
    assert!(vault.reseal(&mine(), &sealed, b"new").await.is_err());
    assert_eq!(house.asked(), 0);
}

#[tokio::test]
async fn another_kind_of_secret_is_not_taken_for_tokens() {
    let house = House::new();
    let sealed = house.vault().seal_map(&mine(), &BTreeMap::new()).await.unwrap();
    assert!(matches!(house.vault().open_tokens(&mine(), &sealed).await, Err(VaultError::Corrupt(_))));
}

#[tokio::test]
async fn a_sync_that_renews_its_tokens_asks_the_key_service_once() {
    let house = House::new();
    let stored = house.vault().seal_tokens(&mine(), &tokens("old")).await.unwrap();
    let vault = house.vault();
    vault.open_tokens(&mine(), &stored).await.unwrap();
    vault.open_tokens(&mine(), &stored).await.unwrap();
    let renewed = vault.reseal_tokens(&mine(), &stored, &tokens("new")).await.unwrap();
    assert_eq!(renewed.wrapped_key, stored.wrapped_key);
    assert_ne!(renewed.nonce, stored.nonce);
    assert_eq!(vault.open_tokens(&mine(), &renewed).await.unwrap().access.expose(), "new");
    assert_eq!(house.asked(), 1);
}

#[tokio::test]
async fn a_data_key_leaves_the_memory_after_five_minutes() {
    let house = House::new();
    let vault = house.vault();
    let sealed = vault.seal(&mine(), b"secret").await.unwrap();
    house.clock.advance(SignedDuration::from_secs(299));
    vault.open(&mine(), &sealed).await.unwrap();
    assert_eq!(house.asked(), 0);
    house.clock.advance(SignedDuration::from_secs(1));
    vault.open(&mine(), &sealed).await.unwrap();
    assert_eq!(house.asked(), 1);
}

#[tokio::test]
async fn a_key_service_out_of_reach_is_told_from_a_damaged_envelope() {
    let house = House::new();
    let sealed = house.vault().seal(&mine(), b"secret").await.unwrap();
    house.keys.out_of_reach.store(1, Ordering::Relaxed);
    let vault = house.vault();
    assert!(matches!(vault.open(&mine(), &sealed).await, Err(VaultError::Unavailable(_))));
    house.keys.out_of_reach.store(0, Ordering::Relaxed);
    assert_eq!(vault.open(&mine(), &sealed).await.unwrap().expose(), b"secret");
}

#[tokio::test]
async fn after_a_rotation_old_envelopes_open_and_move_to_the_new_key() {
    let house = House::new();
    let old = house.vault().seal(&mine(), b"secret").await.unwrap();
    LocalKeys::rotate(&house.path).unwrap();
    let rotated = Arc::new(LocalKeys::open_or_create(&house.path).unwrap());
    let vault = Vault::new(rotated, Arc::clone(&house.clock) as Arc<dyn Clock>);
    assert_eq!(vault.open(&mine(), &old).await.unwrap().expose(), b"secret");
    let new = vault.reseal(&mine(), &old, b"newer").await.unwrap();
    assert_ne!((&new.key_version, &new.wrapped_key), (&old.key_version, &old.wrapped_key));
    assert_eq!(vault.open(&mine(), &new).await.unwrap().expose(), b"newer");
    // A process that still has the old ring cannot read what the new key wrapped, and does not take it for damaged.
    assert!(matches!(house.vault().open(&mine(), &new).await, Err(VaultError::Unavailable(_))));
}

#[tokio::test]
async fn another_machines_key_ring_opens_nothing() {
    let (house, other) = (House::new(), House::new());
    let sealed = house.vault().seal(&mine(), b"secret").await.unwrap();
    assert!(matches!(other.vault().open(&mine(), &sealed).await, Err(VaultError::Corrupt(_))));
}

#[test]
fn the_key_ring_is_its_owners_alone_and_stays_the_same() {
    let house = House::new();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&house.path), 0o600);
    std::fs::set_permissions(&house.path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let again = LocalKeys::open_or_create(&house.path).unwrap();
    assert_eq!(mode(&house.path), 0o600);
    assert_eq!(again.key_version(), house.keys.inner.key_version());
}

#[test]
fn a_damaged_key_ring_is_an_error_and_is_never_replaced() {
    let house = House::new();
    let good = std::fs::read_to_string(&house.path).unwrap();
    for bad in ["", "{}", &good[..good.len() / 2], &good.replace("\"v\":1", "\"v\":9")] {
        std::fs::write(&house.path, bad).unwrap();
        let error = LocalKeys::open_or_create(&house.path).unwrap_err();
        assert!(matches!(error, KeyRingError::Malformed { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&house.path).unwrap(), bad);
    }
}

#[test]
fn what_an_interrupted_start_left_behind_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(folder.path().join("keys.json.new"), "half a ri").unwrap();
    LocalKeys::open_or_create(&path).unwrap();
    assert!(!folder.path().join("keys.json.new").exists());
}

#[test]
fn processes_that_start_together_share_one_key_ring() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let open = || LocalKeys::open_or_create(&path).unwrap().key_version().to_owned();
    let versions: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(versions.iter().all(|version| *version == versions[0]));
}
