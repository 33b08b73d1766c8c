mlform {
  encryption {
    method "unencrypted" "open" {
    }

    state {
      enforced = true
    }

    plan {
      method   = method.unencrypted.open
      enforced = "perhaps"
    }
  }
}
