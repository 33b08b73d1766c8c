mlform {
  encryption {
    key_provider "pbkdf2" "main" {
      passphrase = "fifteen letters"
      iterations = 1000
      rounds     = 3
    }

    key_provider "vault" "key" {
      url = "https://vault"
    }

    key_provider "pbkdf2" "chained" {
      passphrase = key_provider.pbkdf2.main
    }

    key_provider "scrypt" "odd" {
      passphrase = "long enough for anybody"
      n          = 100000
      p          = 1.5
    }

    key_provider "raw" "ci" {
      key = "not base64 at all"
    }

    key_provider "raw" "short" {
      key      = "c0ffee"
      encoding = "hex"
    }

    key_provider "pbkdf2" "silent" {
    }

    method "aes_gcm" "main" {
      keys = key_provider.pbkdf2.main
    }

    method "aes_gcm" "vault" {
      keys = key_provider.vault.key
    }

    method "aes_gcm" "chained" {
      keys = key_provider.pbkdf2.chained
    }

    method "aes_gcm" "odd" {
      keys = key_provider.scrypt.odd
    }

    method "aes_gcm" "ci" {
      keys = key_provider.raw.ci
    }

    method "aes_gcm" "short" {
      keys = key_provider.raw.short
    }

    method "aes_gcm" "silent" {
      keys = key_provider.pbkdf2.silent
    }

    method "aes_gcm" "missing" {
      keys = key_provider.pbkdf2.mian
    }

    method "unencrypted" "migrate" {
    }

    state {
      method   = method.aes_gcm.main
      enforced = true

      fallback {
        method = method.aes_gcm.vault

        fallback {
          method = method.unencrypted.migrate
        }
      }
    }

    plan {
      method = method.aes_gcm.nowhere

      fallback {
        method = method.aes_gcm.chained
      }

      fallback {
        method = method.aes_gcm.odd
      }

      fallback {
        method = method.aes_gcm.ci
      }

      fallback {
        method = method.aes_gcm.short
      }

      fallback {
        method = method.aes_gcm.silent
      }

      fallback {
        method = method.aes_gcm.missing
      }
    }
  }
}
