locals {
  a = 1_000
  b = 0x10
  c = 1.
  d = .5
  e = 1e
  f = 007
}
