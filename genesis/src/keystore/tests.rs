#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn secret() -> SecretKey {
    SecretKey::from_seed([42; 32])
}

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.json");
    Place { _directory: directory, path }
}

fn sealed() -> Place {
    let place = place();
    KeyFile::create_encrypted(&place.path, &secret(), "correct horse").unwrap();
    place
}

fn plain() -> Place {
    let place = place();
    KeyFile::create_plain_dev(&place.path, &secret()).unwrap();
    place
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
}

/// The same with a checksum that fits: somebody did it on purpose.
fn forge(path: &Path, change: impl FnOnce(&mut Value)) {
    rewrite(path, change);
    let mut stored: Stored = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    stored.checksum = stored.expected_checksum();
    fs::write(path, serde_json::to_vec(&stored).unwrap()).unwrap();
}

#[test]
fn a_key_that_is_sealed_anew_opens_with_the_new_passphrase_only() {
    let place = sealed();
    let wrong = KeyFile::reseal(&place.path, Some("battery staple"), "new");
    assert!(matches!(wrong, Err(KeyFileError::WrongPassphrase { .. })));
    let empty = KeyFile::reseal(&place.path, Some("correct horse"), "");
    assert!(matches!(empty, Err(KeyFileError::EmptyPassphrase)));
    KeyFile::load(&place.path, Some("correct horse")).expect("a refusal changes nothing");

    KeyFile::reseal(&place.path, Some("correct horse"), "new").unwrap();
    let old = KeyFile::load(&place.path, Some("correct horse"));
    assert!(matches!(old, Err(KeyFileError::WrongPassphrase { .. })));
    let key = KeyFile::load(&place.path, Some("new")).unwrap();
    assert_eq!(key.seed(), secret().seed());

    let plain = plain();
    KeyFile::reseal(&plain.path, None, "new").unwrap();
    assert!(KeyFile::inspect(&plain.path).unwrap().encrypted);
}

#[test]
fn a_sealed_key_opens_with_its_passphrase_only() {
    let place = sealed();
    let opened = KeyFile::load(&place.path, Some("correct horse")).unwrap();
    assert_eq!(opened.seed(), secret().seed());

    let wrong = KeyFile::load(&place.path, Some("battery staple"));
    assert!(matches!(wrong, Err(KeyFileError::WrongPassphrase { .. })));
    let none = KeyFile::load(&place.path, None);
    assert!(matches!(none, Err(KeyFileError::PassphraseNeeded { .. })));

    let info = KeyFile::inspect(&place.path).unwrap();
    assert_eq!(info, KeyInfo { public: secret().public(), encrypted: true });
    let text = fs::read_to_string(&place.path).unwrap();
    assert!(!text.contains(&hex::encode(*secret().seed())), "the seed is not in the file");
}

#[test]
fn a_plain_key_is_marked_and_for_development_only() {
    let place = plain();
    assert!(fs::read_to_string(&place.path).unwrap().contains("plain-development-only"));
    let opened = KeyFile::load_for(&place.path, None, true).unwrap();
    assert_eq!(opened.seed(), secret().seed());
    let refused = KeyFile::load_for(&place.path, None, false);
    assert!(matches!(refused, Err(KeyFileError::PlainRefused { .. })));
    assert!(KeyFile::load_for(&sealed().path, Some("correct horse"), false).is_ok());
}

#[test]
fn the_same_key_is_sealed_differently_each_time() {
    let texts = [sealed(), sealed()].map(|place| fs::read(&place.path).unwrap());
    assert_ne!(texts[0], texts[1]);
}

#[test]
fn an_empty_passphrase_is_refused() {
    let place = place();
    let refused = KeyFile::create_encrypted(&place.path, &secret(), "");
    assert!(matches!(refused, Err(KeyFileError::EmptyPassphrase)));
    assert!(!place.path.exists());
}

#[test]
fn a_key_is_never_overwritten() {
    let place = plain();
    let before = fs::read(&place.path).unwrap();
    let other = SecretKey::from_seed([1; 32]);
    for refused in [
        KeyFile::create_plain_dev(&place.path, &other),
        KeyFile::create_encrypted(&place.path, &other, "x"),
    ] {
        assert!(matches!(refused, Err(KeyFileError::Exists { .. })));
    }
    assert_eq!(fs::read(&place.path).unwrap(), before);
    let beside = fs::read_dir(place.path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "no temporary file is left");
}

#[test]
fn files_are_made_for_their_owner_and_refused_when_others_can_read() {
    let place = plain();
    let mode = fs::metadata(&place.path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    for open in [0o640, 0o604, 0o620, 0o601, 0o666] {
        fs::set_permissions(&place.path, fs::Permissions::from_mode(open)).unwrap();
        match KeyFile::load(&place.path, None) {
            Err(KeyFileError::ModeTooOpen { mode, .. }) => assert_eq!(mode, open),
            other => panic!("{other:?}"),
        }
    }
    close_to_others(&place.path).unwrap();
    assert!(KeyFile::load(&place.path, None).is_ok());
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(KeyFile::load(&place.path, None).is_ok());
}

#[test]
fn a_missing_file_is_named_as_such() {
    let missing = KeyFile::load(&place().path, None);
    assert!(matches!(missing, Err(KeyFileError::Missing { .. })));
}

#[test]
fn a_file_cut_off_anywhere_is_damaged() {
    let place = plain();
    let whole = fs::read(&place.path).unwrap();
    // The last byte is the newline, which means nothing.
    for end in 0..whole.len() - 2 {
        fs::write(&place.path, &whole[..end]).unwrap();
        let cut = KeyFile::load(&place.path, None);
        assert!(matches!(cut, Err(KeyFileError::Damaged { .. })), "cut at {end}");
    }
}

#[test]
fn no_changed_byte_gives_another_key() {
    let place = plain();
    let whole = fs::read(&place.path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&place.path, &changed).unwrap();
        if let Ok(key) = KeyFile::load(&place.path, None) {
            assert_eq!(key.public(), secret().public(), "byte {at} is only a space");
        }
    }
}

#[test]
fn a_sealed_file_that_rotted_is_damaged_and_not_a_wrong_passphrase() {
    for field in ["salt", "nonce", "sealed"] {
        let place = sealed();
        rewrite(&place.path, |value| {
            let text = value["secret"][field].as_str().unwrap();
            let first = if text.starts_with('0') { "1" } else { "0" };
            value["secret"][field] = format!("{first}{}", &text[1..]).into();
        });
        let rotten = KeyFile::load(&place.path, Some("correct horse"));
        let why = Damage::Checksum;
        assert!(
            matches!(&rotten, Err(KeyFileError::Damaged { why: found, .. }) if *found == why),
            "{rotten:?}"
        );
    }
}

#[test]
fn nothing_in_a_sealed_file_can_be_forged() {
    let other = SecretKey::from_seed([1; 32]).public().to_string();
    let changes: [fn(&mut Value, &str); 4] = [
        |value, other| value["public_key"] = other.into(),
        |value, _| value["secret"]["cost"]["iterations"] = 1.into(),
        |value, _| value["secret"]["salt"] = "00".repeat(16).into(),
        |value, _| value["secret"]["sealed"] = "00".repeat(48).into(),
    ];
    for change in changes {
        let place = sealed();
        forge(&place.path, |value| change(value, &other));
        let forged = KeyFile::load(&place.path, Some("correct horse"));
        assert!(matches!(forged, Err(KeyFileError::WrongPassphrase { .. })), "{forged:?}");
    }
}

#[test]
fn a_plain_secret_must_belong_to_its_public_key() {
    let place = plain();
    let other = SecretKey::from_seed([1; 32]).public().to_string();
    forge(&place.path, |value| value["public_key"] = other.into());
    let forged = KeyFile::load(&place.path, None);
    assert!(matches!(forged, Err(KeyFileError::Damaged { why: Damage::ForeignSecret, .. })));
}

#[test]
fn a_file_cannot_ask_for_endless_work() {
    for (field, value) in [("memory_kib", u32::MAX), ("iterations", 1_000_000), ("lanes", 1_000)] {
        let place = sealed();
        forge(&place.path, |file| {
            file["secret"]["cost"][field] = value.into();
        });
        let costly = KeyFile::load(&place.path, Some("correct horse"));
        assert!(matches!(costly, Err(KeyFileError::TooCostly { .. })), "{costly:?}");
    }
}

#[test]
fn a_newer_format_and_strange_files_are_told_apart() {
    let newer = plain();
    rewrite(&newer.path, |value| {
        value["version"] = 2.into();
        value["vault"] = "x".into();
    });
    assert!(matches!(
        KeyFile::load(&newer.path, None),
        Err(KeyFileError::Newer { version: 2, .. })
    ));
    let strange = plain();
    rewrite(&strange.path, |value| value["extra"] = 1.into());
    assert!(matches!(KeyFile::load(&strange.path, None), Err(KeyFileError::Damaged { .. })));
    let long = plain();
    fs::write(&long.path, vec![b' '; 100_000]).unwrap();
    assert!(matches!(
        KeyFile::load(&long.path, None),
        Err(KeyFileError::Damaged { why: Damage::TooLong, .. })
    ));
}

#[test]
fn new_keys_differ() {
    assert_ne!(new_key().unwrap().public(), new_key().unwrap().public());
}
