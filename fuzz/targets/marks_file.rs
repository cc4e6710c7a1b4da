//! The marks file from any bytes, written to and read back: what was written last is what is read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{chain, with_file};
use logothete_ledger::store::{Marks, MarksCheck, MarksFile};
use logothete_primitives::{Epoch, View};

const FILE_BYTES: usize = 1024;

fuzz_target!(|bytes: &[u8]| {
    // A shorter file is made longer and synced, which would be all that is measured here.
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(FILE_BYTES), 0);
    with_file(&bytes, |path| {
        let mut file = MarksFile::open(path, chain()).expect("any bytes are a file");
        let fresh = Marks::fresh(Epoch::ZERO);
        let permitted = file.check(&fresh).permits_signing();
        assert_eq!(permitted, file.marks().is_some_and(|marks| fresh.covers(&marks)));
        let next = Marks { voted: View::new(7), ..fresh };
        file.write(&next).expect("the file is open");
        drop(file);
        let again = MarksFile::open(path, chain()).expect("it was open before");
        assert_eq!(again.check(&next), MarksCheck::Agrees);
    });
});
