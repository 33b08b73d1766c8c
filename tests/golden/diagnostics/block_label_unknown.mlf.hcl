resource "dataset" "d" {
  source "flie" {
    path = "a.csv"
  }
}
