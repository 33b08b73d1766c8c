mlform {
  encryption {
    key_provider "pbkdf2" "main" {
      passphrase = "one passphrase of many"
    }

    key_provider "pbkdf2" "main" {
      passphrase = "another passphrase"
    }

    method "aes_gcm" "main" {
      keys = key_provider.pbkdf2.main
      aad  = [1, 2]
    }

    method "aes_gcm" "keyless" {
    }

    method "aes_gcm" "quoted" {
      keys = "key_provider.pbkdf2.main"
    }

    method "aes_cbc" "other" {
      keys = key_provider.pbkdf2.main
    }

    state {
      method = var.method
    }

    state {
      method = method.aes_gcm.main
    }

    plan {
      fallback {
      }
    }

    remote_state_data_sources {
    }
  }

  encryption {
  }
}
