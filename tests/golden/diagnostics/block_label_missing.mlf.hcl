resource "mlform_data" {
  input = 1
}

variable {
}

output "a" "b" {
  value = 1
}
