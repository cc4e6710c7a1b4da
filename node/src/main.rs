//! The `logothete` binary: everything is in the library, so that tests can reach it.

fn main() -> std::process::ExitCode {
    logothete_node::cli::main()
}
