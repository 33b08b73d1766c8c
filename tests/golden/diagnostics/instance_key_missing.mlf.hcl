resource "mlform_data" "many" {
  count = 2
  input = 1
}

resource "mlform_data" "keyed" {
  for_each = { a = 1 }
}

output "a" {
  value = mlform_data.many.output
}

output "b" {
  value = mlform_data.keyed.output
}

output "c" {
  value = mlform_data.single[0].output
}

resource "mlform_data" "single" {
}
