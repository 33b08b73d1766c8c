resource "mlform_data" "1a" {
}

variable "a b" {
}

output "" {
  value = 1
}
