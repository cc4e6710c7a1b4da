//! Key files: any bytes, and well-formed files with any contents under a checksum that fits, which is
//! what somebody makes on purpose.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{secret, with_file};
use logothete_genesis::{KeyFile, KeyFileError};
use logothete_primitives::{domain, hash};
use serde_json::json;

/// A sealed key file; the costs are small or beyond every bound, so that a refusal is cheap too.
#[derive(Arbitrary, Debug)]
struct Forged {
    memory_kib: u8,
    iterations: u8,
    lanes: u8,
    /// Above any bound: memory, iterations, lanes.
    beyond: [bool; 3],
    salt: Vec<u8>,
    nonce: Vec<u8>,
    sealed: Vec<u8>,
    own_key: bool,
}

// The first byte says which.
fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        with_file(bytes, |path| {
            let info = KeyFile::inspect(path);
            if let Ok(key) = KeyFile::load(path, None) {
                assert_eq!(info.ok().map(|info| info.public), Some(key.public()));
            }
        });
    } else if let Ok(forged) = Forged::arbitrary(&mut Unstructured::new(bytes)) {
        open(&forged);
    }
});

fn open(forged: &Forged) {
    with_file(forged.to_json().as_bytes(), |path| {
        assert!(KeyFile::inspect(path).is_ok_and(|info| info.encrypted), "the checksum fits");
        let error = KeyFile::load(path, Some("correct horse")).expect_err("nobody sealed it");
        let refused =
            matches!(error, KeyFileError::WrongPassphrase { .. } | KeyFileError::TooCostly { .. });
        assert!(refused, "{error}");
        if forged.beyond.contains(&true) {
            assert!(matches!(error, KeyFileError::TooCostly { .. }), "{error}");
        }
    });
}

impl Forged {
    fn cost(&self) -> [u32; 3] {
        let small =
            [u32::from(self.memory_kib), u32::from(self.iterations % 3), u32::from(self.lanes % 4)];
        let mut cost = small;
        for (value, beyond) in cost.iter_mut().zip(self.beyond) {
            if beyond {
                *value = u32::MAX - *value;
            }
        }
        cost
    }

    /// The file, laid out and summed here from the documentation alone.
    fn to_json(&self) -> String {
        let [memory_kib, iterations, lanes] = self.cost();
        let public = secret(u8::from(self.own_key)).public();
        let mut summed = 1_u32.to_le_bytes().to_vec();
        summed.extend(public.as_bytes());
        summed.push(1);
        for number in [memory_kib, iterations, lanes] {
            summed.extend(number.to_le_bytes());
        }
        for part in [&self.salt, &self.nonce, &self.sealed] {
            summed.extend((part.len() as u64).to_le_bytes());
            summed.extend(part);
        }
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        json!({
            "version": 1,
            "public_key": public.to_string(),
            "secret": {
                "form": "argon2id-xchacha20poly1305",
                "cost": { "memory_kib": memory_kib, "iterations": iterations, "lanes": lanes },
                "salt": hex(&self.salt),
                "nonce": hex(&self.nonce),
                "sealed": hex(&self.sealed),
            },
            "checksum": hash(domain::FILE, &summed).to_string(),
        })
        .to_string()
    }
}
