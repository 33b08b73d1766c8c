resource "mlform_data" "a" {
  input = 1
  input = 2
}
