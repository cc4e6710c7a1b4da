//! Backups of a store that is written meanwhile, and what becomes of damaged ones.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use logothete_primitives::{ChainId, Height, StateRoot, TimestampMs};
use tempfile::TempDir;

use super::{BackupError, Manifest, create, restore, verify};
use crate::audit::{ChainCheck, Flaw};
use crate::progress::Step;
use crate::state::StateValue;
use crate::state_tree::{HistoryLimits, StateTree};
use crate::store::tests::{batch_hash, certificate, chain, commit, digest, key, roots};
use crate::store::{Applied, BlockRecord, CommitRecord, ExecutedRoots, RocksStore, Store};

/// Bytes that are found nowhere but in the safety state.
const SAFETY: &[u8] = b"what this validator signed, and nobody else may know";

/// Stands for the node's checks.
#[derive(Default)]
struct Recorder {
    heights: Vec<Height>,
    head: Option<Height>,
    refuse: Option<Height>,
}

impl ChainCheck for Recorder {
    fn block(&mut self, block: &BlockRecord, store: &dyn Store) -> Result<(), Flaw> {
        let batch = batch_hash(&format!("batch {}", block.height.get()));
        if !store.has_batch(&batch).unwrap() || self.refuse == Some(block.height) {
            return Err(Flaw::new("batch", "not as it should be"));
        }
        self.heights.push(block.height);
        Ok(())
    }

    fn certificate(&mut self, commit: &CommitRecord) -> Result<(), Flaw> {
        assert_eq!(commit.certificate, certificate(commit.height.get()));
        self.head = Some(commit.height);
        Ok(())
    }

    fn progress(&mut self, step: Step) {
        assert!(step.total.is_none_or(|total| step.done <= total));
    }
}

/// Applies a height with a true state root.
fn apply(store: &dyn Store, tree: &mut StateTree, height: u64) {
    let mut changes: Vec<_> = (0..20)
        .map(|n| (key(height * 7 + n), Some(StateValue::new(&(height + n).to_le_bytes()))))
        .collect();
    changes.sort_by_key(|(key, _)| *key);
    let state_root = match height {
        0 => {
            let entries = changes.iter().map(|(key, value)| (*key, value.clone().unwrap()));
            let entries = entries.map(|(key, value)| (key, value.as_bytes().to_vec()));
            *tree =
                StateTree::from_sorted(Height::ZERO, entries, HistoryLimits::default()).unwrap();
            tree.root()
        }
        _ => tree.apply(Height::new(height), &changes),
    };
    let executed = ExecutedRoots { state_root, ..roots(height) };
    store.apply(&Applied { executed, changes: &changes, transactions: &[] }).unwrap();
}

fn filled(path: &Path) -> (RocksStore, StateTree) {
    let store = RocksStore::open(path, chain()).unwrap();
    let mut tree = StateTree::empty(HistoryLimits::default());
    apply(&store, &mut tree, 0);
    store.persist(SAFETY).unwrap();
    for height in 1..=20 {
        commit(&store, height);
        apply(&store, &mut tree, height);
    }
    store.persist(SAFETY).unwrap();
    (store, tree)
}

struct Scene {
    directory: TempDir,
    backup: PathBuf,
    manifest: Manifest,
    root: StateRoot,
}

/// A backup of 20 heights.
fn scene() -> Scene {
    let directory = tempfile::tempdir().unwrap();
    let (store, tree) = filled(&directory.path().join("node"));
    let backup = directory.path().join("backup");
    let made = TimestampMs::new(1_700_000_000_000);
    let manifest = create(&store, &backup, made, &mut |_| ()).unwrap();
    Scene { directory, backup, manifest, root: tree.root() }
}

impl Scene {
    fn verify(&self) -> Result<super::Report, BackupError> {
        let scratch = self.directory.path().join("scratch");
        verify(&self.backup, &chain(), &scratch, &mut Recorder::default())
    }

    fn restore(&self, name: &str) -> Result<Manifest, BackupError> {
        restore(&self.backup, &chain(), &self.directory.path().join(name), &mut |_| {})
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn a_backup_verifies_and_restores_without_the_safety_state() {
    let scene = scene();
    assert_eq!(
        (scene.manifest.height, scene.manifest.committed),
        (Height::new(20), Height::new(20))
    );
    assert_eq!(scene.manifest.state_root, scene.root);
    assert_eq!(Manifest::read(&scene.backup).unwrap(), scene.manifest);
    let mut recorder = Recorder::default();
    let scratch = scene.directory.path().join("scratch");
    let report = verify(&scene.backup, &chain(), &scratch, &mut recorder).unwrap();
    assert_eq!((report.blocks, report.state_entries), (20, 20 * 7 + 20));
    assert_eq!(recorder.heights, (1..=20).map(Height::new).collect::<Vec<_>>());
    assert_eq!(recorder.head, Some(Height::new(20)));

    for file in files(&scene.backup) {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(SAFETY.len()).any(|window| window == SAFETY);
        assert!(!found, "R10: the safety state is in {}", file.display());
    }
    scene.restore("restored").unwrap();
    let store = RocksStore::open(&scene.directory.path().join("restored"), chain()).unwrap();
    assert_eq!(store.safety().unwrap(), None, "R10: a restored validator knows no signature");
    assert_eq!(store.applied_height(), Some(Height::new(20)));
    let mut tree = StateTree::empty(HistoryLimits::default());
    tree.apply(Height::new(20), &[]);
    commit(&store, 21);
    store.persist(b"new").unwrap();
    assert_eq!(store.committed_height(), Height::new(21));
    scene.verify().expect("the backup is not the restored database");
}

#[test]
fn the_node_writes_on_while_its_backup_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let (store, mut tree) = filled(&directory.path().join("node"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let backups: Vec<_> = (0..3).map(|n| directory.path().join(format!("backup-{n}"))).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for height in 21.. {
                commit(&store, height);
                apply(&store, &mut tree, height);
                store.persist(SAFETY).unwrap();
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
            }
        });
        for backup in &backups {
            create(&store, backup, TimestampMs::ZERO, &mut |_| ()).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    for backup in &backups {
        let scratch = directory.path().join("scratch");
        let report = verify(backup, &chain(), &scratch, &mut Recorder::default()).unwrap();
        assert!(report.manifest.height >= Height::new(20));
        assert!(report.manifest.committed >= report.manifest.height);
    }
}

#[test]
fn a_flipped_byte_is_refused_with_file_and_offset() {
    let scene = scene();
    for entry in &scene.manifest.files {
        let path = scene.backup.join(&entry.name);
        let whole = fs::read(&path).unwrap();
        if whole.is_empty() {
            continue;
        }
        for place in [0, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x20;
            fs::write(&path, &bytes).unwrap();
            for error in [scene.verify().unwrap_err(), scene.restore("damaged").unwrap_err()] {
                assert!(error.is_damage());
                let BackupError::FileDamaged { file, start, end } = &error else {
                    panic!("{error}");
                };
                assert_eq!(file, &entry.name);
                assert!((*start..*end).contains(&(place as u64)), "{error}, byte {place}");
            }
            assert!(!scene.directory.path().join("damaged").exists());
        }
        fs::write(&path, &whole).unwrap();
    }
    scene.verify().unwrap();
}

#[test]
fn damage_is_located_to_a_block() {
    let directory = tempfile::tempdir().unwrap();
    let write = |bytes: &[u8]| fs::write(directory.path().join("file"), bytes).unwrap();
    let mut bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    write(&bytes);
    let entry = super::files::summarize(directory.path(), "file".to_owned()).unwrap();
    assert_eq!(entry.blocks.len(), 5 * 16);
    let place = |bytes: &[u8]| {
        write(bytes);
        match super::files::compare(directory.path(), &entry).unwrap_err() {
            BackupError::FileDamaged { start, end, .. } => (start, end),
            other => panic!("{other}"),
        }
    };
    bytes[200_000] ^= 1;
    assert_eq!(place(&bytes), (196_608, 262_144));
    bytes[200_000] ^= 1;
    assert_eq!(place(&bytes[..299_999]), (262_144, 300_000), "cut short");
    assert_eq!(place(&bytes[..65_536]), (65_536, 131_072), "cut at a block");
    bytes.push(0);
    assert_eq!(place(&bytes), (262_144, 300_001), "grown");
}

#[test]
fn missing_and_strange_files_are_refused() {
    let scene = scene();
    let stranger = scene.backup.join("database/stranger.sst");
    fs::write(&stranger, b"x").unwrap();
    let error = scene.verify().unwrap_err();
    assert!(matches!(&error, BackupError::FileUnknown { file } if file == "database/stranger.sst"));
    assert!(matches!(scene.restore("other"), Err(BackupError::FileUnknown { .. })));
    fs::remove_file(stranger).unwrap();
    let entry = &scene.manifest.files[0];
    fs::remove_file(scene.backup.join(&entry.name)).unwrap();
    let error = scene.verify().unwrap_err();
    assert!(matches!(&error, BackupError::FileMissing { file } if *file == entry.name));
}

#[test]
fn a_changed_manifest_is_refused() {
    let scene = scene();
    let path = scene.backup.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"20\"", "\"21\"", 1)).unwrap();
    assert!(matches!(scene.verify(), Err(BackupError::ManifestDamaged)));

    let rewrite = |manifest: &Manifest| {
        fs::remove_file(&path).unwrap();
        fs::remove_file(scene.backup.join("manifest.sha256")).unwrap();
        manifest.write(&scene.backup).unwrap();
    };
    let original = &scene.manifest;
    rewrite(&Manifest { state_root: StateRoot::ZERO, ..original.clone() });
    assert!(matches!(scene.verify(), Err(BackupError::StateRoot { .. })));
    rewrite(&Manifest { height: Height::new(19), ..original.clone() });
    assert!(matches!(scene.verify(), Err(BackupError::Height { .. })));
    rewrite(&Manifest { format: 2, ..original.clone() });
    assert!(matches!(scene.verify(), Err(BackupError::Newer { .. })));
    rewrite(&Manifest { encryption: Some("age".to_owned()), ..original.clone() });
    assert!(matches!(scene.restore("other"), Err(BackupError::Newer { .. })));
    rewrite(original);
    scene.verify().unwrap();
    fs::remove_file(path).unwrap();
    assert!(matches!(scene.verify(), Err(BackupError::NoManifest { .. })));
}

#[test]
fn the_chain_check_decides() {
    let scene = scene();
    let scratch = scene.directory.path().join("scratch");
    let mut recorder = Recorder { refuse: Some(Height::new(7)), ..Recorder::default() };
    let error = verify(&scene.backup, &chain(), &scratch, &mut recorder).unwrap_err();
    assert_eq!(error.to_string(), "height 7: batch: not as it should be");
    let other = ChainId::new(digest("another chain"));
    let error = verify(&scene.backup, &other, &scratch, &mut Recorder::default()).unwrap_err();
    assert!(matches!(error, BackupError::ForeignChain { .. }));
    let error =
        restore(&scene.backup, &other, &scene.directory.path().join("x"), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::ForeignChain { .. }));
}

#[test]
fn only_empty_directories_are_written() {
    let scene = scene();
    let full = scene.directory.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("key.json"), b"mine").unwrap();
    let error = restore(&scene.backup, &chain(), &full, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }));
    let (store, _) = filled(&scene.directory.path().join("second"));
    let error = create(&store, &full, TimestampMs::ZERO, &mut |_| ()).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }));
    assert_eq!(fs::read(full.join("key.json")).unwrap(), b"mine");
    let fresh = RocksStore::open(&scene.directory.path().join("third"), chain()).unwrap();
    let missing = scene.directory.path().join("no");
    let error = create(&fresh, &missing, TimestampMs::ZERO, &mut |_| ()).unwrap_err();
    assert!(matches!(error, BackupError::NothingApplied));
}

#[test]
fn the_steps_of_a_backup_end_with_all_its_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = filled(&directory.path().join("node"));
    let mut steps = Vec::new();
    let backup = directory.path().join("backup");
    let manifest =
        create(&store, &backup, TimestampMs::ZERO, &mut |step| steps.push(step)).unwrap();
    let total = manifest.total_bytes();
    assert_eq!(steps.len(), manifest.files.len());
    assert!(steps.is_sorted_by_key(|step| step.done));
    assert!(steps.iter().all(|step| step.total == Some(total)));
    assert_eq!(steps.last().unwrap().done, total);
}
