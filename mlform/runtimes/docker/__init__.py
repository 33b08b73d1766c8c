"""The container runtime: every task and server in a hardened container of one pinned image."""
