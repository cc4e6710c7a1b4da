//! Transactions, execution, the authenticated state, the mempool, stores and backup.
