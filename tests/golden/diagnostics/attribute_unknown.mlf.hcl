resource "mlform_data" "a" {
  input = { name = "x" }
}

resource "dataset" "d" {
  source "file" {
    path = "a.csv"
  }
}

output "a" {
  value = mlform_data.a.outptu
}

output "b" {
  value = dataset.d.row
}

output "c" {
  value = mlform_data.a.input.nam
}
