//! What only real connections can show.

use std::{collections::BTreeSet, time::Duration};

use logothete_p2p::{Lane, NetworkError, RefusalReason, Role};

use crate::ground::{Ground, Live, config, key, secret};

/// A long answer is under way when the votes are sent. They must overtake it: not in time, which
/// depends on the machine, but in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_transfer_does_not_hold_back_consensus() {
    const ANSWERS: usize = 12;
    let mut members = Live.connected(2).await;
    let mut server = members.pop().unwrap();
    let mut client = members.pop().unwrap();
    let (done, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..ANSWERS {
        let (answer, done) = (client.network.request(&server.key, "blocks".into()), done.clone());
        tokio::spawn(async move {
            let length = answer.await.unwrap().len();
            done.send(length).unwrap();
        });
        let request = server.request().await;
        request.respond.send(vec![1; 4 << 20].into()).unwrap();
    }
    // The answers have begun to arrive, most of them wait.
    arrived.recv().await.unwrap();
    let before = arrived.len();
    for _ in 0..20 {
        server.sends(&client, Lane::Consensus, vec![2; 1024]).await;
    }
    for _ in 0..20 {
        client.consensus().await;
    }
    let meanwhile = arrived.len() - before;
    assert!(meanwhile <= 3, "{meanwhile} answers of 4 MiB came before the votes");
    for _ in 1..ANSWERS {
        assert_eq!(arrived.recv().await.unwrap(), 4 << 20);
    }
}

/// All dial all at the same moment, which makes two connections of many a pair.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_dial_each_other_at_once_stay_connected() {
    let ports: Vec<_> = (0..5).map(|_| free_port()).collect();
    let place = |n: u8| format!("/ip4/127.0.0.1/tcp/{}", ports[usize::from(n)]).parse().unwrap();
    let starting = (0..5u8).map(|n| {
        let mut config = config(5, Role::Validator);
        config.listen = vec![place(n)];
        // The node's own address is among them, as in a file that all share.
        config.bootstrap = (0..5).map(|m| logothete_p2p::PeerAddress::from(place(m))).collect();
        Live.join(n, config, None)
    });
    let mut members = futures::future::join_all(starting).await;
    for member in &mut members {
        member.meets(4).await;
    }
    // Nobody gives up a connection that the other side counts on.
    for round in 0..20u8 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for from in &members {
            for to in members.iter().filter(|to| to.key != from.key) {
                from.sends(to, Lane::Consensus, vec![round]).await;
            }
        }
    }
    for member in &mut members {
        let mut heard = BTreeSet::new();
        for _ in 0..4 * 20 {
            let (from, bytes) = member.consensus().await;
            assert!(heard.insert((from, bytes[0])));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_address_is_not_taken_over_by_another_key() {
    let mut other = Live.join(1, config(3, Role::Validator), None).await;
    let mut pinned = config(3, Role::Validator);
    let text = format!("{}@{}", key(2), other.address());
    pinned.bootstrap = vec![text.parse().unwrap()];
    pinned.discover = false;
    let mut node = Live.join(0, pinned, None).await;
    let wrong = RefusalReason::WrongKey { expected: key(2), found: Some(key(1)) };
    assert_eq!(node.refusal().await, wrong);
    assert!(node.peers().is_empty() && other.peers().is_empty());
    Live.leave(node).await;
    assert!(other.inbound.peers.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_discovery_only_configured_peers_are_dialled() {
    let first = Live.join(0, config(3, Role::Validator), None).await;
    let mut shy = config(3, Role::Validator);
    shy.discover = false;
    let mut second = Live.join(1, shy.clone(), Some(&first)).await;
    let mut third = Live.join(2, shy, Some(&first)).await;
    second.meets(1).await;
    third.meets(1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(second.peers(), BTreeSet::from([key(0)]));
    assert_eq!(third.peers(), BTreeSet::from([key(0)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_trips_are_measured() {
    let mut quick = config(2, Role::Validator);
    quick.limits.ping_interval = Duration::from_millis(50);
    let first = Live.join(0, quick.clone(), None).await;
    let mut second = Live.join(1, quick, Some(&first)).await;
    second.meets(1).await;
    for _ in 0..200 {
        if second.network.peers()[0].rtt.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no round trip was measured");
}

#[cfg(feature = "quic")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_talk_over_quic() {
    let mut over_quic = config(2, Role::Validator);
    over_quic.listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
    let mut first = Live.join(0, over_quic.clone(), None).await;
    assert!(first.address().to_string().contains("quic-v1"));
    let mut second = Live.join(1, over_quic, Some(&first)).await;
    second.meets(1).await;
    first.meets(1).await;
    second.sends(&first, Lane::Consensus, vec![1; 1024]).await;
    assert_eq!(first.consensus().await.1.len(), 1024);
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_start() {
    let mut strange = config(1, Role::Follower);
    strange.listen = vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()];
    let error = logothete_p2p::start(&secret(5), strange).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, NetworkError::Address { .. }), "{error}");

    let not_listed = config(1, Role::Validator);
    let error = logothete_p2p::start(&secret(5), not_listed).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, NetworkError::NotAValidator(k) if k == key(5)));

    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut busy = config(1, Role::Follower);
    let port = holder.local_addr().unwrap().port();
    busy.listen = vec![format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()];
    let error = logothete_p2p::start(&secret(5), busy).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, NetworkError::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&port.to_string()));
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
