//! A specification in code: for tests, for the development network and for `genesis init`.

use logothete_ledger::params::ChainParams;
use logothete_primitives::{Address, Amount, PublicKey, TimestampMs};

use crate::fault::Faults;
use crate::spec::{AccountSpec, Spec, ValidatorSpec};

/// Collects the parts of a specification and checks them at the end.
#[derive(Clone, Debug)]
pub struct Builder {
    spec: Spec,
}

impl Builder {
    /// A chain with a name and the time of its block 0.
    #[must_use]
    pub fn new(chain_name: impl Into<String>, timestamp: TimestampMs) -> Self {
        let spec = Spec {
            chain_name: chain_name.into(),
            timestamp,
            validators: Vec::new(),
            accounts: Vec::new(),
            params: ChainParams::default(),
        };
        Self { spec }
    }

    /// Changes a specification that is there already.
    #[must_use]
    pub fn from_spec(spec: Spec) -> Self {
        Self { spec }
    }

    /// Sets all parameters.
    #[must_use]
    pub fn params(mut self, params: ChainParams) -> Self {
        self.spec.params = params;
        self
    }

    /// Sets where the fees go.
    #[must_use]
    pub fn fee_account(mut self, address: Address) -> Self {
        self.spec.params.fee_account = address;
        self
    }

    /// Adds a validator.
    #[must_use]
    pub fn validator(mut self, name: impl Into<String>, key: PublicKey, power: u64) -> Self {
        self.spec.validators.push(ValidatorSpec { name: name.into(), key, power, address: None });
        self
    }

    /// Says where the validator added last can be reached.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        if let Some(validator) = self.spec.validators.last_mut() {
            validator.address = Some(address.into());
        }
        self
    }

    /// Adds an account without a name.
    #[must_use]
    pub fn account(mut self, address: Address, balance: Amount) -> Self {
        self.spec.accounts.push(AccountSpec { address, balance, name: None });
        self
    }

    /// Adds an account with a name.
    #[must_use]
    pub fn named_account(
        mut self,
        name: impl Into<String>,
        address: Address,
        balance: Amount,
    ) -> Self {
        self.spec.accounts.push(AccountSpec { address, balance, name: Some(name.into()) });
        self
    }

    /// The specification, if nothing is wrong with it.
    ///
    /// # Errors
    /// With every fault it has.
    pub fn build(self) -> Result<Spec, Faults> {
        self.spec.validate()?;
        Ok(self.spec)
    }
}
