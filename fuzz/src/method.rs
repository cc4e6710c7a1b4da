//! The methods of the interface, by number.

/// Calls `check::<M>(value)` for the method `M` that a byte names.
#[macro_export]
macro_rules! check_method {
    ($kind:expr, $check:ident($value:expr)) => {{
        use logothete_client::rpc::method::*;
        match usize::from($kind) % METHODS.len() {
            0 => $check::<ChainInfoMethod>($value),
            1 => $check::<NodeStatusMethod>($value),
            2 => $check::<NodePeersMethod>($value),
            3 => $check::<BlockGetMethod>($value),
            4 => $check::<BlockListMethod>($value),
            5 => $check::<BlockCertificateMethod>($value),
            6 => $check::<TxSubmitMethod>($value),
            7 => $check::<TxSubmitBatchMethod>($value),
            8 => $check::<TxStatusMethod>($value),
            9 => $check::<TxWaitMethod>($value),
            10 => $check::<TxGetMethod>($value),
            11 => $check::<TxSimulateMethod>($value),
            12 => $check::<TxEncodeMethod>($value),
            13 => $check::<TxDecodeMethod>($value),
            14 => $check::<AccountGetMethod>($value),
            15 => $check::<AccountHistoryMethod>($value),
            16 => $check::<ValidatorsListMethod>($value),
            17 => $check::<ConsensusStateMethod>($value),
            18 => $check::<EvidenceListMethod>($value),
            19 => $check::<MempoolStatsMethod>($value),
            20 => $check::<FaucetDripMethod>($value),
            _ => unreachable!("a method that is not fuzzed"),
        }
    }};
}
