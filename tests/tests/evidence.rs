//! A validator that signed twice: the proof is told to one, recorded once, listed by all and verified without any.

use std::time::Duration;

use anyhow::ensure;
use logothete_client::rpc::method::{BlockCertificateMethod, BlockGetMethod, EvidenceListMethod};
use logothete_client::rpc::types::{BlockGet, EvidenceView, OffenceKind, PageRequest};
use logothete_client::verify;
use logothete_consensus::signing::commit_message;
use logothete_consensus::{CommitVote, Equivocation};
use logothete_node::dissemination::BatchMessage;
use logothete_p2p::{Bytes, Lane};
use logothete_primitives::{BlockHash, Digest, Epoch, ValidatorIndex, View, codec};
use logothete_tests::liar::{self, Liar};
use logothete_tests::network::{Plan, TestNet};

const SOON: Duration = Duration::from_secs(30);
const LIAR: u16 = 3;

/// Two commit votes for one view, signed with the key of the liar.
fn two_votes(net: &TestNet, view: u64) -> Bytes {
    let (epoch, view, signer) = (Epoch::ZERO, View::new(view), ValidatorIndex::new(LIAR));
    let vote = |block: u8| {
        let block = BlockHash::new(Digest::new([block; 32]));
        let message = commit_message(&net.spec.chain_id(), epoch, view, &block);
        let signature = liar::key(LIAR).sign(&message);
        CommitVote { epoch, view, block, signer, signature }
    };
    let evidence = Equivocation::CommitVote { first: vote(1), second: vote(2) };
    BatchMessage::Evidence(codec::encode(&evidence).into()).to_frame()
}

/// Tells a validator of two offences of one kind, over a connection of the liar's own: the proof needs no witness.
async fn tell(net: &TestNet, to: usize) -> anyhow::Result<()> {
    let liar = Liar::connect(net, LIAR, to).await?;
    for view in [5, 6] {
        liar.send(Lane::Batches, two_votes(net, view))?;
    }
    // Frames of one lane arrive in order, so whoever shows the first proof has had the second or soon will.
    recorded(net, to).await?;
    liar.leave().await
}

/// The evidence a node lists, waiting some blocks for the first.
async fn recorded(net: &TestNet, node: usize) -> anyhow::Result<Vec<EvidenceView>> {
    for _ in 0..50 {
        let params = PageRequest::default();
        let page = net.client(node)?.call::<EvidenceListMethod>(params).await?;
        if !page.items.is_empty() {
            return Ok(page.items);
        }
        let height = net.status(node).await?.height;
        net.wait_height(node, height.next(), SOON).await?;
    }
    anyhow::bail!("node {node} recorded nothing in fifty blocks")
}

/// The payload of the block says, by the hash in its header, that it records one proof.
async fn recorded_in_its_block(net: &TestNet, item: &EvidenceView) -> anyhow::Result<()> {
    let client = net.client(0)?;
    let wish = BlockGet { height: Some(item.height), ..BlockGet::default() };
    let mut view = client.call::<BlockGetMethod>(wish).await?;
    let certificate = client.call::<BlockCertificateMethod>(wish.selector()).await?;
    let (chain, validators) = (net.spec.chain_id(), net.spec.validator_set());
    let certified = verify::block_certificate(&certificate, &chain, &validators)?;
    let payload = verify::block_payload(&view, &certified.header, &validators)?;
    assert_eq!((view.evidence_count, payload.evidence.len()), (1, 1));
    assert_eq!(payload.evidence[0].to_vec(), item.evidence.0);
    view.evidence_count = 0;
    assert!(verify::block_payload(&view, &certified.header, &validators).is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_equivocation_is_recorded_once_and_verified_offline() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let liar = usize::from(LIAR);
    net.wait_active(liar, SOON).await?;
    net.kill(liar);
    tell(&net, 0).await?;
    net.start_node(liar)?;
    let top = net.status(0).await?.height.plus(5);
    let mut lists = Vec::new();
    for node in 0..net.nodes.len() {
        net.wait_height(node, top, SOON).await?;
        lists.push(recorded(&net, node).await?);
    }
    let [item] = &lists[0][..] else { panic!("one proof of an offence: {:?}", lists[0]) };
    assert_eq!((item.validator.index, item.kind), (LIAR, OffenceKind::CommitVote));
    assert!(lists.iter().all(|list| *list == lists[0]), "{lists:#?}");

    recorded_in_its_block(&net, item).await?;
    net.kill(0);
    net.start_node(0)?;
    net.wait_ready().await?;
    assert_eq!(recorded(&net, 0).await?, lists[0], "after a restart");

    let url = format!("http://{}", net.nodes[0].rpc);
    let printed = net.command(&["consensus", "evidence", "--url", &url])?;
    ensure!(printed.contains("verified locally"), "{printed}");
    let saved = net.command(&["consensus", "evidence", "--json", "--url", &url])?;
    for node in 0..net.nodes.len() {
        net.kill(node);
    }
    let (good, bad) = (net.scratch("good.json"), net.scratch("bad.json"));
    let proof = serde_json::to_string(&item.evidence)?;
    let digit = if proof.ends_with("0\"") { '1' } else { '0' };
    let tampered = format!("{}{digit}\"", &proof[..proof.len() - 2]);
    std::fs::write(&good, &saved)?;
    std::fs::write(&bad, saved.replace(&proof, &tampered))?;
    let printed = net.command(&["verify", "evidence", &good.display().to_string()])?;
    ensure!(printed.contains("verified locally"), "{printed}");
    let refusal = net.command(&["verify", "evidence", &bad.display().to_string()]);
    let refusal = refusal.expect_err("one digit of a signature differs").to_string();
    ensure!(refusal.contains("proves nothing"), "{refusal}");
    Ok(())
}
