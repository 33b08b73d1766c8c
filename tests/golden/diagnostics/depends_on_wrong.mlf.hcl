resource "mlform_data" "a" {
  depends_on = ["mlform_data.b"]
}

resource "mlform_data" "b" {
  depends_on = mlform_data.c
}

resource "mlform_data" "c" {
  depends_on = [mlform_data.nope, var.x, 1 + 1]
}
