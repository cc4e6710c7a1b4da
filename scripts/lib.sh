# Sourced by the scripts beside it: where things are, what must be installed, how to build.
# What has logic is in Rust and tested; this is only what must happen before there is a binary.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$repo/target}

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else return 1; fi
}

has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
    ldconfig -p 2>/dev/null | grep -q 'libclang.*\.so'
}

# Installs only what is missing, and says what and why; with `tests` also what only they need.
need_packages() {
  local missing=()
  command -v cc >/dev/null || { missing+=(gcc libc6-dev); say "gcc is missing: Rust links with it."; }
  command -v clang >/dev/null || { missing+=(clang); say "clang is missing: it compiles RocksDB (C++)."; }
  has_libclang || { missing+=(libclang-dev); say "libclang is missing: bindgen reads RocksDB's headers with it."; }
  if [ "${1:-}" = tests ]; then
    command -v promtool >/dev/null || { missing+=(prometheus); say "prometheus is missing: the alert rules are tested with it."; }
    command -v node >/dev/null || { missing+=(nodejs); say "Node.js is missing: it runs the unit tests of the explorer."; }
    command -v npm >/dev/null || { missing+=(npm); say "npm is missing: it fetches axe-core, which judges the pages of the explorer."; }
    command -v chromium >/dev/null || { missing+=(chromium); say "Chromium is missing: the explorer is tested in it."; }
    command -v chromedriver >/dev/null || { missing+=(chromium-driver); say "ChromeDriver is missing: it drives Chromium."; }
  fi
  [ ${#missing[@]} = 0 ] && return
  if ! command -v apt-get >/dev/null; then
    say "This is not Debian. Install the equivalents of: ${missing[*]}"
    exit 1
  fi
  say "Installing: ${missing[*]}"
  if ! { as_root apt-get update -qq && as_root apt-get install -y --no-install-recommends "${missing[@]}" >&2; }; then
    say "That failed (neither root nor sudo, or no network). By hand: apt-get install ${missing[*]}"
    exit 1
  fi
}

need_rust() {
  if ! command -v cargo >/dev/null; then
    say "cargo is missing. Install a Rust toolchain first: https://rustup.rs"
    exit 1
  fi
}

# The whole workspace and one profile always: with other features RocksDB would be compiled again.
build() {
  need_rust
  need_packages
  [ -e "$target/release/logothete" ] ||
    say "Building. The first build compiles RocksDB and takes some minutes; the next ones take seconds."
  (cd "$repo" && cargo build --release --workspace --locked "$@") >&2
}
