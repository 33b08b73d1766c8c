runtime "dokcer" "default" {
}

runtime "docker" "other" {
  imgae = "x"
}

resource "dataset" "d" {
  source "file" {
    path = "a.csv"
  }
  runtime = runtime.docker.othr
}
