"""The kinds of resources: what each accepts, what it depends on, which work it asks for."""
