resource "dataset" "d" {
  source "file" {
    path = "a.csv"
  }
  shema {
  }
}
