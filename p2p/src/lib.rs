//! Peers, lanes, gossip and budgets over libp2p, with a simulated twin.
