resource "mlform_data" "a" {
  input 1
}

locals {
  a : 1
  b == 2
}
