"""Files to modules: what the configuration declares, before anything is resolved."""
