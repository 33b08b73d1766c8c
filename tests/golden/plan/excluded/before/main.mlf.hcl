resource "mlform_data" "a" {
  input = "one"
}

resource "mlform_data" "b" {
  input = mlform_data.a.output
}

resource "mlform_data" "c" {
  input = mlform_data.b.output
}
