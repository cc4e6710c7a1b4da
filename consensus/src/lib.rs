//! The consensus protocol of Logothete as a pure value.
