resource "mlform_data" "a" {
  input = count.index
}

resource "mlform_data" "b" {
  input = each.key
}

resource "mlform_data" "c" {
  count = 2
  input = count.idx
}

resource "mlform_data" "d" {
  for_each = { a = 1 }
  input    = each.vale
}

output "e" {
  value = count.index
}

resource "mlform_data" "f" {
  input = self.id
}
