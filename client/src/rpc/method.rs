//! The one definition of every method: name, parameters, result, who may call it.
//!
//! The table makes a marker type per method for typed calls, the [`Api`] trait that a server
//! implements, [`dispatch`] that serves a call by its name, and [`METHODS`] for documentation. The
//! methods of the administration listener are a table of their own, with the same of each:
//! [`AdminApi`], [`dispatch_admin`], [`ADMIN_METHODS`].

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use super::error::{ErrorCode, RpcError};
use super::openrpc::Shape;
use super::types::{
    AccountGet, AccountHistory, AccountView, AddressActivity, AdminBackup, AdminBackupVerified,
    AdminPeers, AtLeast, BackupCreated, BackupVerified, BlockCertificate, BlockGet, BlockSelector,
    BlockSummary, BlockView, ChainInfo, ConsensusState, Empty, EvidenceView, FaucetDrip, LogLevel,
    MempoolStats, NodePeers, NodeStatus, NodeWhy, OpenRpc, Page, PageRequest, StateProofGet,
    StateProofView, Stopping, Submitted, SubmittedEach, Subscribe, Subscribed, SubscriptionId,
    TxBytes, TxDetails, TxEncode, TxEncoded, TxGet, TxSimulated, TxState, TxStatusGet,
    TxSubmitBatch, TxView, TxWait, Unsubscribed, UptimeGet, ValidatorsList, ValidatorsUptime,
    ViewRecord,
};

/// One method, as a type.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// One sentence for people.
    const SUMMARY: &'static str;
    /// Who may call it.
    const ACCESS: Access;
    /// What it takes.
    type Params: Serialize + DeserializeOwned + Send;
    /// What it gives.
    type Result: Serialize + DeserializeOwned + Send;
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody who reaches the public listener.
    Public,
    /// Anybody, but only on chains whose genesis says `dev`.
    Dev,
    /// Holders of the token, on the administration listener.
    Admin,
    /// Anybody, but only through a WebSocket: the answer is about the connection.
    Socket,
}

/// A row of the table, for documentation.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// Name on the wire.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Errors of its own, beside those that every method may answer.
    pub errors: &'static [ErrorCode],
    /// Rust type of the parameters.
    pub params: &'static str,
    /// Rust type of the result.
    pub result: &'static str,
}

/// The name on the wire: that of the function, unless another is given.
macro_rules! wire_name {
    ($function:ident) => {
        stringify!($function)
    };
    ($function:ident $name:literal) => {
        $name
    };
}

/// The marker types and the table.
macro_rules! markers {
    ([$about:literal $methods:ident $shapes:ident $reread:ident] $($(#[doc = $doc:literal])+ $access:ident $marker:ident = $function:ident $(as $name:literal)? ($params:ty) -> $result:ty [$($error:ident)*];)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $marker;

            impl Method for $marker {
                const NAME: &'static str = wire_name!($function $($name)?);
                const SUMMARY: &'static str = concat!($($doc),+).trim_ascii();
                const ACCESS: Access = Access::$access;
                type Params = $params;
                type Result = $result;
            }
        )+

        #[doc = $about]
        pub const $methods: &[MethodInfo] = &[$(MethodInfo {
            name: <$marker as Method>::NAME,
            summary: <$marker as Method>::SUMMARY,
            access: <$marker as Method>::ACCESS,
            errors: &[$(ErrorCode::$error),*],
            params: stringify!($params),
            result: stringify!($result),
        }),+];

        /// The types of the methods, in the same order.
        pub(super) const $shapes: &[Shape] = &[$(Shape::of::<$params, $result>()),+];

        /// Reads the parameters and the result of an example with the types of its method, and says
        /// what they look like when they are written again.
        #[cfg(test)]
        fn $reread(name: &str, params: Value, result: Value) -> Result<[Value; 2], String> {
            let text = |error: serde_json::Error| error.to_string();
            match name {
                $(<$marker as Method>::NAME => {
                    let params: $params = serde_json::from_value(params).map_err(text)?;
                    let result: $result = serde_json::from_value(result).map_err(text)?;
                    let params = serde_json::to_value(params).map_err(text)?;
                    Ok([params, serde_json::to_value(result).map_err(text)?])
                })+
                unknown => Err(format!("no method {unknown}")),
            }
        }
    };
}

/// The interface of a server.
macro_rules! api {
    ([$about:literal $api:ident $dispatch:ident $methods:ident] $($(#[doc = $doc:literal])+ $access:ident $marker:ident = $function:ident $(as $name:literal)? ($params:ty) -> $result:ty [$($error:ident)*];)+) => {
        #[doc = $about]
        pub trait $api: Send + Sync {
            $(
                $(#[doc = $doc])+
                fn $function(
                    &self,
                    params: $params,
                ) -> impl Future<Output = Result<$result, RpcError>> + Send;
            )+
        }

        /// Serves one call: reads the parameters, calls the function, writes the result.
        ///
        /// # Errors
        ///
        /// An unknown method, parameters that do not fit, and whatever the function answers.
        pub async fn $dispatch<A: $api>(
            api: &A,
            name: &str,
            params: Option<&RawValue>,
        ) -> Result<Vec<u8>, RpcError> {
            match name {
                $(<$marker as Method>::NAME => {
                    let params = read_params::<$params>(params)?;
                    write_result(&Box::pin(api.$function(params)).await?)
                })+
                other if $methods.iter().any(|method| method.name == other) => {
                    Err(RpcError::needs_socket(other))
                }
                unknown => Err(RpcError::no_method(unknown, $methods)),
            }
        }
    };
}

/// `calls` are answered anywhere, `socket` by the connection they come through, `admin` by the
/// administration listener only.
macro_rules! methods {
    (calls { $($call:tt)+ } socket { $($socket:tt)+ } admin { $($admin:tt)+ }) => {
        markers! {
            ["Every method of the public listener, in the order of the documentation." METHODS SHAPES reread]
            $($call)+ $($socket)+
        }
        api! { ["What a server implements: one function per method." Api dispatch METHODS] $($call)+ }
        markers! {
            ["Every method of the administration listener, in the order of the documentation." ADMIN_METHODS ADMIN_SHAPES reread_admin]
            $($admin)+
        }
        api! {
            ["What the server of the administration listener implements." AdminApi dispatch_admin ADMIN_METHODS]
            $($admin)+
        }
    };
}

methods! {
calls {
    /// The chain: its identity, parameters and head.
    Public ChainInfoMethod = chain_info(Empty) -> ChainInfo [];
    /// This node: role, progress, synchronization, peers, and whose votes are missing.
    Public NodeStatusMethod = node_status(Empty) -> NodeStatus [];
    /// Why this node or its chain stands still, and what to do about it.
    Public NodeWhyMethod = node_why(Empty) -> NodeWhy [];
    /// The nodes this node is connected to.
    Public NodePeersMethod = node_peers(Empty) -> NodePeers [];
    /// One final block, by height or hash; the latest when neither is given.
    Public BlockGetMethod = block_get(BlockGet) -> BlockView [NotFound NotSynced Pruned];
    /// Final blocks, newest first.
    Public BlockListMethod = block_list(PageRequest) -> Page<BlockSummary> [BadCursor NotSynced];
    /// The certificate that makes a block final, with the headers up to the block it names.
    Public BlockCertificateMethod = block_certificate(BlockSelector) -> BlockCertificate [NotFound NotSynced Pruned];
    /// Hands in a signed transaction; handing in the same bytes again is harmless.
    Public TxSubmitMethod = tx_submit(TxBytes) -> Submitted [TxRejected MempoolFull Limit AlreadyKnown];
    /// Hands in many signed transactions at once; each is answered for itself, in order.
    Public TxSubmitBatchMethod = tx_submit_batch(TxSubmitBatch) -> SubmittedEach [TooLarge];
    /// Where a transaction stands.
    Public TxStatusMethod = tx_status(TxStatusGet) -> TxState [NotSynced];
    /// Waits until a transaction is final or dropped, or until the time is over.
    Public TxWaitMethod = tx_wait(TxWait) -> TxState [Limit];
    /// A final transaction with its receipt and, on request, the proofs of both.
    Public TxGetMethod = tx_get(TxGet) -> TxDetails [NotFound NotSynced Pruned];
    /// What would happen to a transaction if it were executed on the present state.
    Public TxSimulateMethod = tx_simulate(TxBytes) -> TxSimulated [TxRejected];
    /// The bytes of a transaction body and the message its signers sign.
    Public TxEncodeMethod = tx_encode(TxEncode) -> TxEncoded [];
    /// The content of a transaction's bytes.
    Public TxDecodeMethod = tx_decode(TxBytes) -> TxView [TxRejected];
    /// An account's balance and next nonce and, on request, their proof.
    Public AccountGetMethod = account_get(AccountGet) -> AccountView [NotSynced Pruned];
    /// The transactions that touched an account, newest first.
    Public AccountHistoryMethod = account_history(AccountHistory) -> Page<AddressActivity> [BadCursor NotSynced];
    /// A value of the state, or its absence, with the proof.
    Public StateProofMethod = state_proof(StateProofGet) -> StateProofView [NotSynced Pruned];
    /// The validators that decide now.
    Public ValidatorsListMethod = validators_list(AtLeast) -> ValidatorsList [NotSynced];
    /// The part of each validator in recent blocks.
    Public ValidatorsUptimeMethod = validators_uptime(UptimeGet) -> ValidatorsUptime [NotSynced];
    /// The state of the consensus protocol as this node sees it.
    Public ConsensusStateMethod = consensus_state(Empty) -> ConsensusState [];
    /// The views of the chain and what came of each, newest first.
    Public ConsensusViewsMethod = consensus_views(PageRequest) -> Page<ViewRecord> [BadCursor NotSynced];
    /// Proofs of equivocation that the chain records, newest first.
    Public EvidenceListMethod = evidence_list(PageRequest) -> Page<EvidenceView> [BadCursor NotSynced];
    /// What waits in this node's mempool.
    Public MempoolStatsMethod = mempool_stats(Empty) -> MempoolStats [];
    /// This interface: every method with its parameters, result, errors and an example.
    Public RpcDiscoverMethod = rpc_discover as "rpc.discover"(Empty) -> OpenRpc [];
    /// Gives coins of the development account to an address.
    Dev FaucetDripMethod = faucet_drip(FaucetDrip) -> Submitted [MethodNotFound TxRejected MempoolFull Limit];
}
socket {
    /// Sends events from now on, or from a height on.
    Socket SubscribeMethod = subscribe(Subscribe) -> Subscribed [Limit Pruned];
    /// Ends a subscription.
    Socket UnsubscribeMethod = unsubscribe(SubscriptionId) -> Unsubscribed [];
}
admin {
    /// Writes a backup of the newest final height into an empty or missing directory.
    Admin AdminBackupMethod = admin_backup(AdminBackup) -> BackupCreated [Unauthorized];
    /// Tells the node that a backup of its chain was verified.
    Admin AdminBackupVerifiedMethod = admin_backup_verified(AdminBackupVerified) -> BackupVerified [Unauthorized];
    /// Changes what the node logs until it is started again.
    Admin AdminLogLevelMethod = admin_log_level(LogLevel) -> LogLevel [Unauthorized];
    /// The addresses of this node, its peers, and those it keeps out.
    Admin AdminPeersMethod = admin_peers(Empty) -> AdminPeers [Unauthorized];
    /// Stops the node in good order.
    Admin AdminShutdownMethod = admin_shutdown(Empty) -> Stopping [Unauthorized];
    /// This interface: every method with its parameters, result, errors and an example.
    Admin AdminDiscoverMethod = rpc_discover as "rpc.discover"(Empty) -> OpenRpc [];
}
}

/// Reads parameters from their text; only those that are refused become a value on the way, for what is said of them.
fn read_params<P: DeserializeOwned>(params: Option<&RawValue>) -> Result<P, RpcError> {
    let Some(text) = params.map(RawValue::get) else { return parse_params(Value::Null) };
    serde_json::from_str(text)
        .or_else(|_| parse_params(serde_json::from_str(text).map_err(RpcError::parse_error)?))
}

/// Reads parameters by name or by position; absent parameters are an empty object.
///
/// # Errors
///
/// `INVALID_PARAMS` that says which parameter and which value, with the name that was probably meant.
pub fn parse_params<P: DeserializeOwned>(params: Value) -> Result<P, RpcError> {
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    if !params.is_object() && !params.is_array() {
        let hint = "params is an object of named values or an array";
        return Err(RpcError::invalid_params("neither object nor array", hint));
    }
    P::deserialize(&params).map_err(|_| refusal::<P>(&params))
}

/// Reads refused parameters once more, this time noting the place: what is accepted does not pay for it.
fn refusal<P: DeserializeOwned>(params: &Value) -> RpcError {
    let Err(error) = serde_path_to_error::deserialize::<_, P>(params) else {
        return RpcError::internal();
    };
    let mut value = Some(params);
    for segment in error.path() {
        value = match segment {
            Segment::Seq { index } => value.and_then(|value| value.get(index)),
            Segment::Map { key } => value.and_then(|value| value.get(key)),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
    }
    let path = error.path().to_string();
    let why = error.into_inner().to_string();
    let hint = mistyped(&why).unwrap_or_else(|| "docs/rpc.md has an example of each method".into());
    let place = match value {
        Some(value) if path != "." => format!("{path}: {}: ", excerpt(value)),
        _ => String::new(),
    };
    RpcError::invalid_params(format_args!("{place}{why}"), hint)
}

/// A value as JSON, cut where it gets long.
fn excerpt(value: &Value) -> String {
    const LONGEST: usize = 40;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Writes a result.
fn write_result<R: Serialize>(result: &R) -> Result<Vec<u8>, RpcError> {
    serde_json::to_vec(result).map_err(|_| RpcError::internal())
}

/// The method of the public listener whose name is nearest to `name`, when one is near.
#[must_use]
pub fn closest(name: &str) -> Option<&'static str> {
    closest_of(name, METHODS)
}

/// The same of any table.
pub(super) fn closest_of(name: &str, methods: &[MethodInfo]) -> Option<&'static str> {
    nearest(name, methods.iter().map(|method| method.name))
}

/// The nearest of several names, when one is near enough to have been meant.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let near = |candidate: &&str| strsim::damerau_levenshtein(name, candidate);
    known.min_by_key(near).filter(|best| near(best) <= 1 + best.len() / 4)
}

/// From serde's "unknown field `x`, expected one of `a`, `b`" to "did you mean a?".
fn mistyped(why: &str) -> Option<String> {
    let rest = why.strip_prefix("unknown field `")?;
    let mut quoted = rest.split('`').step_by(2);
    let name = quoted.next()?;
    nearest(name, quoted).map(|best| format!("did you mean {best}?"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rpc::openrpc::{examples, section};

    #[test]
    fn names_are_unique_and_mistakes_are_answered_with_the_nearest() {
        let mut names: Vec<_> = METHODS.iter().map(|method| method.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METHODS.len());
        assert_eq!(closest("tx_sumbit"), Some("tx_submit"));
        assert_eq!(closest("chaininfo"), Some("chain_info"));
        assert_eq!(closest("eth_blockNumber"), None);
        let error = RpcError::method_not_found("block_gte");
        assert_eq!(error.code, ErrorCode::MethodNotFound);
        assert_eq!(error.data.hint, "did you mean block_get?");
    }

    #[test]
    fn every_method_is_documented_with_an_example_that_reads() {
        let document = include_str!("../../../docs/rpc.md");
        for method in METHODS.iter().chain(ADMIN_METHODS) {
            let name = method.name;
            let section = section(document, name).unwrap_or_else(|| panic!("{name}"));
            let (params, result) = examples(section).unwrap_or_else(|| panic!("{name}"));
            for error in method.errors {
                assert!(section.contains(&format!("`{}`", error.name())), "{name}: {error:?}");
            }
            assert!(section.contains(method.summary), "{name}: {}", method.summary);
            let read = if method.access == Access::Admin { reread_admin } else { reread };
            let [params_again, result_again] = read(name, params.clone(), result.clone())
                .unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_same(name, &params, &params_again);
            assert_same(name, &result, &result_again);
        }
        for (_, number, name) in ErrorCode::all() {
            assert!(document.contains(&format!("| {number} | `{name}` |")), "{name}");
        }
    }

    /// What the example says is said again; what it leaves out may be a default.
    fn assert_same(name: &str, written: &Value, again: &Value) {
        match (written, again) {
            (Value::Object(written), Value::Object(again)) => {
                for (key, value) in written {
                    let found =
                        again.get(key).unwrap_or_else(|| panic!("{name}: {key} means nothing"));
                    assert_same(&format!("{name}.{key}"), value, found);
                }
            }
            (Value::Array(written), Value::Array(again)) if written.len() == again.len() => {
                for (value, found) in written.iter().zip(again) {
                    assert_same(name, value, found);
                }
            }
            _ => assert_eq!(written, again, "{name}"),
        }
    }

    #[test]
    fn the_table_names_types_and_access() {
        let drip = METHODS.iter().find(|method| method.name == "faucet_drip").unwrap();
        assert_eq!((drip.params, drip.result), ("FaucetDrip", "Submitted"));
        assert_eq!(drip.access, Access::Dev);
        assert_eq!(drip.summary, "Gives coins of the development account to an address.");
    }
}
