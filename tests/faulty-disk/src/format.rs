//! How the record of a directory is written: first the names that are durable, then what changed since, in order.
//!
//! One line each, fields separated by tabs; names with a tab or a line feed do not occur.

/// One line of the record of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A name leads to a file, by its inode number, or to a directory (0).
    Add {
        /// The name.
        name: String,
        /// The file.
        inode: u64,
    },
    /// A name is gone.
    Remove {
        /// The name.
        name: String,
    },
    /// A name became another one, at one moment.
    Rename {
        /// The name before.
        from: String,
        /// The name after; what it led to is gone.
        to: String,
        /// The file.
        inode: u64,
    },
    /// Everything before is durable, what follows is not.
    Synced,
}

impl Line {
    /// The line, with its end.
    pub fn encode(&self) -> String {
        match self {
            Self::Add { name, inode } => format!("add\t{inode}\t{name}\n"),
            Self::Remove { name } => format!("remove\t{name}\n"),
            Self::Rename { from, to, inode } => format!("rename\t{inode}\t{from}\t{to}\n"),
            Self::Synced => "synced\n".to_owned(),
        }
    }

    /// Reads a line back; none for one that a killed process left half written.
    pub fn decode(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        Some(match fields[..] {
            ["add", inode, name] => Self::Add { name: name.to_owned(), inode: inode.parse().ok()? },
            ["remove", name] => Self::Remove { name: name.to_owned() },
            ["rename", inode, from, to] => Self::Rename {
                from: from.to_owned(),
                to: to.to_owned(),
                inode: inode.parse().ok()?,
            },
            ["synced"] => Self::Synced,
            _ => return None,
        })
    }
}

/// Name of the record of a directory, from its path below the root.
pub fn record_name(below_root: &str) -> String {
    format!("{}.dir", below_root.replace('/', "%"))
}
