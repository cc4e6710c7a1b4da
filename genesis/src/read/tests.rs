#![allow(clippy::unwrap_used)]

use super::*;

const GOOD: &str = r#"chain_name = "harbour"
timestamp_ms = 1764000000000

[params]
fee_account = "lgt1FEES"

[[validators]]
name = "v0"
key = "lgtval1KEY"
power = 3

[[accounts]]
address = "lgt1FEES"
balance = "1,000.5"
"#;

/// A key that no development chain uses.
fn good() -> String {
    let key = logothete_primitives::SecretKey::from_seed([7; 32]).public();
    GOOD.replace("lgt1FEES", &Address::from(key).to_string())
        .replace("lgtval1KEY", &key.to_string())
}

/// Every fault of a text, as people see it.
fn faults(text: &str) -> Vec<String> {
    spec(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

/// The faults after one replacement in a good file.
fn faults_with(from: &str, to: &str) -> Vec<String> {
    let text = good();
    assert!(text.contains(from), "{from}");
    faults(&text.replacen(from, to, 1))
}

#[test]
fn reads_a_file_written_by_hand() {
    let spec = spec(&good()).unwrap();
    assert_eq!(spec.chain_name, "harbour");
    assert_eq!(spec.validators[0].power, 3);
    assert_eq!(spec.accounts[0].balance.units(), 1_000_500_000);
    assert_eq!(spec.params.min_fee, ChainParams::default().min_fee);
}

#[test]
fn says_what_was_probably_meant() {
    for (from, to, expected) in [
        ("chain_name", "chain_nmae", "line 1: chain_nmae: unknown key, did you mean `chain_name`?"),
        (
            "fee_account",
            "fee_acount",
            "line 5: params.fee_acount: unknown key, did you mean `fee_account`?",
        ),
        ("power", "powr", "line 10: validators[0].powr: unknown key, did you mean `power`?"),
        (
            "balance",
            "ballance",
            "line 14: accounts[0].ballance: unknown key, did you mean `balance`?",
        ),
        (
            "[[validators]]",
            "[[validator]]",
            "line 7: validator: unknown key, did you mean `validators`?",
        ),
    ] {
        let faults = faults_with(from, to);
        assert!(faults.contains(&expected.to_owned()), "{faults:#?}");
    }
    let faults = faults_with("power = 3", "power = 3\nxyzzy = 1");
    assert_eq!(faults, ["line 11: validators[0].xyzzy: unknown key"]);
}

#[test]
fn names_missing_keys() {
    for (line, place) in [
        ("chain_name = \"harbour\"\n", "chain_name: is missing"),
        ("timestamp_ms = 1764000000000\n", "timestamp_ms: is missing"),
        ("name = \"v0\"\n", "line 7: validators[0].name: is missing"),
        ("power = 3\n", "line 7: validators[0].power: is missing"),
        ("balance = \"1,000.5\"\n", "line 12: accounts[0].balance: is missing"),
    ] {
        assert_eq!(faults_with(line, ""), [place]);
    }
    assert_eq!(
        faults_with("[params]\nfee_account", "[other]\nx"),
        ["line 4: other: unknown key", "params.fee_account: is missing",]
    );
}

#[test]
fn names_wrong_types() {
    for (from, to, expected) in [
        ("\"harbour\"", "7", "line 1: chain_name: is a whole number; it must be a text"),
        ("1764000000000", "\"now\"", "line 2: timestamp_ms: is a text; it must be a whole number"),
        (
            "1764000000000",
            "-5",
            "line 2: timestamp_ms: -5 is out of range; it must be between 0 and 18446744073709551615",
        ),
        (
            "power = 3",
            "power = 3.5",
            "line 10: validators[0].power: is a number with a point; it must be a whole number",
        ),
        (
            "\"1,000.5\"",
            "1000",
            "line 14: accounts[0].balance: is a whole number; it must be an amount in quotes, such as \"1,000.50\"",
        ),
        (
            "\"1,000.5\"",
            "\"1000,5\"",
            "line 14: accounts[0].balance: \"1000,5\" is not an amount in quotes, such as \"1,000.50\": not an amount (for example 10, 0.5 or 1,000.25)",
        ),
        (
            "[params]",
            "[params]\ndev = 1",
            "line 5: params.dev: is a whole number; it must be true or false",
        ),
    ] {
        assert_eq!(faults_with(from, to), [expected]);
    }
    assert_eq!(
        faults(
            "chain_name = \"x\"\ntimestamp_ms = 1\nvalidators = 4\naccounts = [5]\nparams = true"
        ),
        [
            "line 3: validators: is a whole number; it must be an array of tables",
            "line 4: accounts[0]: is a whole number; it must be a table",
            "line 5: params: is true or false; it must be a table",
        ]
    );
}

#[test]
fn names_bad_keys_and_addresses() {
    let text = good();
    let address = text.split('"').find(|part| part.starts_with("lgt1")).unwrap();
    let wrong = format!("{}q", &address[..address.len() - 1]);
    let faults = faults_with(address, &wrong);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].starts_with("line 5: params.fee_account: "), "{faults:#?}");
    assert!(faults[0].contains("is not an address (lgt1…)"), "{faults:#?}");
}

#[test]
fn lists_all_faults_of_a_file_by_line() {
    let faults = faults(
        "chain = 1\ntimestamp_ms = true\n[[validators]]\nname = 1\n[[accounts]]\nbalance = \"x\"\n",
    );
    let places: Vec<&str> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "line 1",
            "line 2",
            "line 3",
            "line 3",
            "line 4",
            "line 5",
            "line 6",
            "chain_name",
            "params.fee_account"
        ],
        "{faults:#?}"
    );
}

#[test]
fn faults_of_rules_have_lines_too() {
    assert_eq!(
        faults_with("power = 3", "power = 0"),
        ["line 10: validators[0].power: must be greater than zero"]
    );
    assert_eq!(
        faults_with("\"harbour\"", "\"the harbour\""),
        ["line 1: chain_name: \"the harbour\" is not a name: 1 to 32 of a-z A-Z 0-9 . _ -"]
    );
}

#[test]
fn a_draft_may_be_incomplete_but_not_malformed() {
    let draft = draft("chain_name = \"harbour\"\n").unwrap();
    assert_eq!((draft.chain_name.as_str(), draft.validators.len()), ("harbour", 0));
    assert!(super::draft("").is_err());
    assert!(super::draft("chain_name = \"x\"\nvalidator = 1\n").is_err());
    assert!(super::draft("chain_name = = 1").is_err());
    assert!(super::draft(&good().replace("power = 3", "power = 0")).is_ok());
}

#[test]
fn says_where_the_syntax_breaks() {
    let faults = faults("chain_name = \"x\"\ntimestamp_ms = = 1\n");
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("line 2: not TOML: "), "{faults:#?}");
    assert!(faults_with("power = 3", "power = 3\npower = 4")[0].contains("not TOML"));
}
