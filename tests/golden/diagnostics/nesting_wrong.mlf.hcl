resource "dataset" "d" {
  source "file" {
    path = "a.csv"
    schema {
      column "age" {
        type = "flot64"
      }
    }
  }
  schema {
    column "age" {
      type = "flot64"
      mn   = 0
    }
    column "age" {
      type = "int64"
    }
  }
}
