resource "mlform_data" "a" {
  input = hello
}

output "b" {
  value = mlform_data
}

output "c" {
  value = var
}
