//! A backup taken under load: it verifies, it restores, and a damaged one is refused with the place named. And what a node
//! knows of its backups.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use logothete_node::admin::{self, Request};
use logothete_primitives::{ChainId, Digest, TimestampMs};
use logothete_tests::checks;
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::Load;

const ALL: [usize; 4] = [0, 1, 2, 3];
const SOON: Duration = Duration::from_secs(60);

/// Inverts one bit in the middle of the largest file below a directory; names the file and the offset.
fn flip_a_bit(backup: &Path) -> anyhow::Result<(PathBuf, u64)> {
    let mut files = Vec::new();
    let mut open = vec![backup.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if entry.file_name() != "manifest.json" {
                files.push((entry.metadata()?.len(), entry.path()));
            }
        }
    }
    let (length, path) = files.into_iter().max().expect("a backup has files");
    let mut bytes = fs::read(&path)?;
    let offset = bytes.len() / 2;
    bytes[offset] ^= 1;
    // The files of a backup are read-only on purpose.
    fs::remove_file(&path)?;
    fs::write(&path, bytes)?;
    Ok((path, length / 2))
}

/// Whether a text says `offset A and B` with the offset between the two.
fn names_offset(text: &str, offset: u64) -> bool {
    let Some((_, place)) = text.split_once("offset ") else { return false };
    let numbers: Vec<u64> =
        place.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    matches!(numbers[..], [from, to, ..] if (from..to).contains(&offset))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_a_validator_that_agrees() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let load = Load::start(&net, &ALL, 16)?;
    load.wait_progress(200, SOON).await?;

    let backup = net.scratch("backup");
    let text = backup.display().to_string();
    let home = net.nodes[1].home.display().to_string();
    net.command(&["backup", "create", "--home", &home, "--to", &text])?;
    load.wait_progress(100, SOON).await?;
    net.command(&["backup", "verify", &text])?;

    net.wipe(1)?;
    let data = net.nodes[1].home.join("data");
    fs::remove_dir(&data)?;
    net.command(&["backup", "restore", &text, "--to", &data.display().to_string()])?;
    net.start_node(1)?;
    net.wait_active(1, SOON).await?;
    load.wait_progress(100, SOON).await?;
    let told = load.finish().await?.told();
    checks::agreement(&net, &ALL).await?;
    checks::finals_kept(&net, &[1], &told).await?;
    checks::nothing_signed_twice(&net)?;

    let (file, offset) = flip_a_bit(&backup)?;
    let refusal = net.command(&["backup", "verify", &text]).expect_err("a flipped bit is found");
    let refusal = refusal.to_string();
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    ensure!(refusal.contains(name), "the file {name} is named: {refusal}");
    ensure!(names_offset(&refusal, offset), "the place is named: {refusal}");
    Ok(())
}

/// What the metrics of the first node say: when the newest backup was made, and the newest that was verified.
async fn newest(net: &TestNet) -> anyhow::Result<[f64; 2]> {
    let text = net.metrics(0).await?;
    let value = |name: &str| -> anyhow::Result<f64> {
        let name = format!("logothete_backup_{name}_timestamp_seconds ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        Ok(value.with_context(|| name.clone())?.parse()?)
    };
    Ok([value("last")?, value("last_verified")?])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_knows_its_newest_verified_backup_after_a_restart() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan { validators: 1, ..Plan::default() }).await?;
    net.wait_ready().await?;
    let load = Load::start(&net, &[0], 4)?;
    load.wait_progress(10, SOON).await?;
    load.finish().await?;
    ensure!(newest(&net).await? == [0.0, 0.0], "there is none yet");

    let home = net.nodes[0].home.display().to_string();
    let paths = ["first", "second"].map(|name| net.scratch(name).display().to_string());
    let mut made = Vec::new();
    for path in &paths {
        net.command(&["backup", "create", "--home", &home, "--to", path])?;
        made.push(newest(&net).await?[0]);
    }
    ensure!(0.0 < made[0] && made[0] < made[1], "the second is newer: {made:?}");
    net.command(&["backup", "verify", &paths[1]])?;
    ensure!(newest(&net).await? == [made[1], 0.0], "the node was not told");
    net.command(&["backup", "drill", &paths[0], "--home", &home])?;
    ensure!(newest(&net).await? == [made[1], made[0]], "the older one was drilled");
    net.command(&["backup", "verify", &paths[1], "--home", &home])?;
    net.command(&["verify", "backup", &paths[0], "--home", &home])?;
    ensure!(newest(&net).await? == [made[1], made[1]], "an older one moves nothing back");
    let foreign =
        Request::BackupVerified { chain: ChainId::new(Digest::ZERO), created_ms: TimestampMs::MAX };
    let refusal = admin::ask(&net.nodes[0].home.join("data/admin.sock"), &foreign);
    let refusal = refusal.expect_err("it is of another chain").to_string();
    ensure!(refusal.contains(&net.spec.chain_id().to_string()), "{refusal}");

    net.kill(0);
    let said = net.command(&["backup", "verify", &paths[1], "--home", &home])?;
    ensure!(said.contains("note: the node was not told"), "it is good all the same: {said}");
    net.start_node(0)?;
    net.wait_ready().await?;
    ensure!(newest(&net).await? == [made[1], made[1]], "it is not forgotten");
    Ok(())
}
