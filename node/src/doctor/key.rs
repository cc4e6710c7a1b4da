//! The key file: there, closed to others, sealed where it must be, and of a validator of this chain.

use logothete_genesis::keystore::KeyFile;
use logothete_genesis::{KeyFileError, Spec};

use super::check::Check;
use crate::config::{Config, Role};

const NAME: &str = "key_file";

/// Looks at the key file without opening the key.
pub(super) fn check(config: &Config) -> Check {
    let path = &config.paths.key;
    let info = match KeyFile::inspect(path) {
        Ok(info) => info,
        Err(error) => return Check::fault(NAME, error.to_string(), advice(&error, config)),
    };
    let Ok(spec) = Spec::load(&config.paths.genesis) else {
        return Check::ok(NAME, format!("{} is closed to others", path.display()));
    };
    if !info.encrypted && !spec.params.dev {
        let error = KeyFileError::PlainRefused { path: path.clone() };
        return Check::fault(NAME, error.to_string(), "import the key again, with a passphrase");
    }
    let known = spec.validators.iter().find(|validator| validator.key == info.public);
    match (known, config.role) {
        (None, Role::Validator) => Check::fault(
            NAME,
            format!("{} is not a validator of {}", info.public, spec.chain_name),
            "check paths.key and paths.genesis, or run with --role follower",
        ),
        (Some(validator), Role::Validator) => {
            Check::ok(NAME, format!("{} is {}", info.public, validator.name))
        }
        (_, Role::Follower) => Check::ok(NAME, format!("{} follows", info.public)),
    }
}

fn advice(error: &KeyFileError, config: &Config) -> String {
    let path = config.paths.key.display();
    match error {
        KeyFileError::ModeTooOpen { .. } => {
            format!("chmod 600 {path}; if others may have read it, rotate the key")
        }
        KeyFileError::Missing { .. } => {
            "make the home of a node with `logothete init`, or name the key in paths.key".to_owned()
        }
        _ => format!("restore {path} from where you keep its copy"),
    }
}
