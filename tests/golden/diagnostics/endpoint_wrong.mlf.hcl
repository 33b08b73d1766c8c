resource "endpoint" "e" {
  model    = mlform_data.x
  port     = 99999999
  requires = mlform_data.x
  replicas = "two"
}

resource "mlform_data" "x" {
}
