//! The vectors of `docs/wire.md`, which were computed by another program than this one, and the
//! promise that the document names every domain and limit as it is in the code.

#![allow(clippy::unwrap_used)]

use logothete_primitives::codec::{Decode, Encode, decode, encode};
use logothete_primitives::{
    Address, BatchItem, BoundedBytes, BoundedString, BoundedVec, ChainId, Digest, Domain, Epoch,
    MerkleProof, PublicKey, SecretKey, Signature, SignerSet, Validator, ValidatorIndex,
    ValidatorSet, VerifyingKey, domain, hash, limits, merkle, signing_message, verify_batch,
};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../docs/wire.md");

fn vectors(section: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    all[section].clone()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    hex::decode(text(value, field)).unwrap()
}

fn seed(value: &Value) -> SecretKey {
    SecretKey::from_seed(bytes(value, "seed").try_into().unwrap())
}

fn domain_of(value: &Value) -> Domain {
    let tag = Domain::new(text(value, "domain"));
    domain::ALL.iter().find(|(_, known)| *known == tag).expect("a domain of the protocol").1
}

#[test]
fn hashes() {
    for vector in list(&vectors("hash")) {
        let digest = hash(domain_of(vector), &bytes(vector, "bytes"));
        assert_eq!(digest.to_string(), text(vector, "digest"));
    }
}

#[test]
fn encodings() {
    fn assert_bytes<T: Encode + Decode<()> + PartialEq + std::fmt::Debug>(value: &T, hex: &str) {
        assert_eq!(hex::encode(encode(value)), hex);
        assert_eq!(decode::<T>(&hex::decode(hex).unwrap()).unwrap(), *value);
    }
    let all = vectors("codec");
    let of = |kind: &str, value: &str| -> String {
        let found = |v: &&Value| text(v, "type") == kind && text(v, "value") == value;
        text(list(&all).iter().find(found).unwrap(), "bytes").to_owned()
    };
    assert_bytes(&258u16, &of("u16", "258"));
    assert_bytes(&1u64, &of("u64", "1"));
    assert_bytes(&true, &of("bool", "true"));
    assert_bytes(&None::<u16>, &of("Option<u16>", "None"));
    assert_bytes(&Some(7u16), &of("Option<u16>", "Some(7)"));
    let numbers = BoundedVec::<u16, 4>::try_from(vec![1, 2]).unwrap();
    assert_bytes(&numbers, &of("BoundedVec<u16, 4>", "[1, 2]"));
    let raw = BoundedBytes::<4>::try_from(vec![0, 255]).unwrap();
    assert_bytes(&raw, &of("BoundedBytes<4>", "00ff"));
    let word = BoundedString::<4>::try_from("é").unwrap();
    assert_bytes(&word, &of("BoundedString<4>", "\"é\""));
    let mut signers = SignerSet::new(10);
    assert!([0, 2, 9].iter().all(|index| signers.insert(ValidatorIndex::new(*index))));
    assert_bytes(&signers, &of("SignerSet", "{v0, v2, v9}"));
}

#[test]
fn keys_and_their_text() {
    for vector in list(&vectors("keys")) {
        let public = seed(vector).public();
        assert_eq!(hex::encode(public.as_bytes()), text(vector, "public"));
        assert_eq!(Address::from(public).to_string(), text(vector, "address"));
        assert_eq!(public.to_string(), text(vector, "key"));
    }
}

#[test]
fn signed_messages() {
    for vector in list(&vectors("signing")) {
        let chain: ChainId = text(vector, "chain").parse().unwrap();
        let message = signing_message(domain_of(vector), &chain, &bytes(vector, "body"));
        assert_eq!(hex::encode(&message), text(vector, "message"));
        assert_eq!(seed(vector).sign(&message).to_string(), text(vector, "signature"));
    }
}

#[test]
fn accepted_and_refused_signatures() {
    for vector in list(&vectors("acceptance")) {
        let public = PublicKey::from_bytes(bytes(vector, "public").try_into().unwrap());
        let signature: Signature = text(vector, "signature").parse().unwrap();
        let message = bytes(vector, "message");
        let verdict = VerifyingKey::try_from(&public).is_ok_and(|key| {
            let alone = key.verify(&message, &signature);
            let item = BatchItem { key: &key, message: &message, signature: &signature };
            assert_eq!(verify_batch(&[item; 5]), alone);
            alone.is_ok()
        });
        assert_eq!(Some(verdict), vector["accepted"].as_bool(), "{}", vector["name"]);
    }
}

#[test]
fn merkle_trees() {
    for vector in list(&vectors("merkle")) {
        let digests = |value: &Value| -> Vec<Digest> {
            list(value).iter().map(|digest| digest.as_str().unwrap().parse().unwrap()).collect()
        };
        let leaves = digests(&vector["leaves"]);
        let root = merkle::root(&leaves);
        assert_eq!(root.to_string(), text(vector, "root"));
        for (index, path) in list(&vector["proofs"]).iter().enumerate() {
            let path = BoundedVec::try_from(digests(path)).unwrap();
            let count = u32::try_from(leaves.len()).unwrap();
            let proof = MerkleProof { index: u32::try_from(index).unwrap(), count, path };
            assert_eq!(merkle::prove(&leaves, index).unwrap(), proof);
            assert!(proof.verify(&leaves[index], &root));
        }
    }
}

#[test]
fn validator_sets() {
    let vector = vectors("validator_set");
    let validators: Vec<Validator> = serde_json::from_value(vector["validators"].clone()).unwrap();
    let epoch = Epoch::new(vector["epoch"].as_u64().unwrap());
    let set = ValidatorSet::new(epoch, validators).unwrap();
    assert_eq!(hash(domain::VALIDATOR_SET, &bytes(&vector, "bytes")), set.hash());
    assert_eq!(set.hash().to_string(), text(&vector, "hash"));
    assert_eq!(Some(set.quorum()), vector["quorum"].as_u64());
    assert_eq!(Some(set.max_faulty()), vector["max_faulty"].as_u64());
}

/// Test vectors of RFC 8032, section 7.1.
#[test]
fn rfc_8032() {
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ];
    for (seed, public, message, signature) in vectors {
        let secret = SecretKey::from_seed(hex::decode(seed).unwrap().try_into().unwrap());
        let message = hex::decode(message).unwrap();
        assert_eq!(hex::encode(secret.public().as_bytes()), public);
        assert_eq!(secret.sign(&message).to_string(), signature);
        let key = VerifyingKey::try_from(&secret.public()).unwrap();
        assert_eq!(key.verify(&message, &signature.parse().unwrap()), Ok(()));
    }
}

#[test]
fn domains_are_distinct_and_documented() {
    for (place, (name, tag)) in domain::ALL.iter().enumerate() {
        let others = domain::ALL.iter().skip(place + 1);
        assert!(others.clone().all(|(_, other)| other != tag), "{name} has the tag of another");
        let written = String::from_utf8(tag.as_bytes().to_vec()).unwrap();
        let written = written.trim_end_matches('\0');
        let row = format!("| `{written}` |");
        assert!(DOCUMENT.contains(&row), "docs/wire.md has no row {row} ({name})");
    }
}

#[test]
fn limits_are_documented() {
    let numbers = [
        ("MAX_VALIDATORS", limits::MAX_VALIDATORS),
        ("MAX_NAME_BYTES", limits::MAX_NAME_BYTES),
        ("MAX_OPERATIONS", limits::MAX_OPERATIONS),
        ("MAX_MEMO_BYTES", limits::MAX_MEMO_BYTES),
        ("MAX_COSIGNERS", limits::MAX_COSIGNERS),
        ("MAX_TX_BYTES", limits::MAX_TX_BYTES),
        ("MAX_BATCH_BYTES", limits::MAX_BATCH_BYTES),
        ("MAX_BATCH_TXS", limits::MAX_BATCH_TXS),
        ("MAX_BATCHES_PER_BLOCK", limits::MAX_BATCHES_PER_BLOCK),
        ("MAX_EVIDENCE_PER_BLOCK", limits::MAX_EVIDENCE_PER_BLOCK),
        ("MAX_EVIDENCE_BYTES", limits::MAX_EVIDENCE_BYTES),
        ("MAX_PAYLOAD_BYTES", limits::MAX_PAYLOAD_BYTES),
    ];
    for (name, number) in numbers {
        let row = format!("| `{name}` | {number} |");
        assert!(DOCUMENT.contains(&row), "docs/wire.md has no row {row}");
    }
}

/// The limits that follow from those, in numbers: a frame that one node sends must not be too large
/// for another.
#[test]
fn derived_limits_stay_the_same() {
    let numbers = [
        ("signer set", limits::MAX_SIGNER_SET_BYTES, 27),
        ("quorum certificate", limits::MAX_QUORUM_CERT_BYTES, 13_343),
        ("timeout certificate", limits::MAX_TIMEOUT_CERT_BYTES, 28_659),
        ("certificate", limits::MAX_CERT_BYTES, 28_663),
        ("batch reference", limits::MAX_BATCH_REF_BYTES, 64),
        ("evidence", limits::MAX_EVIDENCE_BYTES, 1_156),
        ("payload", limits::MAX_PAYLOAD_BYTES, 8_744),
        ("block", limits::MAX_BLOCK_BYTES, 9_260),
        ("proposal", limits::MAX_PROPOSAL_BYTES, 51_327),
        ("timeout", limits::MAX_TIMEOUT_BYTES, 42_583),
        ("consensus frame", limits::MAX_CONSENSUS_FRAME_BYTES, 51_331),
        ("batches frame", limits::MAX_BATCHES_FRAME_BYTES, 524_800),
        ("sync request", limits::MAX_SYNC_REQUEST_BYTES, 4_096),
        ("sync response", limits::MAX_SYNC_RESPONSE_BYTES, 4_194_304),
        ("sync frame", limits::MAX_SYNC_FRAME_BYTES, 4_194_816),
        ("any frame", limits::MAX_FRAME_BYTES, 4_194_816),
        ("gossip", limits::MAX_GOSSIP_BYTES, 16_896),
    ];
    for (name, bytes, expected) in numbers {
        assert_eq!(bytes, expected, "{name}");
    }
    assert_eq!((limits::MAX_TOTAL_POWER, limits::NONCE_WINDOW), (4_611_686_018_427_387_904, 64));
}
