#![allow(clippy::unwrap_used)]

use super::*;
use crate::admin::Token;

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn origin_of(settings: &Settings, name: &str) -> Origin {
    settings.iter().find(|(key, _)| key.name == name).unwrap().1.origin.clone()
}

#[test]
fn stronger_sources_win_and_are_remembered() {
    let (_dir, path) =
        file("role = \"follower\"\n[rpc]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n");
    let settings = Settings::resolve(&Sources {
        file: Some(path.clone()),
        variables: vec![
            ("LOGOTHETE_RPC_LISTEN".into(), "127.0.0.1:2".into()),
            ("LOGOTHETE_LOG_LEVEL".into(), "error".into()),
            ("PATH".into(), "/bin".into()),
        ],
        flags: vec![("--rpc-listen".into(), "rpc.listen".into(), "127.0.0.1:3".into())],
    })
    .unwrap();
    let config = Config::from_settings(&settings);
    assert_eq!(config.role, Role::Follower);
    assert_eq!(config.rpc.listen, "127.0.0.1:3".parse().unwrap());
    assert_eq!(config.log.level, "error");
    assert_eq!(config.paths.data, path.parent().unwrap().join("data"));
    assert_eq!(origin_of(&settings, "role"), Origin::File(path));
    assert_eq!(origin_of(&settings, "log.level"), Origin::Variable("LOGOTHETE_LOG_LEVEL".into()));
    assert_eq!(origin_of(&settings, "rpc.listen"), Origin::Flag("--rpc-listen".into()));
    assert_eq!(origin_of(&settings, "paths.key"), Origin::Default);
}

#[test]
fn refuses_unknown_keys_with_a_suggestion() {
    let (_dir, path) =
        file("rolle = \"validator\"\n[p2p]\nlitsen = []\n[network]\nbootstrap = []\n");
    let faults = Settings::resolve(&Sources {
        file: Some(path),
        variables: vec![("LOGOTHETE_RPC_LISEN".into(), "x".into())],
        flags: vec![],
    })
    .unwrap_err();
    let said = faults.to_string();
    assert_eq!(faults.0.len(), 4, "{said}");
    for suggestion in ["`role`", "`p2p.listen`", "`p2p.bootstrap`", "`LOGOTHETE_RPC_LISTEN`"] {
        assert!(
            said.contains(&format!("did you mean {suggestion}?")),
            "{suggestion} not in {said}"
        );
    }
}

#[test]
fn names_the_place_of_a_bad_value() {
    let (_dir, path) = file(
        "role = \"king\"\n[rpc]\nlisten = 8080\n[p2p]\nlisten = [1]\n[mempool]\ntransactions = 0\n",
    );
    let faults =
        Settings::resolve(&Sources { file: Some(path.clone()), ..Sources::default() }).unwrap_err();
    assert_eq!(faults.0.len(), 4);
    assert!(faults.to_string().contains("one of validator, follower"));
    assert!(faults.to_string().contains("0 is not a whole number above 0"));
    assert!(faults.to_string().contains(&path.display().to_string()));
}

fn faults_of(text: &str) -> String {
    let (_dir, path) = file(text);
    match Settings::resolve(&Sources { file: Some(path), ..Sources::default() }) {
        Ok(_) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn administration_is_for_this_machine_and_for_who_holds_a_token() {
    let token = Token::generate().unwrap();
    let hash = token.hash();
    let (_dir, path) =
        file(&format!("[admin]\nlisten = \"127.0.0.1:9070\"\ntoken_hash = \"{hash}\"\n"));
    let settings = Settings::resolve(&Sources { file: Some(path), ..Sources::default() }).unwrap();
    let admin = Config::from_settings(&settings).admin.unwrap();
    assert_eq!(admin.listen, "127.0.0.1:9070".parse().unwrap());
    assert!(admin.token_hash.fits(token.reveal()));

    let everywhere =
        faults_of(&format!("[admin]\nlisten = \"0.0.0.0:9070\"\ntoken_hash = \"{hash}\"\n"));
    assert!(everywhere.contains("\"0.0.0.0:9070\" is not a loopback address"), "{everywhere}");
    let open = faults_of("[admin]\nlisten = \"[::1]:9070\"\n");
    assert!(open.contains("needs `admin.token_hash`: `logothete admin token`"), "{open}");
    let shown = faults_of(&format!("[admin]\ntoken_hash = \"{}\"\n", token.reveal()));
    assert!(shown.contains("is not 64 hexadecimal digits"), "{shown}");
    assert!(!shown.contains(token.reveal()), "{shown}");
}

#[test]
fn administration_is_off_unless_it_is_configured() {
    for text in ["", "[admin]\nlisten = \"\"\n", "[admin]\nlisten = \"none\"\n"] {
        let (_dir, path) = file(text);
        let settings =
            Settings::resolve(&Sources { file: Some(path), ..Sources::default() }).unwrap();
        assert!(Config::from_settings(&settings).admin.is_none(), "{text}");
    }
}

#[test]
fn a_single_text_is_a_list_of_one() {
    let (_dir, path) =
        file("[log]\n[p2p]\nlisten = \"/ip4/127.0.0.1/tcp/1\"\nbootstrap = [\"a\", \"b\"]\n");
    let settings = Settings::resolve(&Sources { file: Some(path), ..Sources::default() }).unwrap();
    let config = Config::from_settings(&settings);
    assert_eq!(config.p2p.listen, ["/ip4/127.0.0.1/tcp/1"]);
    assert_eq!(config.p2p.bootstrap, ["a", "b"]);
    assert!(config.p2p.discover);
}

#[test]
fn a_list_of_a_file_is_no_list_of_the_command_line() {
    let set = |text: &str| {
        let flags = vec![("--set".to_owned(), "rpc.hosts".to_owned(), text.to_owned())];
        Settings::resolve(&Sources { flags, ..Sources::default() })
    };
    let config = Config::from_settings(&set("a.example.org, b.example.org").unwrap());
    assert_eq!(config.rpc.hosts, ["a.example.org", "b.example.org"]);
    let faults = set("[\"a.example.org\"]").unwrap_err().to_string();
    assert!(faults.contains("without quotes, a comma between them"), "{faults}");
}

#[test]
fn a_file_that_is_not_toml_is_told_with_its_line() {
    let (_dir, path) = file("role = validator\n");
    let faults =
        Settings::resolve(&Sources { file: Some(path), ..Sources::default() }).unwrap_err();
    assert!(matches!(&faults.0[0], Fault::Syntax { message, .. } if message.contains("line 1")));
}
