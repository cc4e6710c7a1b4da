//! One verdict per signature, alone and in any batch: honest ones, crafted ones with parts of small
//! order, and those with any byte changed.

#![no_main]

#[path = "../../primitives/tests/support/mod.rs"]
mod support;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_primitives::{
    BatchItem, Ed25519Verifier, Signature, Verifier, VerifyingKey, find_invalid, verify_batch,
};
use support::{Crafted, pool};

const BATCH_MAX: usize = 24;

static POOL: LazyLock<Vec<Crafted>> = LazyLock::new(pool);

/// Four bytes choose a member of the pool and what is changed in it.
fn member(choice: &[u8]) -> Crafted {
    let number = usize::from(choice[0]) | usize::from(choice[1] & 1) << 8;
    let mut member = POOL[number % POOL.len()].clone();
    let (place, flip) = (usize::from(choice[2]), choice[3]);
    match choice[1] >> 6 {
        0 => member.signature[place % 64] ^= flip,
        1 => member.key[place % 32] ^= flip,
        _ => {}
    }
    member
}

fuzz_target!(|input: &[u8]| {
    let members: Vec<Crafted> = input.chunks_exact(4).take(BATCH_MAX).map(member).collect();
    let usable: Vec<(VerifyingKey, &Crafted, Signature)> = members
        .iter()
        .filter_map(|member| {
            let key = VerifyingKey::try_from(&member.public()).ok()?;
            Some((key, member, member.signature()))
        })
        .collect();
    let items: Vec<BatchItem<'_>> = usable
        .iter()
        .map(|(key, member, signature)| BatchItem { key, message: &member.message, signature })
        .collect();
    let mut refused = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let accepted = item.key.verify(item.message, item.signature).is_ok();
        assert_eq!(accepted, usable[place].1.accepted_by_rule(), "{item:?}");
        if !accepted {
            refused.push(place);
        }
    }
    assert_eq!(verify_batch(&items).is_ok(), refused.is_empty());
    assert_eq!(find_invalid(&items), refused);
    let all: Vec<_> = usable
        .iter()
        .map(|(key, member, signature)| (key.public(), member.message.as_slice(), signature))
        .collect();
    assert_eq!(Ed25519Verifier::default().verify_all(&all), refused.is_empty());
});
