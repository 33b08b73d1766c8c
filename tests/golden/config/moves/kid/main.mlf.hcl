resource "mlform_data" "inner" {}

removed {
  from = mlform_data.inner
}
