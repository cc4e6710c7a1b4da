//! What must hold of any message that is believed.

use logothete_consensus::{Message, verify};
use logothete_primitives::{PublicKey, Signature, Verifier};

use crate::{CONTEXT, VERIFIER};

/// Believes every signature, so that what is checked besides them is reached.
#[derive(Clone, Copy, Debug)]
pub struct AnySignature;

impl Verifier for AnySignature {
    fn verify(&self, _: &PublicKey, _: &[u8], _: &Signature) -> bool {
        true
    }

    fn verify_all(&self, _: &[(PublicKey, &[u8], &Signature)]) -> bool {
        true
    }
}

/// Verifies a message twice, with its signatures and as if they were right.
///
/// # Panics
/// When it is believed and names a stranger, or when right signatures make up for a wrong form.
pub fn assert_verdict(message: Message) {
    let (author, view) = (message.author(), message.view());
    let signed = verify(&CONTEXT, &*VERIFIER, message.clone()).is_ok();
    let formed = verify(&CONTEXT, &AnySignature, message);
    assert!(!signed || formed.is_ok(), "well signed, badly formed, and believed");
    if let Ok(believed) = formed {
        let known = |index| CONTEXT.validators.get(index).is_some();
        assert!(author.is_none_or(known), "believed, yet signed by nobody");
        assert_eq!((believed.author(), believed.view()), (author, view));
    }
}
