resource "mlform_data" "a" {
  for_each = ["a", "b"]
}

resource "mlform_data" "b" {
  for_each = "a"
}

resource "mlform_data" "c" {
  for_each = null
}

resource "mlform_data" "d" {
  for_each = toset([1, null])
}

resource "mlform_data" "e" {
  for_each = toset([["a"]])
}
