//! The gate: which connections are let in as far as the handshake, and a handler for each.
//!
//! What a connection may do after that is judged in the handshake, where a refusal can be told in
//! words; here only numbers count, and keys of a kind we do not know.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint as DialRole, transport::PortUse},
    swarm::{
        CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::{address, connected::Endpoint, hub::Hub, identity};

use super::{
    handler::{Handler, SessionEnded},
    session::{Session, Told},
};

/// Why a connection was not even let in to the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Denied {
    #[error("too many connections have not passed the handshake")]
    Pending,
    #[error("too many connections from this address have not passed the handshake")]
    PendingFromAddress,
    #[error("the peer's key is not an ed25519 key")]
    KeyKind,
}

/// Lets connections in and gives each its handler.
#[derive(Debug)]
pub(super) struct Gate {
    hub: Arc<Hub>,
    told: mpsc::Sender<Told>,
    inbound: HashMap<ConnectionId, Pending>,
    ended: VecDeque<(PeerId, ConnectionId)>,
    connections: u64,
}

/// An inbound connection until it is closed; it counts as pending until it is admitted.
#[derive(Debug)]
struct Pending {
    from: Option<IpAddr>,
    admitted: Arc<AtomicBool>,
}

impl Gate {
    pub(super) fn new(hub: Arc<Hub>, told: mpsc::Sender<Told>) -> Self {
        Self { hub, told, inbound: HashMap::new(), ended: VecDeque::new(), connections: 0 }
    }

    fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.inbound.values().filter(|pending| !pending.admitted.load(Ordering::Relaxed))
    }

    fn handler(
        &mut self,
        peer: &PeerId,
        address: &Multiaddr,
        outbound: bool,
        admitted: Arc<AtomicBool>,
    ) -> Result<Handler, ConnectionDenied> {
        let denied = || ConnectionDenied::new(Denied::KeyKind);
        let key = identity::public_key(peer).ok_or_else(denied)?;
        self.connections += 1;
        let address = address::without_peer(address);
        let session = Session {
            hub: Arc::clone(&self.hub),
            key,
            endpoint: Endpoint { id: self.connections, address, outbound },
            told: self.told.clone(),
            admitted,
        };
        Ok(Handler::new(|streams| session.run(streams)))
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = Handler;
    type ToSwarm = std::convert::Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let limits = &self.hub.config.limits;
        let from = address::bucket(remote);
        if self.pending().count() >= limits.pending {
            return Err(ConnectionDenied::new(Denied::Pending));
        }
        if self.pending().filter(|pending| pending.from == from).count() >= limits.pending_per_ip {
            return Err(ConnectionDenied::new(Denied::PendingFromAddress));
        }
        self.inbound.insert(id, Pending { from, admitted: Arc::default() });
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let admitted = self.inbound.get(&id).map(|pending| Arc::clone(&pending.admitted));
        self.handler(&peer, remote, false, admitted.unwrap_or_default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: DialRole,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(&peer, address, true, Arc::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => {
                self.inbound.remove(&closed.connection_id);
            }
            FromSwarm::ListenFailure(failure) => {
                self.inbound.remove(&failure.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        SessionEnded: THandlerOutEvent<Self>,
    ) {
        self.ended.push_back((peer, id));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.ended.pop_front() {
            Some((peer_id, id)) => {
                let connection = CloseConnection::One(id);
                Poll::Ready(ToSwarm::CloseConnection { peer_id, connection })
            }
            None => Poll::Pending,
        }
    }
}
