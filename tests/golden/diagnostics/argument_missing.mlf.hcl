resource "model" "m" {
  target = "y"
}

resource "split" "s" {
}
