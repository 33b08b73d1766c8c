"""Keys and what they seal: AES-GCM, with keys from passphrases or as they are."""
