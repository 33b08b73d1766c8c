resource "mlform_data" "a" {
  inputs = 1
  triggers_replac = 2
  something_else = 3
}
