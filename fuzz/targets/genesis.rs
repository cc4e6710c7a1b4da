//! Genesis files: any text is refused with faults or is a chain that reads the same when written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_genesis::Spec;

fuzz_target!(|text: &str| {
    let Ok(spec) = Spec::parse(text) else { return };
    let again = Spec::parse(&spec.to_toml()).expect("what is written reads");
    assert_eq!(again.chain_id(), spec.chain_id(), "writing a genesis file changes the chain");
    assert!(spec.validator_set().quorum() > 0);
    assert!(spec.state_entries().len() <= spec.accounts.len() + 1);
});
