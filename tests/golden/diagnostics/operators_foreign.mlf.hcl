locals {
  a = true and false
  b = 1 <> 2
  c = not true
  d = 2 ** 3
  e = x => 1
  f = a ?? b
  g = "a" . "b"
  h = 1 & 2
}
