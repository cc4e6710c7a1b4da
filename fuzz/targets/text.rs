//! Every text form that people and JSON write: amounts, addresses, keys, hashes, heights.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_primitives::{Address, Amount, Digest, Height, PublicKey};

fuzz_target!(|text: &str| {
    if let Ok(amount) = text.parse::<Amount>() {
        assert_eq!(amount.to_string().parse(), Ok(amount));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string(), text.to_lowercase());
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string(), text.to_lowercase());
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text.to_lowercase());
    }
    if let Ok(height) = text.parse::<Height>() {
        assert_eq!(height.to_string(), text);
    }
});
