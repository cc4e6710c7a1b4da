//! The methods of the interface, by number.

/// Calls `check::<M>(value)` for the method `M` that a byte names.
#[macro_export]
macro_rules! check_method {
    ($kind:expr, $check:ident($value:expr)) => {{
        use logothete_client::rpc::method::*;
        match usize::from($kind) % METHODS.len() {
            0 => $check::<ChainInfoMethod>($value),
            1 => $check::<NodeStatusMethod>($value),
            2 => $check::<NodeWhyMethod>($value),
            3 => $check::<NodePeersMethod>($value),
            4 => $check::<BlockGetMethod>($value),
            5 => $check::<BlockListMethod>($value),
            6 => $check::<BlockCertificateMethod>($value),
            7 => $check::<TxSubmitMethod>($value),
            8 => $check::<TxSubmitBatchMethod>($value),
            9 => $check::<TxStatusMethod>($value),
            10 => $check::<TxWaitMethod>($value),
            11 => $check::<TxGetMethod>($value),
            12 => $check::<TxSimulateMethod>($value),
            13 => $check::<TxEncodeMethod>($value),
            14 => $check::<TxDecodeMethod>($value),
            15 => $check::<AccountGetMethod>($value),
            16 => $check::<AccountHistoryMethod>($value),
            17 => $check::<StateProofMethod>($value),
            18 => $check::<ValidatorsListMethod>($value),
            19 => $check::<ValidatorsUptimeMethod>($value),
            20 => $check::<ConsensusStateMethod>($value),
            21 => $check::<ConsensusViewsMethod>($value),
            22 => $check::<EvidenceListMethod>($value),
            23 => $check::<MempoolStatsMethod>($value),
            24 => $check::<RpcDiscoverMethod>($value),
            25 => $check::<FaucetDripMethod>($value),
            26 => $check::<SubscribeMethod>($value),
            27 => $check::<UnsubscribeMethod>($value),
            _ => unreachable!("a method that is not fuzzed"),
        }
    }};
}
