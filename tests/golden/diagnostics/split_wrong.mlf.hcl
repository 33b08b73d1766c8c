resource "dataset" "d" {
  source "file" {
    path = "a.csv"
  }
}

resource "split" "none" {
  dataset = dataset.d
}

resource "split" "two" {
  dataset = dataset.d
  ratio {
    partitions = { train = 0.5, eval = 0.5 }
  }
  by_column {
    column = "x"
    partition "train" {
      values = ["a"]
    }
  }
}

resource "split" "sum" {
  dataset = dataset.d
  ratio {
    partitions = { train = 0.9, eval = 0.5 }
  }
}

resource "split" "kind" {
  dataset = mlform_data.x
  ratio {
    partitions = { train = 1 }
  }
  transform "imputee" {
    columns = ["a"]
  }
}

resource "mlform_data" "x" {
}
