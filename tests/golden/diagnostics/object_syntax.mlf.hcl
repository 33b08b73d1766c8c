locals {
  a = { a: 1, "b" = 2, (upper("c")) = 3, d.e = 4 }
  b = { 1 = 2, null = 3 }
  c = { [1] = 2 }
  d = { a = 1, a = 2 }
}
