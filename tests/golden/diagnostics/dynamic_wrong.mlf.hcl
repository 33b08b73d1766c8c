resource "dataset" "d" {
  source "file" {
    path = "a.csv"
  }
  dynamic "schema" {
    for_each = [1]
  }
}

resource "dataset" "e" {
  source "file" {
    path = "a.csv"
  }
  dynamic "shema" {
    for_each = [1]
    content {
    }
  }
}

resource "dataset" "f" {
  source "file" {
    path = "a.csv"
  }
  dynamic "schema" {
    content {
    }
  }
}
