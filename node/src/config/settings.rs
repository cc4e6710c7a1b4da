//! The sources of a configuration, and which of them won.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::Value;

use super::fault::{Fault, Faults};
use super::key::{KEYS, Key, NONE, OTHER_VARIABLES, PREFIX, find, nearest, shape, variable_of};

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The table of keys.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable, by name.
    Variable(String),
    /// A command line flag, by name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The value, already of its key's kind.
    pub value: Value,
    /// Its source.
    pub origin: Origin,
}

impl Setting {
    /// Whether it says that there is none.
    fn is_none(&self) -> bool {
        self.value.as_str() == Some(NONE)
    }
}

/// What the strongest sources say, key by key.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) values: BTreeMap<&'static str, Setting>,
    base: PathBuf,
}

/// The sources of a configuration, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; relative paths are relative to its directory.
    pub file: Option<PathBuf>,
    /// Environment variables (all of them; only ours are looked at).
    pub variables: Vec<(String, String)>,
    /// `(flag name, key, value)`, the value written like a variable's.
    pub flags: Vec<(String, String, String)>,
}

impl Settings {
    /// Reads all sources. Collects every fault instead of stopping at the first.
    ///
    /// # Errors
    /// Unknown keys, values of the wrong shape, an unreadable or malformed file.
    pub fn resolve(sources: &Sources) -> Result<Self, Faults> {
        let base = match sources.file.as_deref().and_then(Path::parent) {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let base = std::path::absolute(&base).unwrap_or(base);
        let mut faults = Vec::new();
        let mut settings = Self { values: defaults(), base };
        if let Some(path) = &sources.file {
            match read_table(path) {
                Ok(table) => settings.apply_table(path, "", &table, &mut faults),
                Err(fault) => faults.push(fault),
            }
        }
        settings.apply_variables(&sources.variables, &mut faults);
        for (flag, name, text) in &sources.flags {
            settings.apply_text(name, text, Origin::Flag(flag.clone()), &mut faults);
        }
        faults.extend(settings.incomplete());
        if faults.is_empty() { Ok(settings) } else { Err(Faults(faults)) }
    }

    /// All settings in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Key, &Setting)> {
        KEYS.iter().filter_map(|key| self.values.get(key.name).map(|setting| (key, setting)))
    }

    fn apply_table(
        &mut self,
        path: &Path,
        prefix: &str,
        table: &toml::Table,
        faults: &mut Vec<Fault>,
    ) {
        for (part, value) in table {
            let name = if prefix.is_empty() { part.clone() } else { format!("{prefix}.{part}") };
            match value {
                // The keys of an unknown section are told one by one: most are known in another one.
                Value::Table(inner)
                    if find(&name).is_none() && (is_section(&name) || !inner.is_empty()) =>
                {
                    self.apply_table(path, &name, inner, faults);
                }
                _ => {
                    let origin = Origin::File(path.to_path_buf());
                    match find(&name) {
                        Some(key) => self.put(key, value.clone(), origin, faults),
                        None => faults.push(unknown(&name, &origin)),
                    }
                }
            }
        }
    }

    fn apply_variables(&mut self, variables: &[(String, String)], faults: &mut Vec<Fault>) {
        for (variable, text) in variables {
            if !variable.starts_with(PREFIX) || OTHER_VARIABLES.contains(&variable.as_str()) {
                continue;
            }
            let origin = Origin::Variable(variable.clone());
            match KEYS.iter().find(|key| variable_of(key.name) == *variable) {
                Some(key) => self.put(key, Value::String(text.clone()), origin, faults),
                None => faults.push(Fault::UnknownKey {
                    name: variable.clone(),
                    origin: "the environment".into(),
                    suggestion: nearest(
                        variable,
                        KEYS.iter()
                            .map(|key| variable_of(key.name))
                            .chain(OTHER_VARIABLES.iter().map(ToString::to_string)),
                    ),
                }),
            }
        }
    }

    fn apply_text(&mut self, name: &str, text: &str, origin: Origin, faults: &mut Vec<Fault>) {
        match find(name) {
            Some(key) => self.put(key, Value::String(text.to_owned()), origin, faults),
            None => faults.push(unknown(name, &origin)),
        }
    }

    fn put(&mut self, key: &'static Key, value: Value, origin: Origin, faults: &mut Vec<Fault>) {
        match shape(key.kind, value) {
            Ok(value) => {
                self.values.insert(key.name, Setting { value, origin });
            }
            Err(got) => faults.push(Fault::BadValue {
                name: key.name,
                origin: origin.to_string(),
                expected: key.kind.describe(),
                got,
            }),
        }
    }

    /// A listener that anybody on the machine could use is no listener.
    fn incomplete(&self) -> Option<Fault> {
        let [listen, hash] = ["admin.listen", "admin.token_hash"];
        let origin = &self.values.get(listen).filter(|setting| !setting.is_none())?.origin;
        let lacking = self.values.get(hash).is_none_or(Setting::is_none);
        lacking.then(|| Fault::Incomplete {
            name: listen,
            origin: origin.to_string(),
            needs: hash,
            advice: "`logothete admin token` prints it beside a new token",
        })
    }

    pub(super) fn text(&self, name: &'static str) -> String {
        self.values.get(name).and_then(|s| s.value.as_str()).unwrap_or_default().to_owned()
    }

    /// The value of a key that may be none.
    pub(super) fn parsed<T: FromStr>(&self, name: &'static str) -> Option<T> {
        self.text(name).parse().ok()
    }

    pub(super) fn count(&self, name: &'static str) -> usize {
        let count = self.values.get(name).and_then(|s| s.value.as_integer());
        count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
    }

    pub(super) fn list(&self, name: &'static str) -> Vec<String> {
        let items = self.values.get(name).and_then(|s| s.value.as_array());
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(super) fn path(&self, name: &'static str) -> PathBuf {
        self.base.join(self.text(name))
    }

    pub(super) fn socket(&self, name: &'static str) -> SocketAddr {
        self.text(name).parse().expect("a socket setting was parsed when it was put")
    }
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(name: &str, origin: &Origin) -> Fault {
    // A key under the wrong section is as common a slip as a misspelt one: compare the last part too.
    fn last(text: &str) -> &str {
        text.rsplit('.').next().unwrap_or_default()
    }
    let names = || KEYS.iter().map(|key| key.name.to_owned());
    let mut moved = names().filter(|known| last(known) == last(name));
    let suggestion = match (moved.next(), moved.next()) {
        (Some(only), None) => Some(only),
        _ => nearest(name, names()),
    };
    Fault::UnknownKey { name: name.to_owned(), origin: origin.to_string(), suggestion }
}

fn defaults() -> BTreeMap<&'static str, Setting> {
    KEYS.iter()
        .map(|key| {
            let value = shape(key.kind, Value::String(key.default.to_owned()))
                .expect("the default of every key has the shape of the key");
            (key.name, Setting { value, origin: Origin::Default })
        })
        .collect()
}

fn read_table(path: &Path) -> Result<toml::Table, Fault> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fault::Unreadable { path: shown.clone(), message: error.to_string() })?;
    text.parse().map_err(|error: toml::de::Error| Fault::Syntax {
        path: shown,
        message: error.to_string().trim_end().to_owned(),
    })
}
