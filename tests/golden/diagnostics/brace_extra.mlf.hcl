resource "mlform_data" "a" {
  input = 1
}
}

output "b" {
  value = 1
}
