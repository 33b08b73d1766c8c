resource "mlform_data" "a" {
  input = 1
  lifecycle {
    precondition {
      condition     = 1 > length(local.names)
      error_message = "Too many names: ${length(local.names)}."
    }
  }
}

locals {
  names = ["a", "b"]
}
