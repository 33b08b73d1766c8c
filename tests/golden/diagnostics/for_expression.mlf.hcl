locals {
  a = [for x in 5 : x]
  b = { for x in ["a", "a"] : x => 1 }
  c = [for x in null : x]
  d = { for k, v in { a = 1 } : k }
  e = [for x in ["a"] : y]
  f = { for x in [[1]] : x => 1 }
  g = [for x in [1] : x if "maybe"]
}
