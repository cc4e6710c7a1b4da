#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_write_stall_is_told_while_it_lasts() {
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(directory.path(), Budget::default(), true).unwrap();
    let fill = &mut |writer: &mut dyn Writer| writer.put(Family::Blocks, b"key", b"value");
    engine.write(Durability::Synced, fill).unwrap();
    engine.flush().unwrap();
    assert!(!engine.is_write_stalled().unwrap());

    // The one file there is becomes one too many: only a compaction would end that, and for one file none begins.
    let trigger = |name: &str, files: &str| {
        engine.db.set_options_cf(engine.handle(Family::Blocks), &[(name, files)]).unwrap();
    };
    for (name, usual) in
        [("level0_stop_writes_trigger", "36"), ("level0_slowdown_writes_trigger", "20")]
    {
        trigger(name, "1");
        assert!(engine.is_write_stalled().unwrap(), "{name}");
        trigger(name, usual);
        assert!(!engine.is_write_stalled().unwrap(), "{name}");
    }
}
