//! The Logothete node: command line, driver, pipeline, sync and RPC.
