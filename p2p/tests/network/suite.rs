//! What holds for every network behind the trait.

use std::{collections::BTreeSet, time::Duration};

use logothete_p2p::{
    Bytes, DisconnectReason, Lane, PeerEvent, PeerFault, RefusalReason, RequestError, Role,
    SendError,
};
use logothete_primitives::{BlockHash, Digest, Height};

use crate::ground::{Ground, Live, Member, SOON, Simulated, chain, config, key};

macro_rules! on_every_ground {
    ($($name:ident)*) => {
        mod simulated {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name(Simulated::default()).await;
            })*
        }
        mod live {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(Live).await;
            })*
        }
    };
}

on_every_ground! {
    one_address_is_enough_to_find_all
    lanes_keep_order_and_do_not_mix
    a_long_frame_is_refused_and_the_longest_passes
    a_full_lane_says_so
    requests_find_their_answers
    requests_end_with_the_deadline_the_peer_or_a_refusal
    another_chain_is_told_to_both_sides
    another_genesis_is_told_to_both_sides
    only_listed_keys_may_be_validators
    followers_have_a_limit_and_validators_their_places
    a_peer_that_restarts_is_found_again
    a_faulty_follower_is_kept_out
    gossip_is_passed_on_once_accepted
    heights_are_announced
}

async fn one_address_is_enough_to_find_all(ground: impl Ground) {
    let members = ground.connected(4).await;
    for (i, member) in (0u8..).zip(&members) {
        let others: BTreeSet<_> = (0..4).filter(|j| *j != i).map(key).collect();
        assert_eq!(member.peers(), others);
        for peer in member.network.peers() {
            assert_eq!(peer.role, Role::Validator);
            assert!(peer.agent.starts_with("logothete/"));
            assert!(!peer.addresses.is_empty());
        }
    }
    let mut follower = ground.join(9, config(4, Role::Follower), members.first()).await;
    follower.meets(4).await;
}

async fn lanes_keep_order_and_do_not_mix(ground: impl Ground) {
    let mut members = ground.connected(2).await;
    let mut receiver = members.pop().unwrap();
    let sender = members.pop().unwrap();
    for n in 0..1_000u32 {
        sender.sends(&receiver, Lane::Consensus, n.to_le_bytes().to_vec()).await;
        sender.sends(&receiver, Lane::Batches, n.to_be_bytes().to_vec()).await;
    }
    for n in 0..1_000u32 {
        assert_eq!(receiver.consensus().await, (sender.key, n.to_le_bytes().to_vec().into()));
        assert_eq!(receiver.batch().await, (sender.key, n.to_be_bytes().to_vec().into()));
    }
}

async fn a_long_frame_is_refused_and_the_longest_passes(ground: impl Ground) {
    let mut members = ground.connected(2).await;
    let mut receiver = members.pop().unwrap();
    let sender = members.pop().unwrap();
    for lane in [Lane::Consensus, Lane::Batches] {
        let max = lane.max_frame_bytes();
        let long = Bytes::from(vec![7; max + 1]);
        let refused = sender.network.send(&receiver.key, lane, long.clone());
        assert_eq!(refused, Err(SendError::TooLarge { bytes: max + 1, max }));
        sender.sends(&receiver, lane, long.slice(1..)).await;
    }
    assert_eq!(receiver.consensus().await.1.len(), Lane::Consensus.max_frame_bytes());
    assert_eq!(receiver.batch().await.1.len(), Lane::Batches.max_frame_bytes());
    assert_eq!(receiver.peers().len(), 1, "and nobody was disconnected");
}

async fn a_full_lane_says_so(ground: impl Ground) {
    let members = ground.connected(2).await;
    let frame = Bytes::from(vec![0; 100_000]);
    let mut sent = 0;
    // The receiver reads nothing: its queues, the connection and our queue fill up.
    let full = loop {
        match members[0].network.send(&key(1), Lane::Batches, frame.clone()) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
        assert!(sent < 100_000, "a lane is bounded");
    };
    assert_eq!(full, SendError::LaneFull(Lane::Batches));
    let unhindered = members[0].network.send(&key(1), Lane::Consensus, frame.slice(..1_000));
    assert_eq!(unhindered, Ok(()), "other lanes are not");
    let stranger = members[0].network.send(&key(77), Lane::Consensus, Bytes::new());
    assert_eq!(stranger, Err(SendError::NotConnected));
}

async fn requests_find_their_answers(ground: impl Ground) {
    let mut members = ground.connected(2).await;
    let mut server = members.pop().unwrap();
    let client = members.pop().unwrap();
    let asked: Vec<_> = (0..8u8)
        .map(|n| tokio::spawn(client.network.request(&server.key, vec![n].into())))
        .collect();
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(server.request().await);
    }
    // Answered in the reverse order, with long answers.
    for request in open.into_iter().rev() {
        assert_eq!(request.from, client.key);
        request.respond.send(vec![request.bytes[0]; 300_000].into()).unwrap();
    }
    for (n, answer) in (0u8..).zip(asked) {
        assert_eq!(answer.await.unwrap().unwrap(), vec![n; 300_000]);
    }
    let long = client.network.request(&server.key, vec![0; 5_000].into()).await;
    assert!(matches!(long, Err(RequestError::Send(SendError::TooLarge { .. }))));
    client.network.send(&server.key, Lane::Sync, "notice".into()).unwrap();
    let notice = server.request().await;
    assert_eq!(notice.bytes, "notice");
    assert!(notice.respond.is_closed(), "nobody waits for an answer");
}

async fn requests_end_with_the_deadline_the_peer_or_a_refusal(ground: impl Ground) {
    let (mut patient, mut impatient) = (config(3, Role::Validator), config(3, Role::Validator));
    // Nothing here waits for so long: a busy machine must not make one end look like another.
    patient.limits.request_deadline = SOON;
    patient.limits.requests_in_flight = 2;
    impatient.limits.request_deadline = Duration::from_millis(300);
    let mut client = ground.join(0, patient, None).await;
    let mut server = ground.join(1, config(3, Role::Validator), Some(&client)).await;
    client.meets(1).await;
    server.meets(1).await;

    let ask = || tokio::spawn(client.network.request(&key(1), "?".into()));
    let first = ask();
    let _unanswered = server.request().await;
    let second = ask();
    let declined = server.request().await;
    let third = client.network.request(&key(1), "?".into()).await;
    assert_eq!(third, Err(RequestError::TooManyInFlight { max: 2 }));
    drop(declined);
    assert_eq!(second.await.unwrap(), Err(RequestError::Declined));

    let mut hasty = ground.join(2, impatient, Some(&client)).await;
    hasty.meets(2).await;
    let waiting = tokio::spawn(hasty.network.request(&key(1), "?".into()));
    let kept = server.request().await;
    assert_eq!(waiting.await.unwrap(), Err(RequestError::Deadline));
    kept.respond.send("late".into()).unwrap();

    ground.leave(server).await;
    assert_eq!(first.await.unwrap(), Err(RequestError::Disconnected));
    client.loses(key(1)).await;
    let nobody = client.network.request(&key(1), "?".into()).await;
    assert_eq!(nobody, Err(RequestError::Send(SendError::NotConnected)));
}

async fn another_chain_is_told_to_both_sides(ground: impl Ground) {
    let mut other = config(2, Role::Validator);
    other.chain = chain(2);
    let mut a = ground.join(0, config(2, Role::Validator), None).await;
    let mut b = ground.join(1, other, Some(&a)).await;
    let (ours, theirs) = (chain(1), chain(2));
    assert_eq!(a.refusal().await, RefusalReason::Chain { ours, theirs });
    let told = b.refusal().await;
    assert_eq!(told, RefusalReason::Chain { ours: theirs, theirs: ours });
    assert_eq!(told.to_string(), format!("chain differs: ours is {theirs}, theirs is {ours}"));
    assert!(a.peers().is_empty() && b.peers().is_empty());
}

async fn another_genesis_is_told_to_both_sides(ground: impl Ground) {
    let mut other = config(2, Role::Validator);
    other.genesis = BlockHash::new(Digest::new([5; 32]));
    let mut a = ground.join(0, config(2, Role::Validator), None).await;
    let mut b = ground.join(1, other, Some(&a)).await;
    assert!(matches!(a.refusal().await, RefusalReason::Genesis { .. }));
    assert!(matches!(b.refusal().await, RefusalReason::Genesis { .. }));
}

async fn only_listed_keys_may_be_validators(ground: impl Ground) {
    let mut a = ground.join(0, config(2, Role::Validator), None).await;
    // The impostor believes in a set of nine, the others do not.
    let mut impostor = ground.join(8, config(9, Role::Validator), Some(&a)).await;
    assert_eq!(a.refusal().await, RefusalReason::NotAValidator { key: key(8) });
    let told = impostor.refusal().await;
    assert_eq!(told.code(), RefusalReason::NotAValidator { key: key(8) }.code());
    let words = format!("{} claims to be a validator and is not in the validator set", key(8));
    assert_eq!(told.to_string(), format!("the other node refused us: {words}"));
    assert!(a.peers().is_empty());
}

async fn followers_have_a_limit_and_validators_their_places(ground: impl Ground) {
    let mut small = config(2, Role::Validator);
    small.limits.followers = 2;
    let mut host = ground.join(0, small, None).await;
    let mut followers: Vec<Member> = Vec::new();
    for n in 10..12 {
        let mut follower = ground.join(n, config(1, Role::Follower), Some(&host)).await;
        follower.event(|e| matches!(e, PeerEvent::Connected(p) if p.key == key(0))).await;
        followers.push(follower);
    }
    let mut third = ground.join(12, config(1, Role::Follower), Some(&host)).await;
    let told = third.refusal().await;
    assert_eq!(told.to_string(), "the other node refused us: all 2 places for followers are taken");
    assert_eq!(host.refusal().await, RefusalReason::Full { places: 2 });
    let _validator = ground.join(1, config(2, Role::Validator), Some(&host)).await;
    host.event(|e| matches!(e, PeerEvent::Connected(p) if p.key == key(1))).await;
    assert_eq!(host.peers(), BTreeSet::from([key(1), key(10), key(11)]));
    // A place that is given back is given again.
    ground.leave(followers.pop().unwrap()).await;
    third.event(|e| matches!(e, PeerEvent::Connected(p) if p.key == key(0))).await;
}

async fn a_peer_that_restarts_is_found_again(ground: impl Ground) {
    let mut members = ground.connected(3).await;
    let last = members.pop().unwrap();
    let pinned = last.address();
    ground.leave(last).await;
    for member in &mut members {
        member.loses(key(2)).await;
    }
    let mut same_place = config(3, Role::Validator);
    same_place.listen = vec![pinned];
    // Nobody tells it anything: the others dial it.
    let mut again = ground.join(2, same_place, None).await;
    again.meets(2).await;
    for member in &mut members {
        member.event(|e| matches!(e, PeerEvent::Connected(p) if p.key == key(2))).await;
        member.sends(&again, Lane::Consensus, "welcome").await;
    }
    assert_eq!(again.consensus().await.1, "welcome");
    assert_eq!(again.consensus().await.1, "welcome");
}

async fn a_faulty_follower_is_kept_out(ground: impl Ground) {
    let mut host = ground.join(0, config(1, Role::Validator), None).await;
    let mut follower = ground.join(5, config(1, Role::Follower), Some(&host)).await;
    host.meets(1).await;
    follower.meets(1).await;
    host.network.report(&key(5), PeerFault::Useless);
    assert!(host.network.banned().is_empty());
    host.network.report(&key(5), PeerFault::Lied);
    host.network.report(&key(5), PeerFault::Lied);
    let gone = host.event(|e| matches!(e, PeerEvent::Disconnected { .. })).await;
    let PeerEvent::Disconnected { reason, .. } = gone else { unreachable!() };
    assert_eq!(reason, DisconnectReason::Faulty(PeerFault::Lied));
    assert_eq!(host.network.banned()[0].key, key(5));
    let told = follower.refusal().await;
    assert!(told.to_string().contains("because of: false answer"), "{told}");
}

async fn gossip_is_passed_on_once_accepted(ground: impl Ground) {
    let mut members = ground.connected(4).await;
    let follower = ground.join(9, config(4, Role::Follower), members.first()).await;
    let mut follower = follower;
    follower.meets(4).await;
    follower.network.publish("transaction".into()).unwrap();
    follower.network.publish("transaction".into()).unwrap();
    for member in &mut members {
        let gossip = member.gossip().await;
        assert_eq!(gossip.bytes, "transaction");
        gossip.accept.accept();
    }
    follower.network.publish("another".into()).unwrap();
    for member in &mut members {
        let gossip = member.gossip().await;
        assert_eq!(gossip.bytes, "another", "the first one came once");
        gossip.accept.reject();
    }
    let long = follower.network.publish(vec![0; 1 << 20].into());
    assert!(matches!(long, Err(SendError::TooLarge { .. })));
}

async fn heights_are_announced(ground: impl Ground) {
    let members = ground.connected(2).await;
    members[0].network.announce(Height::new(42));
    let follower_config = config(2, Role::Follower);
    let mut late = ground.join(9, follower_config, members.first()).await;
    late.meets(1).await;
    members[0].sends(&late, Lane::Consensus, "after").await;
    late.consensus().await;
    let of_first = |member: &Member| {
        member.network.peers().iter().find(|peer| peer.key == key(0)).map(|peer| peer.height)
    };
    assert_eq!(of_first(&late), Some(Height::new(42)), "told in the handshake");
    for _ in 0..1_000 {
        if of_first(&members[1]) == Some(Height::new(42)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the height was not announced");
}
