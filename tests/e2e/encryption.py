"""Values of MLF_ENCRYPTION to run mlform with; keys that are raw cost nothing."""

from __future__ import annotations

from base64 import b64encode

KEY = b64encode(bytes(range(32))).decode()
PLANS_ENCRYPTED = f"""
key_provider "raw" "main" {{
  key = "{KEY}"
}}
method "aes_gcm" "main" {{
  keys = key_provider.raw.main
}}
plan {{
  method   = method.aes_gcm.main
  enforced = true
}}
"""
ALL_ENCRYPTED = f"""{PLANS_ENCRYPTED}
state {{
  method   = method.aes_gcm.main
  enforced = true
}}
"""
PLANS_IN_PLAIN_TEXT = """
method "unencrypted" "open" {}
plan {
  method = method.unencrypted.open
}
"""
