//! The files of the explorer, embedded in the binary.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use logothete_primitives::{domain, hash};

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below `/assets/`, or `index.html`, the page that all routes show.
    pub path: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// The first page: every route of the explorer answers with it.
pub(super) const INDEX: &str = "index.html";

macro_rules! assets {
    ($($path:literal)+) => {
        /// Every file of the explorer.
        pub const ASSETS: &[Asset] =
            &[$(Asset { path: $path, bytes: include_bytes!(concat!("assets/", $path)) }),+];
    };
}

assets! {
    "index.html"
    "style.css"
    "icon.svg"
    "main.js"
    "router.js"
    "rpc.js"
    "live.js"
    "dom.js"
    "widgets.js"
    "format.js"
    "codec.js"
    "crypto.js"
    "merkle.js"
    "verify.js"
    "types.js"
    "text.js"
    "trust.js"
    "proof.js"
    "pages/home.js"
    "pages/blocks.js"
    "pages/block.js"
    "pages/transaction.js"
    "pages/account.js"
    "pages/validators.js"
    "pages/consensus.js"
    "pages/evidence.js"
    "pages/mempool.js"
    "pages/network.js"
    "pages/verify.js"
    "pages/send.js"
}

/// A file in one form, with the name of these very bytes as an entity tag.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) bytes: Bytes,
    pub(super) tag: String,
    pub(super) media_type: &'static str,
    /// The coding of the bytes, if they are not the content itself.
    pub(super) coding: Option<&'static str>,
}

/// A file as it is, and packed.
struct Forms {
    plain: Form,
    packed: Form,
}

/// Packed once, when the first page is asked for; in the order of [`ASSETS`].
static FORMS: LazyLock<Vec<Forms>> = LazyLock::new(|| ASSETS.iter().map(Asset::forms).collect());

impl Asset {
    /// The file at a path, packed for those who take that.
    pub(super) fn find(path: &str, takes_gzip: bool) -> Option<&'static Form> {
        let index = ASSETS.iter().position(|asset| asset.path == path)?;
        let forms = &FORMS[index];
        Some(if takes_gzip { &forms.packed } else { &forms.plain })
    }

    fn forms(&self) -> Forms {
        let hash = hash(domain::FILE, self.bytes);
        let form = |bytes, tag, coding| Form { bytes, tag, media_type: self.media_type(), coding };
        Forms {
            plain: form(Bytes::from_static(self.bytes), format!("\"{hash}\""), None),
            packed: form(self.packed().into(), format!("\"{hash}-gzip\""), Some("gzip")),
        }
    }

    /// Its content as gzip.
    fn packed(&self) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        let packed = packer.write_all(self.bytes).and_then(|()| packer.finish());
        packed.expect("memory takes all that is written")
    }

    /// The media type of its content.
    fn media_type(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::ASSETS;

    /// What all files may take together on their way: a page must be there at once, over slow links too.
    const PACKED_BYTES_MAX: usize = 300_000;

    fn files(directory: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_is_embedded_and_they_are_small() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/explorer/assets");
        let mut found = BTreeSet::new();
        files(&root, &root, &mut found);
        // It only tells Node.js, which runs the tests, that these files are modules.
        found.remove("package.json");
        let embedded: BTreeSet<String> = ASSETS.iter().map(|a| a.path.to_owned()).collect();
        assert_eq!(found, embedded);
        let total: usize = ASSETS.iter().map(|asset| asset.packed().len()).sum();
        println!("{total} bytes packed");
        assert!(total <= PACKED_BYTES_MAX, "{total} bytes");
    }

    #[test]
    fn nothing_names_another_host() {
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let foreign = text
                .match_indices("//")
                .map(|(at, _)| (text[..at].ends_with(':'), &text[at + 2..]))
                .filter(|(schemed, rest)| *schemed && !rest.starts_with("www.w3.org/2000/svg"));
            assert_eq!(foreign.count(), 0, "{}", asset.path);
        }
    }
}
