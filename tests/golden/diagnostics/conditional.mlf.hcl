locals {
  a = "yes" ? 1 : 2
  b = true ? { a = 1 } : { b = "x" }
  c = null ? 1 : 2
  d = true ? [1] : "x"
}
