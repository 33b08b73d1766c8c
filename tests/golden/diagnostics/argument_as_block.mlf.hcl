resource "dataset" "d" {
  source {
    path = "a.csv"
  }
  schema = { age = "float" }
}
