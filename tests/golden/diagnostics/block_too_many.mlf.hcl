resource "dataset" "d" {
  source "file" {
    path = "a.csv"
  }
  source "file" {
    path = "b.csv"
  }
}
