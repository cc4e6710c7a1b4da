//! R0: what is a certificate and what is one signature short of it, for 1 to 200 members of any power.
#![allow(clippy::unwrap_used)]

mod support;

use logothete_consensus::{Certificate, QuorumCert, Rejection, TimeoutCert, verify_certificate};
use logothete_primitives::ValidatorSet;
use logothete_primitives::limits::MAX_TOTAL_POWER;
use proptest::collection::vec;
use proptest::prelude::*;
use support::keyed_hash::KeyedHashVerifier;
use support::stand::{Stand, v};

/// Powers in the proportions drawn, with a total close below the limit or small.
fn powers() -> impl Strategy<Value = Vec<u64>> {
    (vec(1u64..=1_000_000, 1..=200), any::<bool>()).prop_map(|(shares, near_limit)| {
        let total: u64 = shares.iter().sum();
        let scale = if near_limit { MAX_TOTAL_POWER / total } else { 1 };
        shares.iter().map(|share| share * scale).collect()
    })
}

/// Members in the order of `keys`, as many as make a quorum; the last of them was needed.
fn least_quorum(set: &ValidatorSet, keys: &[u32]) -> Vec<u16> {
    let mut order: Vec<u16> = (0..u16::try_from(set.len()).unwrap()).collect();
    order.sort_by_key(|index| keys[usize::from(*index)]);
    let mut power = 0;
    let chosen = order.into_iter().take_while(|index| {
        let more = power < set.quorum();
        power += set.power(v(*index));
        more
    });
    chosen.collect()
}

fn qc_of(stand: &Stand, mut signers: Vec<u16>) -> QuorumCert {
    signers.sort_unstable();
    let signatures: Vec<_> =
        signers.iter().map(|signer| stand.prepare(*signer, "a").signature).collect();
    QuorumCert {
        signers: stand.set(&signers),
        signatures: signatures.try_into().unwrap(),
        ..stand.qc("a")
    }
}

fn tc_of(stand: &Stand, mut signers: Vec<u16>) -> TimeoutCert {
    signers.sort_unstable();
    let entries: Vec<_> = signers
        .iter()
        .map(|signer| logothete_consensus::TimeoutEntry {
            signer: v(*signer),
            qc_view: logothete_primitives::View::ZERO,
            signature: stand.timeout(*signer, 5, "genesis", None).signature,
        })
        .collect();
    TimeoutCert { timeouts: entries.try_into().unwrap(), ..stand.tc(5, "genesis") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_signature_less_than_a_quorum_is_no_certificate(
        powers in powers(),
        keys in vec(any::<u32>(), 200),
    ) {
        let mut stand = Stand::new(&powers, 0);
        stand.block("a", 0, 1, "genesis");
        let enough = least_quorum(&stand.ctx.validators, &keys);
        let short = enough[..enough.len() - 1].to_vec();
        let check = |certificate| verify_certificate(&stand.ctx, &KeyedHashVerifier, &certificate);
        let is_short = |verdict| matches!(verdict, Err(Rejection::NoQuorum { .. }));
        prop_assert_eq!(check(Certificate::Quorum(qc_of(&stand, enough.clone()))), Ok(()));
        prop_assert_eq!(check(Certificate::Timeout(tc_of(&stand, enough))), Ok(()));
        prop_assert!(is_short(check(Certificate::Quorum(qc_of(&stand, short.clone())))));
        prop_assert!(is_short(check(Certificate::Timeout(tc_of(&stand, short)))));
    }

    /// Any two quorums share more than f; without any f there still is one.
    #[test]
    fn quorums_meet_in_an_honest_member(
        powers in powers(),
        one in vec(any::<u32>(), 200),
        other in vec(any::<u32>(), 200),
    ) {
        let set = support::stage::context(&powers).validators;
        let (a, b) = (least_quorum(&set, &one), least_quorum(&set, &other));
        let shared: u64 =
            a.iter().filter(|index| b.contains(index)).map(|index| set.power(v(*index))).sum();
        prop_assert!(shared > set.max_faulty());
        prop_assert!(set.total_power() - set.max_faulty() >= set.quorum());
        prop_assert!(set.amplify() > set.max_faulty() && set.amplify() <= set.quorum());
    }
}
