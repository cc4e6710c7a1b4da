//! Digests, keys, signatures, identifiers, the canonical codec and the limits of Logothete.
