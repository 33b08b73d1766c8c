check "c" {
  assert {
    condition = true
  }
}

check "d" {
}

check "e" {
  assert {
    condition     = 1
    error_message = "x"
  }
}
