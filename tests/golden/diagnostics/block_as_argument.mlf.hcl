resource "dataset" "d" {
  source = "a.csv"
  columns {
    a = 1
  }
}
