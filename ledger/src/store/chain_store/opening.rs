//! Opening a store: who the records belong to, and how far they go.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use logothete_primitives::{ChainId, Height};

use super::ChainStore;
use crate::store::StoreError;
use crate::store::engine::{Direction, Durability, Engine};
use crate::store::schema::{self, Family};

impl<E: Engine> ChainStore<E> {
    /// Checks the identity of the records, or writes it when there are none.
    pub fn open_on(engine: E, chain: ChainId) -> Result<Self, StoreError> {
        match identity(&engine)? {
            Some(found) if found == chain => {}
            Some(found) => {
                return Err(StoreError::ForeignChain { expected: chain, found });
            }
            None => {
                refuse_lost_identity(&engine)?;
                write_identity(&engine, &chain)?;
            }
        }
        Self::with_chain(engine, chain)
    }

    #[cfg(feature = "rocks")]
    /// Opens records whose chain is not known beforehand; `None` when they have no identity.
    pub(crate) fn open_any(engine: E) -> Result<Option<Self>, StoreError> {
        match identity(&engine)? {
            Some(chain) => Self::with_chain(engine, chain).map(Some),
            None => Ok(None),
        }
    }

    fn with_chain(engine: E, chain: ChainId) -> Result<Self, StoreError> {
        let committed = last_height(&engine, Family::Certificates)?.unwrap_or(Height::ZERO);
        let applied = last_height(&engine, Family::Executed)?;
        if applied.is_some_and(|applied| applied > committed) {
            let key = schema::height_key(committed);
            let fault = "state is ahead of the final blocks";
            return Err(StoreError::corrupted(Family::Executed.name(), &key, fault));
        }
        Ok(Self {
            engine,
            chain,
            committed: AtomicU64::new(committed.get()),
            applied_count: AtomicU64::new(applied.map_or(0, |height| height.get() + 1)),
            commits: Mutex::new(()),
            applies: Mutex::new(()),
            batches: Mutex::new(()),
        })
    }

    pub(crate) fn engine(&self) -> &E {
        &self.engine
    }

    /// The records without what is derived from them.
    pub fn into_engine(self) -> E {
        self.engine
    }
}

fn identity<E: Engine>(engine: &E) -> Result<Option<ChainId>, StoreError> {
    let family = Family::Meta;
    let Some(schema) = engine.read(family, schema::META_SCHEMA)? else {
        return Ok(None);
    };
    let version = schema::unseal(family, schema::META_SCHEMA, &schema)?;
    let found = version.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    if found > schema::SCHEMA_VERSION {
        return Err(StoreError::NewerSchema { found, supported: schema::SCHEMA_VERSION });
    }
    if found < schema::SCHEMA_VERSION {
        return Err(StoreError::OlderSchema { found, needed: schema::SCHEMA_VERSION });
    }
    let missing = || StoreError::corrupted(family.name(), schema::META_CHAIN, "missing");
    let chain = engine.read(family, schema::META_CHAIN)?.ok_or_else(missing)?;
    let chain = schema::unseal(family, schema::META_CHAIN, &chain)?;
    Ok(Some(ChainId::new(schema::digest_of(family, schema::META_CHAIN, chain)?)))
}

/// Records without an identity are damage; no records are a database that was just made.
fn refuse_lost_identity<E: Engine>(engine: &E) -> Result<(), StoreError> {
    let mut found = false;
    for family in [Family::Safety, Family::Blocks, Family::Executed] {
        engine.scan(family, &[], Direction::Ascending, &mut |_, _| {
            found = true;
            ControlFlow::Break(())
        })?;
    }
    if found {
        let fault = "missing, though there are records";
        return Err(StoreError::corrupted(Family::Meta.name(), schema::META_CHAIN, fault));
    }
    Ok(())
}

fn write_identity<E: Engine>(engine: &E, chain: &ChainId) -> Result<(), StoreError> {
    let family = Family::Meta;
    let version = schema::SCHEMA_VERSION.to_be_bytes();
    engine.write(Durability::Synced, &mut |writer| {
        for (key, value) in
            [(schema::META_SCHEMA, &version[..]), (schema::META_CHAIN, &chain.as_bytes()[..])]
        {
            writer.put(family, key, &schema::seal(family, key, value));
        }
    })
}

fn last_height<E: Engine>(engine: &E, family: Family) -> Result<Option<Height>, StoreError> {
    let mut last = None;
    engine.scan(family, &[u8::MAX; 8], Direction::Descending, &mut |key, _| {
        last = Some(schema::height_of(family, key));
        ControlFlow::Break(())
    })?;
    last.transpose()
}
