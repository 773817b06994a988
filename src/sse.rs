//! An incremental decoder of server-sent events.
