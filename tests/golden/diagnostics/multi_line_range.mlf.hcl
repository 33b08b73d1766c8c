locals {
  a = {
    one   = 1
    two   = 2
    three = 3
    four  = 4
    five  = 5
    six   = 6
    seven = 7
  } + 1
  b = [
    "x",
  ] + 1
}
