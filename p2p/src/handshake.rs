//! The first words between two nodes: who are you, which chain, which protocol.
//!
//! Each side sends a *hello*, judges the other's, and sends its *verdict* in a code and in words.
//! Nothing is closed before both verdicts could travel, so an operator on either side reads why.
//! The preamble of the hello and the whole verdict keep their layout in every protocol version.

use std::{fmt, str, time::Duration};

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use logothete_primitives::{
    bounded::BoundedBytes,
    codec::{self, Decode, Encode},
    identifiers::{BlockHash, ChainId},
    keys::PublicKey,
    numbers::Height,
};

use tokio::time::timeout;

use crate::{
    frame::{self, FrameError},
    peer::{PeerFault, Role},
};

/// The version of everything that travels between two nodes. Nodes of different versions refuse
/// each other.
pub const PROTOCOL_VERSION: u32 = 1;

/// First bytes of every hello.
const MAGIC: [u8; 8] = *b"logothet";

/// Longest hello or verdict.
const MAX_HANDSHAKE_BYTES: usize = 1024;

/// How long a refused peer's verdict is waited for.
const PARTING: Duration = Duration::from_millis(500);

/// Longest text of a verdict.
const MAX_WORDS: usize = 512;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) version: u32,
    pub(crate) body: HelloBody,
}

/// The part of a hello whose layout belongs to the protocol version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct HelloBody {
    /// The chain.
    pub(crate) chain: ChainId,
    /// Hash of the genesis block.
    pub(crate) genesis: BlockHash,
    /// What the node claims to be.
    pub(crate) role: Role,
    /// Drawn at start: tells a restarted node from a second connection of the same one.
    pub(crate) instance: u64,
    /// The height it has applied.
    pub(crate) height: Height,
    /// Name and version of its software.
    pub(crate) agent: BoundedBytes<64>,
}

impl Hello {
    fn encode(&self) -> Vec<u8> {
        let body = codec::encode(&self.body);
        [&MAGIC[..], &self.version.to_le_bytes(), &body].concat()
    }

    /// The version is looked at first: what follows it may be laid out in another way.
    fn decode(bytes: &[u8], ours: &Self) -> Result<Self, RefusalReason> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(RefusalReason::Malformed("not a hello"))?;
        let (version, body) =
            rest.split_first_chunk::<4>().ok_or(RefusalReason::Malformed("a short hello"))?;
        let version = u32::from_le_bytes(*version);
        if version != ours.version {
            return Err(RefusalReason::Version { ours: ours.version, theirs: version });
        }
        let body = codec::decode(body)
            .map_err(|_| RefusalReason::Malformed("a hello that does not decode"))?;
        Ok(Self { version, body })
    }

    /// Whether the other node belongs to the same network; the rest is up to the caller.
    pub(crate) fn matches(&self, theirs: &Self) -> Result<(), RefusalReason> {
        let (ours, theirs) = (&self.body, &theirs.body);
        if ours.chain != theirs.chain {
            return Err(RefusalReason::Chain { ours: ours.chain, theirs: theirs.chain });
        }
        if ours.genesis != theirs.genesis {
            return Err(RefusalReason::Genesis { ours: ours.genesis, theirs: theirs.genesis });
        }
        Ok(())
    }

    /// The peer's software, with anything that is not printable replaced.
    pub(crate) fn agent(&self) -> String {
        printable(&self.body.agent)
    }
}

/// Why a connection was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The nodes speak different protocol versions.
    Version {
        /// Our version.
        ours: u32,
        /// The other's version.
        theirs: u32,
    },
    /// The nodes belong to different chains.
    Chain {
        /// Our chain.
        ours: ChainId,
        /// The other's chain.
        theirs: ChainId,
    },
    /// Same chain id, different genesis block.
    Genesis {
        /// Our genesis block.
        ours: BlockHash,
        /// The other's genesis block.
        theirs: BlockHash,
    },
    /// It claims to be a validator and its key is not in the validator set.
    NotAValidator {
        /// Its key.
        key: PublicKey,
    },
    /// It uses our own key: a copy of this node runs elsewhere, or we dialled ourselves.
    OwnKey,
    /// All places for followers are taken.
    Full {
        /// How many there are.
        places: usize,
    },
    /// Too many connections from one peer or address.
    TooManyConnections,
    /// It is kept out because of an earlier fault.
    Banned {
        /// The fault.
        fault: PeerFault,
        /// How long it is still kept out.
        remaining: Duration,
    },
    /// It sent bytes that are not a handshake.
    Malformed(&'static str),
    /// It took too long.
    Timeout,
    /// It went away before it gave its verdict.
    Closed,
    /// Another key answered than the one expected at this address.
    WrongKey {
        /// The key we asked for.
        expected: PublicKey,
        /// The key that answered.
        found: Option<PublicKey>,
    },
    /// The other node refused us, for the reason it gave.
    ByPeer {
        /// Its reason as a code; see [`RefusalReason::code`].
        code: u16,
        /// Its reason in words.
        words: String,
    },
}

impl RefusalReason {
    /// The reason as a number, the same in every protocol version; 0 is never a refusal.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Version { .. } => 1,
            Self::Chain { .. } => 2,
            Self::Genesis { .. } => 3,
            Self::NotAValidator { .. } => 4,
            Self::OwnKey => 5,
            Self::Full { .. } => 6,
            Self::TooManyConnections => 7,
            Self::Banned { .. } => 8,
            Self::Malformed(_) => 9,
            Self::Timeout => 10,
            Self::Closed => 11,
            Self::WrongKey { .. } => 12,
            Self::ByPeer { code, .. } => *code,
        }
    }

    /// The reason in one word, for counting.
    pub const fn name(&self) -> &'static str {
        match self.code() {
            1 => "version",
            2 => "chain",
            3 => "genesis",
            4 => "not_a_validator",
            5 => "own_key",
            6 | 7 => "full",
            8 => "banned",
            9 => "malformed",
            10 => "timeout",
            11 => "closed",
            12 => "wrong_key",
            _ => "unknown",
        }
    }

    /// The reason as the other side reads it.
    pub(crate) fn as_told(&self) -> Self {
        Self::ByPeer { code: self.code(), words: self.to_string() }
    }

    /// Whether trying again can help only after somebody changed a configuration.
    pub const fn is_lasting(&self) -> bool {
        matches!(self.code(), 1..=5 | 12)
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { ours, theirs } => {
                write!(f, "protocol version differs: ours is {ours}, theirs is {theirs}")
            }
            Self::Chain { ours, theirs } => {
                write!(f, "chain differs: ours is {ours}, theirs is {theirs}")
            }
            Self::Genesis { ours, theirs } => {
                write!(f, "genesis block differs: ours is {ours}, theirs is {theirs}")
            }
            Self::NotAValidator { key } => {
                write!(f, "{key} claims to be a validator and is not in the validator set")
            }
            Self::OwnKey => f.write_str("the same key is used by both nodes"),
            Self::Full { places } => write!(f, "all {places} places for followers are taken"),
            Self::TooManyConnections => f.write_str("too many connections"),
            Self::Banned { fault, remaining } => {
                write!(f, "kept out for another {} s because of: {fault}", remaining.as_secs())
            }
            Self::Malformed(what) => write!(f, "not a valid handshake: {what}"),
            Self::Timeout => f.write_str("the handshake took too long"),
            Self::Closed => f.write_str("the connection ended during the handshake"),
            Self::WrongKey { expected, found: Some(found) } => {
                write!(f, "expected {expected} at this address, found {found}")
            }
            Self::WrongKey { expected, found: None } => {
                write!(f, "expected {expected} at this address, found a key of another kind")
            }
            Self::ByPeer { words, .. } => write!(f, "the other node refused us: {words}"),
        }
    }
}

impl From<FrameError> for RefusalReason {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Oversize { .. } => Self::Malformed("an overlong frame"),
            FrameError::Truncated => Self::Malformed("a cut frame"),
            FrameError::Io(_) => Self::Closed,
        }
    }
}

/// Exchanges hellos and verdicts on a fresh stream. `judge` gives our verdict on the other's
/// hello; what it returns (a reserved place) is handed back when both sides agree and dropped
/// otherwise.
pub(crate) async fn exchange<S, T, J>(
    stream: &mut S,
    ours: &Hello,
    judge: J,
) -> Result<(Hello, T), RefusalReason>
where
    S: AsyncRead + AsyncWrite + Unpin,
    J: FnOnce(&Hello) -> Result<T, RefusalReason>,
{
    send(stream, &ours.encode()).await?;
    let judged = match receive(stream).await {
        Ok(bytes) => Hello::decode(&bytes, ours).and_then(|theirs| {
            ours.matches(&theirs)?;
            let place = judge(&theirs)?;
            Ok((theirs, place))
        }),
        Err(reason) => Err(reason),
    };
    send(stream, &encode_verdict(judged.as_ref().err())).await?;
    match judged {
        Ok(admitted) => {
            decode_verdict(&receive(stream).await?)?;
            Ok(admitted)
        }
        Err(reason) => {
            // Our own complaint is the better explanation; the other's verdict is still awaited
            // for a moment, so that ours is not cut off by a reset.
            let _ = timeout(PARTING, receive(stream)).await;
            Err(reason)
        }
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, body: &[u8]) -> Result<(), RefusalReason> {
    let framed = [&frame::prefix(body.len())[..], body].concat();
    let sent = async {
        stream.write_all(&framed).await?;
        stream.flush().await
    };
    sent.await.map_err(|_| RefusalReason::Closed)
}

async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Bytes, RefusalReason> {
    frame::read_frame(stream, MAX_HANDSHAKE_BYTES).await?.ok_or(RefusalReason::Closed)
}

/// Two bytes of code, little endian, then the words in UTF-8; code 0 without words accepts.
fn encode_verdict(refusal: Option<&RefusalReason>) -> Vec<u8> {
    let Some(reason) = refusal else {
        return vec![0, 0];
    };
    let mut verdict = reason.code().to_le_bytes().to_vec();
    let words = reason.to_string();
    verdict.extend(words.bytes().take(MAX_WORDS));
    verdict
}

fn decode_verdict(bytes: &[u8]) -> Result<(), RefusalReason> {
    let (code, words) =
        bytes.split_first_chunk::<2>().ok_or(RefusalReason::Malformed("a short verdict"))?;
    match u16::from_le_bytes(*code) {
        0 if words.is_empty() => Ok(()),
        0 => Err(RefusalReason::Malformed("an acceptance with words")),
        code => Err(RefusalReason::ByPeer { code, words: printable(words) }),
    }
}

/// Text of a peer for logs and terminals: bounded by the caller, control characters replaced.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .take(MAX_WORDS)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
