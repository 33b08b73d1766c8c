resource "mlform_data" "a" {
  input = [1, 2
}

output "b" {
  value = 1
}
