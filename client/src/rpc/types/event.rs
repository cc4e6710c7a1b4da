//! Subscriptions and what they tell.

use std::fmt;
use std::str::FromStr;

use logothete_primitives::{Address, BlockHash, Epoch, Height, TimestampMs, TxHash, View};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::account::AddressActivity;
use super::block::{BlockSummary, SignerView};
use super::common::{Anchor, ValidatorRef};
use super::node::ConsensusState;

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Final blocks, each once, in order.
    Blocks,
    /// Executed transactions, each once, in order.
    Txs,
    /// Executed transactions that touched one account, each once, in order.
    Account,
    /// The part of the validators in each final block, each once, in order.
    Validators,
    /// The state of consensus at this node: the latest, whatever was between.
    Consensus,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Blocks, Self::Txs, Self::Account, Self::Validators, Self::Consensus];

    /// Its name, as in `/events/<kind>`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Txs => "txs",
            Self::Account => "account",
            Self::Validators => "validators",
            Self::Consensus => "consensus",
        }
    }
}

/// Up to where a subscriber has seen everything: a height, or a transaction of a height.
///
/// Written `52` when all of height 52 was seen, and `52.17` when of height 52 the transactions up to
/// and including index 17 were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The height.
    pub height: Height,
    /// The last transaction of it that was seen; all of them when absent.
    pub index: Option<u32>,
}

impl Position {
    /// All of a height was seen.
    #[must_use]
    pub fn all_of(height: Height) -> Self {
        Self { height, index: None }
    }

    /// The first height of which something is to be seen still.
    #[must_use]
    pub fn next_height(self) -> Height {
        if self.index.is_some() { self.height } else { self.height.next() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            None => write!(f, "{}", self.height),
            Some(index) => write!(f, "{}.{index}", self.height),
        }
    }
}

/// Why text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is a height, or a height, a point and an index: 52 or 52.17")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (height, index) = match text.split_once('.') {
            Some((height, index)) => (height, Some(index)),
            None => (text, None),
        };
        let height = height.parse().map_err(|_| PositionError)?;
        let index = index.map(|text| {
            let canonical = text == "0" || !text.starts_with(['0', '+']);
            text.parse().ok().filter(|_| canonical).ok_or(PositionError)
        });
        Ok(Self { height, index: index.transpose()? })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// About what.
    pub kind: EventKind,
    /// From this height on; from the next block on when this and `after` are absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_height: Option<Height>,
    /// Go on after the event with this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
    /// Whose account, for the kind `account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

impl Subscribe {
    /// From now on.
    #[must_use]
    pub fn to(kind: EventKind) -> Self {
        Self { kind, from_height: None, after: None, address: None }
    }

    /// From a height on.
    #[must_use]
    pub fn from(kind: EventKind, height: Height) -> Self {
        Self { from_height: Some(height), ..Self::to(kind) }
    }
}

/// A subscription was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// Its name on this connection; every event of it says so.
    pub subscription: String,
    /// The latest final block when it was made.
    pub at: Anchor,
}

/// A subscription of this connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionId {
    /// Its name, from the answer to `subscribe`.
    pub subscription: String,
}

/// A subscription is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsubscribed {
    /// False when there was none of that name (any more).
    pub ended: bool,
}

/// The parameters of the notification `event`, which a connection sends for its subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// For which subscription.
    pub subscription: String,
    /// What happened.
    pub event: Event,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Up to where everything was told with this event; absent for the kind `consensus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What it tells.
    #[serde(flatten)]
    pub told: Told,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Told {
    /// A block is final and executed.
    Block(BlockSummary),
    /// Transactions of a block were executed.
    Txs(ExecutedTxs),
    /// Transactions that touched the account were executed.
    Account(AccountEvents),
    /// The part of the validators in a block.
    Validators(Participation),
    /// The state of consensus.
    Consensus(ConsensusState),
    /// Nothing to tell up to the position: the subscription is alive.
    Progress,
    /// The subscriber is too far behind: this was the last event. Read what is between with the
    /// lists, and subscribe again from the height that is named.
    Lagged {
        /// The first height from which events are still told.
        resume_from: Height,
    },
}

impl Told {
    /// The name in the field `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Block(_) => "block",
            Self::Txs(_) => "txs",
            Self::Account(_) => "account",
            Self::Validators(_) => "validators",
            Self::Consensus(_) => "consensus",
            Self::Progress => "progress",
            Self::Lagged { .. } => "lagged",
        }
    }
}

/// Executed transactions of a block. A large block comes in several events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutedTxs {
    /// Height of the block.
    pub height: Height,
    /// Its hash.
    pub block: BlockHash,
    /// The transactions, in the order of the block; none when the block has none.
    pub items: Vec<ExecutedTx>,
}

/// An executed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutedTx {
    /// Its hash.
    pub hash: TxHash,
    /// Its position among all transactions of the block.
    pub index: u32,
    /// False when its operations failed.
    pub success: bool,
}

/// Executed transactions that touched an account, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountEvents {
    /// The transactions.
    pub items: Vec<AddressActivity>,
}

/// The part of the validators in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Participation {
    /// Height of the block.
    pub height: Height,
    /// Its hash.
    pub block: BlockHash,
    /// Its time.
    pub timestamp: TimestampMs,
    /// Validator-set period.
    pub epoch: Epoch,
    /// The view that brought it.
    pub view: View,
    /// Views before it that passed without a block.
    #[serde(with = "super::common::Decimal")]
    pub views_passed: u64,
    /// Who proposed it.
    pub proposer: ValidatorRef,
    /// Who signed the certificate that makes it final, as this node holds it.
    pub signers: Vec<SignerView>,
    /// Proofs of equivocation it records.
    pub evidence_count: u32,
}
