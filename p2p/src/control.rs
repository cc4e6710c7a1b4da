//! What two admitted nodes tell each other besides the lanes: heights and addresses.

use bytes::Bytes;
use libp2p::Multiaddr;
use logothete_primitives::{
    bounded::{BoundedBytes, BoundedVec},
    codec::{self, CodecError, Decode, Encode},
    keys::PublicKey,
    limits::MAX_VALIDATORS,
    numbers::Height,
};

/// Addresses told of one validator.
pub(crate) const MAX_ADDRESSES: usize = 4;

/// Bytes of one address.
const MAX_ADDRESS_BYTES: usize = 128;

/// Longest control frame: the whole table of validators.
pub(crate) const MAX_CONTROL_BYTES: usize =
    8 + MAX_VALIDATORS * (32 + 4 + MAX_ADDRESSES * (4 + MAX_ADDRESS_BYTES));

/// A frame of the control stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Control {
    /// The height the sender has applied.
    Height(Height),
    /// Where the validators are that the sender is connected to.
    Validators(BoundedVec<Whereabouts, MAX_VALIDATORS>),
}

/// Where one validator was reached or says that it listens. Unsigned: whoever follows it finds
/// out by the key that answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Whereabouts {
    pub(crate) key: PublicKey,
    addresses: BoundedVec<BoundedBytes<MAX_ADDRESS_BYTES>, MAX_ADDRESSES>,
}

impl Control {
    pub(crate) fn encode(&self) -> Bytes {
        codec::encode(self).into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes)
    }
}

impl Whereabouts {
    /// The first few addresses that fit.
    pub(crate) fn new<'a>(
        key: PublicKey,
        addresses: impl IntoIterator<Item = &'a Multiaddr>,
    ) -> Self {
        let fitting = addresses.into_iter().filter_map(|a| BoundedBytes::try_from(a.to_vec()).ok());
        let mut bounded = BoundedVec::new();
        for address in fitting.take(MAX_ADDRESSES) {
            bounded.push(address).expect("no more than the bound are taken");
        }
        Self { key, addresses: bounded }
    }

    /// Those addresses that are addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Multiaddr> {
        self.addresses.iter().filter_map(|bytes| Multiaddr::try_from(bytes.to_vec()).ok())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_largest_table_fits_its_frame() {
        let long: Multiaddr = format!("/dns/{}/tcp/65535", "h".repeat(115)).parse().unwrap();
        assert!(long.to_vec().len() <= MAX_ADDRESS_BYTES);
        let key = PublicKey::from_bytes([7; 32]);
        let whereabouts = Whereabouts::new(key, &vec![long; 9]);
        assert_eq!(whereabouts.addresses().count(), MAX_ADDRESSES);
        let table = vec![whereabouts; MAX_VALIDATORS].try_into().unwrap();
        let bytes = Control::Validators(table).encode();
        assert!(bytes.len() <= MAX_CONTROL_BYTES);
        assert!(matches!(Control::decode(&bytes), Ok(Control::Validators(_))));
    }

    #[test]
    fn bytes_that_are_no_address_are_left_out() {
        let key = PublicKey::from_bytes([7; 32]);
        let mut whereabouts = Whereabouts::new(key, []);
        assert!(whereabouts.is_empty());
        whereabouts.addresses.push(vec![0xff; 9].try_into().unwrap()).unwrap();
        assert_eq!(whereabouts.addresses().count(), 0);
    }
}
